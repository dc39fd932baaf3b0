package dev.heddle.client;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a server answered, whole. Not changed by anybody, safe for any thread. */
public final class HttpAnswer {

    private final int status;
    private final List<HttpHeader> headers;
    private final byte[] body;

    HttpAnswer(int status, List<HttpHeader> headers, byte[] body) {
        this.status = status;
        this.headers = headers;
        this.body = body;
    }

    /** 200 to 599. */
    public int status() {
        return status;
    }

    /** The body itself, which nobody may write to. */
    public byte[] body() {
        return body;
    }

    /** A field; repeated ones are joined by commas (RFC 9110 §5.3), an absent one is empty. */
    public String header(String name) {
        return join(headers, name);
    }

    static String join(List<HttpHeader> headers, String name) {
        String only = "";
        int found = 0;
        for (var header : headers) {
            if (header.name().equalsIgnoreCase(name)) {
                only = header.value();
                found++;
            }
        }
        return found < 2
                ? only
                : headers.stream()
                        .filter(header -> header.name().equalsIgnoreCase(name))
                        .map(HttpHeader::value)
                        .collect(Collectors.joining(", "));
    }

    /** A field, if it was sent and is not empty. */
    public Optional<String> find(String name) {
        var value = header(name);
        return value.isEmpty() ? Optional.empty() : Optional.of(value);
    }
}
