package dev.heddle.files;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.files.FormReader.BrokenFormException;
import dev.heddle.files.FormReader.LongHeadException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Forms, taken apart as they come. */
class FormReaderTest {

    private static final int HEAD_MAX = 100;

    private static InputStream in(String text) {
        return new ByteArrayInputStream(text.getBytes(ISO_8859_1));
    }

    /** As it may come from a network: never more than that at once. */
    private static InputStream dripping(byte[] bytes, int most) {
        return new ByteArrayInputStream(bytes) {
            @Override
            public synchronized int read(byte[] into, int offset, int length) {
                return super.read(into, offset, Math.min(most, length));
            }
        };
    }

    private static byte[] content(FormReader form) throws IOException {
        var content = new ByteArrayOutputStream();
        form.content(content::write);
        return content.toByteArray();
    }

    private static boolean next(FormReader form) throws IOException {
        return form.content((_, _, _) -> {});
    }

    private static byte[] bytes(int length) {
        var bytes = new byte[length];
        // Few different ones, so that there is much that looks like a boundary.
        var random = new Random(length);
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) "\r\n-b".charAt(random.nextInt(4));
        }
        return bytes;
    }

    private static byte[] form(String boundary, byte[] content) throws IOException {
        var form = new ByteArrayOutputStream();
        form.write(("--" + boundary + "\r\nX: y\r\n\r\n").getBytes(ISO_8859_1));
        form.write(content);
        form.write(("\r\n--" + boundary + "--\r\n").getBytes(ISO_8859_1));
        return form.toByteArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 1000, 65_450, 65_500, 65_536, 131_072, 200_001})
    void aContentOfAnyLengthComesAsItIs(int length) throws IOException {
        var content = bytes(length);
        for (int most : new int[] {1, 4093, 1 << 20}) {
            var form = new FormReader(dripping(form("b0b-b0b", content), most), "b0b-b0b");
            assertTrue(next(form));
            assertEquals("X: y", new String(form.head(HEAD_MAX), ISO_8859_1));
            assertArrayEquals(content, content(form));
            form.skipRest();
        }
    }

    @Test
    void whatStandsBeforeTheFirstFieldAndBehindTheLastMeansNothing() throws IOException {
        var form = new FormReader(in("before --b\r\n--b\r\nX: y\r\n\r\none\r\n--b--\r\nbehind\r\n--b\r\n"), "b");
        assertTrue(next(form));
        form.head(HEAD_MAX);
        assertEquals("one", new String(content(form), ISO_8859_1));
        form.skipRest();
    }

    @Test
    void oneFieldComesAfterTheOther() throws IOException {
        var form = new FormReader(in("--b\r\nX: y\r\n\r\none\r\n--b\r\nX: z\r\n\r\n\r\n--b--"), "b");
        assertTrue(next(form));
        form.head(HEAD_MAX);
        assertTrue(next(form));
        assertEquals("X: z", new String(form.head(HEAD_MAX), ISO_8859_1));
        assertFalse(next(form));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "--b", "--b\r", "--c\r\n", "x--b\r\n", "--b\n", "--bb\r\n", "--b-x", "--b \r\n"})
    void whatDoesNotBeginWithAFieldIsBroken(String text) {
        assertThrows(BrokenFormException.class, () -> next(new FormReader(in(text), "b")));
    }

    @Test
    void aHeadHasAsManyBytesAsItMayAndNoMore() throws IOException {
        var head = "X: " + "y".repeat(HEAD_MAX - 7);
        var fits = new FormReader(in("--b\r\n" + head + "\r\n\r\n"), "b");
        assertTrue(next(fits));
        assertEquals(head, new String(fits.head(HEAD_MAX), ISO_8859_1));
        var tooLong = new FormReader(in("--b\r\n" + head + "y\r\n\r\n"), "b");
        assertTrue(next(tooLong));
        assertThrows(LongHeadException.class, () -> tooLong.head(HEAD_MAX));
    }

    @Test
    void noContentMakesTheSearchForItsEndSlow() throws IOException {
        var boundary = "-".repeat(70);
        for (var unit : new String[] {"-", "\r\n-", "\r\n" + "-".repeat(71), "\r"}) {
            var content = unit.repeat((32 << 20) / unit.length()).getBytes(ISO_8859_1);
            var form = new FormReader(new ByteArrayInputStream(form(boundary, content)), boundary);
            assertTimeoutPreemptively(Duration.ofSeconds(10), () -> {
                assertTrue(next(form));
                form.head(HEAD_MAX);
                assertFalse(next(form));
            });
        }
    }
}
