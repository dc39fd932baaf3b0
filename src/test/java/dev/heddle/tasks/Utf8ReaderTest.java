package dev.heddle.tasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Text that comes in pieces which know nothing of its characters. */
class Utf8ReaderTest {

    private static final String TEXT = "woof\r\nand w\u00e4rp \u7e54 \ud83e\uddf5\r\rend\n";

    /** At most so many bytes at once. */
    private static InputStream inPieces(byte[] bytes, int size) {
        return new ByteArrayInputStream(bytes) {
            @Override
            public synchronized int read(byte[] to, int offset, int length) {
                return super.read(to, offset, Math.min(length, size));
            }
        };
    }

    private static String read(Utf8Reader reader, int room) throws IOException {
        var text = new StringWriter();
        var buffer = new char[room + 5];
        for (int n; (n = reader.read(buffer, 5, room)) >= 0; ) {
            text.write(buffer, 5, n);
        }
        return text.toString();
    }

    @ParameterizedTest
    @CsvSource({"1,1", "1000,1", "1,2", "1,100", "2,3", "3,2", "5,7", "1000,2", "1000,1000"})
    void noCharacterIsCutWhereAPieceEnds(int piece, int room) throws IOException {
        var reader = new Utf8Reader(inPieces(TEXT.getBytes(StandardCharsets.UTF_8), piece));
        assertEquals(TEXT, read(reader, room));
        assertEquals(5, reader.line());
    }

    @Test
    void nothingIsCutWhereItsBufferEnds() throws IOException {
        for (int before = 65_530; before < 65_540; before++) {
            var text = "x".repeat(before) + TEXT;
            assertEquals(text, read(new Utf8Reader(inPieces(text.getBytes(StandardCharsets.UTF_8), 100_000)), 8192));
        }
    }

    @Test
    void aMarkIsSkippedAtTheBeginningOnly() throws IOException {
        var bytes = "\ufeffa\ufeffb".getBytes(StandardCharsets.UTF_8);
        assertEquals("a\ufeffb", read(new Utf8Reader(inPieces(bytes, 1)), 2));
        assertEquals("", read(new Utf8Reader(inPieces("\ufeff".getBytes(StandardCharsets.UTF_8), 3)), 10));
        assertEquals("", read(new Utf8Reader(InputStream.nullInputStream()), 10));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\u00ff", "\u00c3", "\u00c0\u00af", "\u00ed\u00a0\u0080", "\u00f5\u0080\u0080\u0080"})
    void whatIsBrokenIsHeardAfterWhatStandsBeforeIt(String latin1) throws IOException {
        var bytes = ("one\ntwo" + latin1).getBytes(StandardCharsets.ISO_8859_1);
        for (int piece = 1; piece < 9; piece++) {
            var reader = new Utf8Reader(inPieces(bytes, piece));
            var text = new StringBuilder();
            while (text.length() < 7) {
                text.append((char) reader.read());
            }
            assertEquals("one\ntwo", text.toString());
            assertEquals(2, reader.line());
            assertThrows(CharacterCodingException.class, () -> read(reader, 10));
        }
    }
}
