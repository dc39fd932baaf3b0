package dev.heddle.files;

/** The HTTP side of files. */
public final class FileRoutes {

    /** The head and the end of the form around a file. */
    private static final long FORM_BYTES = 64 * 1024;

    private FileRoutes() {}

    /** How long a body may be that brings a file of that size. */
    public static long bodyBytes(long fileBytes) {
        return fileBytes + FORM_BYTES;
    }
}
