package dev.heddle.identity;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** What a token may be used for. */
public enum Scope {
    /** Reading. */
    READ,
    /** Writing. */
    WRITE,
    /** Administration, and acting for other users; only for tokens of administrators. */
    ADMIN;

    /** As the API and the database write it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The words of all scopes. */
    static List<String> words() {
        return Arrays.stream(values()).map(Scope::word).toList();
    }

    static Set<Scope> of(List<String> words) {
        var scopes = EnumSet.noneOf(Scope.class);
        words.forEach(word -> scopes.add(valueOf(word.toUpperCase(Locale.ROOT))));
        return scopes;
    }
}
