package dev.heddle.files;

import java.io.IOException;

/** There is no room for what is to be stored. */
public final class StorageFullException extends IOException {

    private static final long serialVersionUID = 1L;

    StorageFullException(String message) {
        super(message);
    }
}
