package dev.heddle.connection;

import io.helidon.http.DirectHandler;
import io.helidon.http.RequestException;
import io.helidon.http.Status;

/** The refusals of the guard: the web server answers them, and the connection ends. */
final class Refusals {

    private Refusals() {}

    static RequestException broken(String message) {
        return of(Status.BAD_REQUEST_400, message);
    }

    static RequestException tooLarge(String message) {
        return of(Status.REQUEST_ENTITY_TOO_LARGE_413, message);
    }

    static RequestException unknownMethod() {
        return of(Status.NOT_IMPLEMENTED_501, "a method in small letters");
    }

    private static RequestException of(Status status, String message) {
        return RequestException.builder()
                .type(DirectHandler.EventType.BAD_REQUEST)
                .status(status)
                .message(message)
                .setKeepAlive(false)
                .build();
    }
}
