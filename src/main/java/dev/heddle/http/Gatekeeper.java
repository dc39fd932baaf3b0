package dev.heddle.http;

import java.util.function.Supplier;

/** Lets a request in or refuses it. Owned here because the kernel asks; the identity room knows the answer. */
@FunctionalInterface
public interface Gatekeeper {

    /**
     * Runs the inside on behalf of whoever sent the request.
     *
     * @throws ProblemException {@link Problem#UNAUTHENTICATED} or {@link Problem#FORBIDDEN}
     */
    Answer admit(Request request, Access access, Supplier<Answer> inside);
}
