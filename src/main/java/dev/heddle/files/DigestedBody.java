package dev.heddle.files;

import dev.heddle.content.DigestFields;
import dev.heddle.http.Problem;
import dev.heddle.http.Request;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.io.InputStream;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The body of an upload, and the digests that its client has sent. Those in the head of the request are of the body as RFC
 * 9530 has it, or of the file, which is what most clients have at hand; those beside the file are of the file. One
 * request's.
 */
final class DigestedBody {

    static final HeaderName CONTENT_DIGEST = HeaderNames.create("Content-Digest");
    static final HeaderName REPR_DIGEST = HeaderNames.create("Repr-Digest");

    private final List<Map<String, byte[]>> wanted;
    private final Map<String, MessageDigest> digests = new LinkedHashMap<>();
    private final InputStream stream;

    /** Refuses digests that cannot be read, before any of the body is. */
    DigestedBody(Request request) {
        wanted = Stream.of(CONTENT_DIGEST, REPR_DIGEST)
                .map(name -> DigestFields.read(name.defaultCase(), request.header(name)))
                .toList();
        var in = request.stream();
        for (var algorithm : algorithms(List.of())) {
            var digest = DigestFields.begin(algorithm);
            digests.put(algorithm, digest);
            in = new DigestInputStream(in, digest);
        }
        stream = in;
    }

    /** What is read from here is what is digested. */
    InputStream stream() {
        return stream;
    }

    /** By which algorithms the file must be digested, if those digests stand with it. */
    List<String> algorithms(List<Map<String, byte[]>> ofFile) {
        var all = new ArrayList<>(wanted);
        all.addAll(ofFile);
        return all.stream().flatMap(one -> one.keySet().stream()).distinct().toList();
    }

    /**
     * To be called when everything has been read.
     *
     * @throws dev.heddle.http.ProblemException {@link Problem#DIGEST_MISMATCH}
     */
    void requireDigests(ReceivedFile file, List<Map<String, byte[]>> ofFile) {
        var made = new LinkedHashMap<String, byte[]>();
        digests.forEach((algorithm, digest) -> made.put(algorithm, digest.digest()));
        for (var one : wanted) {
            one.forEach((algorithm, digest) ->
                    require(file.has(algorithm, digest) || Arrays.equals(made.get(algorithm), digest)));
        }
        for (var one : ofFile) {
            one.forEach((algorithm, digest) -> require(file.has(algorithm, digest)));
        }
    }

    private static void require(boolean isRight) {
        if (!isRight) {
            throw Problem.DIGEST_MISMATCH.asException();
        }
    }
}
