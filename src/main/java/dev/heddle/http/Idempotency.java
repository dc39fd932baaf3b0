package dev.heddle.http;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.util.function.Supplier;

/**
 * {@code Idempotency-Key}: a write that carries one is done once, and every repeat gets the first outcome. Safe for any
 * thread.
 */
public final class Idempotency {

    static final HeaderName HEADER = HeaderNames.create("Idempotency-Key");

    /** Set on the answer to a repeat. */
    public static final HeaderName REPLAYED = HeaderNames.create("Idempotent-Replayed");

    /** Room for a UUID, a hash, or a name with a prefix. */
    private static final int KEY_LENGTH_MAX = 255;

    private final Store store;

    /**
     * One use of a key.
     *
     * @param callerId whose key it is
     * @param key as it was sent
     * @param fingerprint what was asked; another one under the same key is refused
     * @param path where it was asked, for the document of a refusal
     * @param requestId by whom it was asked first, for the same
     */
    public record Use(String callerId, String key, String fingerprint, String path, String requestId) {}

    /** Where outcomes are kept. */
    public interface Store {
        /**
         * Does the work and keeps its answer, both or neither; or gives the answer that was kept, with {@link #REPLAYED}.
         *
         * @throws ProblemException {@link Problem#IDEMPOTENCY_IN_PROGRESS} or {@link Problem#IDEMPOTENCY_KEY_REUSED}
         */
        Answer once(Use use, Supplier<Answer> work);
    }

    /** Keeps outcomes in that store. */
    public Idempotency(Store store) {
        this.store = store;
    }

    /** Does the work, once if the request carries a key. */
    public Answer once(Request request, String callerId, Supplier<Answer> work) {
        return once(request, callerId, request::fingerprint, work);
    }

    /**
     * The same for a request whose body was a stream. It is called when the body has come, so a repeat that overtakes the
     * first one takes its place: whichever is whole first is done.
     *
     * @param content what the body came to, such as its digest
     */
    public Answer onceStreamed(Request request, String callerId, byte[] content, Supplier<Answer> work) {
        return once(request, callerId, () -> request.fingerprint(content), work);
    }

    private Answer once(Request request, String callerId, Supplier<String> fingerprint, Supplier<Answer> work) {
        var key = request.idempotencyKey();
        if (key.isEmpty()) {
            return work.get();
        }
        requireValid(key.get());
        return store.once(new Use(callerId, key.get(), fingerprint.get(), request.rawPath(), request.id()), work);
    }

    /** Whether the request carries a key. */
    public static boolean isAsked(Request request) {
        return request.idempotencyKey().isPresent();
    }

    /** Refuses a key that is none, before anything is received on its behalf. */
    public static void requireValidKey(Request request) {
        request.idempotencyKey().ifPresent(Idempotency::requireValid);
    }

    private static void requireValid(String key) {
        if (key.isEmpty() || key.length() > KEY_LENGTH_MAX || !key.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            throw Problem.BAD_REQUEST.because(
                    "Idempotency-Key must be 1 to " + KEY_LENGTH_MAX + " printable ASCII characters.");
        }
    }
}
