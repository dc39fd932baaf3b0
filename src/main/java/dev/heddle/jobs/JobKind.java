package dev.heddle.jobs;

import java.util.regex.Pattern;

/**
 * A kind of job. Its name is in the database and in the API, so it never changes.
 *
 * @param name lower case letters and underscores, because it stands in statements as it is
 * @param lane whose workers run it
 */
public record JobKind(String name, Lane lane) {

    private static final Pattern NAME = Pattern.compile("[a-z][a-z_]{0,62}");

    /** Refuses a name that could not stand in a statement. */
    public JobKind {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(name + " is no name for a kind of job");
        }
    }
}
