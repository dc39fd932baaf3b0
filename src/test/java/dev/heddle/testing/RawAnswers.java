package dev.heddle.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Takes apart what a server has sent on one connection: whole answers and nothing else, or it is an error. */
public final class RawAnswers {

    private static final Pattern HEAD = Pattern.compile(
            "\\GHTTP/1\\.1 ([1-5][0-9]{2}) [ -~]*\\r\\n(?:[!#-'*+.0-9A-Z^-z|~-]+:[\\t -~]*\\r\\n)*\\r\\n");

    private static final Pattern CHUNK = Pattern.compile("\\G([0-9a-fA-F]+)\\r\\n");

    private RawAnswers() {}

    /**
     * The answers in a text of Latin-1. To a HEAD there is no body: it is one when the next answer, or nothing, stands
     * where the body would.
     *
     * @throws AssertionError for anything that is not an answer
     */
    public static List<RawHttp.Answer> in(String text) {
        var answers = new ArrayList<RawHttp.Answer>();
        var head = HEAD.matcher(text);
        int at = 0;
        while (at < text.length()) {
            if (!head.find(at)) {
                throw new AssertionError("no answer at " + at + " of: " + text);
            }
            int end = endOfBody(text, head.end());
            answers.add(new RawHttp.Answer(text.substring(at, end), false));
            at = end;
        }
        return answers;
    }

    private static int endOfBody(String text, int begin) {
        if (begin == text.length() || text.startsWith("HTTP/1.1 ", begin)) {
            return begin;
        }
        var head = new RawHttp.Answer(text.substring(text.lastIndexOf("HTTP/1.1 ", begin), begin), false);
        if (head.header("Transfer-Encoding").isPresent()) {
            return endOfChunks(text, begin);
        }
        int end = begin + Integer.parseInt(head.header("Content-Length").orElse("0"));
        if (end > text.length()) {
            throw new AssertionError("an answer is cut: " + text);
        }
        return end;
    }

    private static int endOfChunks(String text, int begin) {
        var chunk = CHUNK.matcher(text);
        int at = begin;
        while (chunk.find(at)) {
            int size = Integer.parseInt(chunk.group(1), 16);
            at = chunk.end() + size + 2;
            if (size == 0) {
                return at;
            }
        }
        throw new AssertionError("an answer in chunks is cut: " + text);
    }

    /** The only one. */
    public static RawHttp.Answer only(String text) {
        var all = in(text);
        if (all.size() != 1) {
            throw new AssertionError(all.size() + " answers: " + text);
        }
        return all.getFirst();
    }
}
