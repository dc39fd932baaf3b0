package dev.heddle.content;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class FileNameTest {

    private static FileName name(String text) {
        return FileName.of(text).orElseThrow(() -> new AssertionError("refused: " + text));
    }

    // ---- What is a name ----

    static List<String> good() {
        return List.of(
                "a",
                "report.pdf",
                "Q3 report (final), v2.tar.gz",
                "a-b_c~d+e=f&g%h#i@j!k$l'm^n`o{p}q[r];s",
                "100%",
                "%2e%2e%2f",
                "a.b.c",
                "_hidden",
                "~",
                "Prüfung.txt",
                "日本語.txt",
                "отчёт.txt",
                "שלום.txt",
                "مرحبا.txt",
                "نامه\u200cای.txt",
                "👨\u200d👩\u200d👧.png",
                "❤\ufe0f.png",
                "🇪🇺.png",
                "x".repeat(255),
                "ü".repeat(127),
                "日".repeat(85),
                "👍".repeat(63),
                // No device, though nearly.
                "console",
                "nul-1",
                "com",
                "com10",
                "lpt",
                "auxiliary.txt",
                "a.con",
                "my nul");
    }

    @ParameterizedTest
    @MethodSource("good")
    void aNameThatEverySystemCanStoreIsTakenAsItIs(String text) {
        assertEquals(text, name(text).text());
        assertEquals(text, name(text).toString());
        assertEquals(new FileName(text), name(text));
    }

    @Test
    void theSameLettersAreTheSameNameWhateverMadeThem() {
        assertEquals(name("\u00e9.txt"), name("e\u0301.txt"));
        assertEquals(name("\ud55c.txt"), name("\u1112\u1161\u11ab.txt"));
        assertEquals(name("\u01d6"), name("u\u0308\u0304"));
        assertEquals(name("\u00c5"), name("\u212b"), "the sign of a unit");
        assertEquals(1, name("e\u0301").text().length());
    }

    @Test
    void itsLengthIsThatOfTheFormThatIsKept() {
        // 85 syllables of three letters each: 765 bytes before, 255 after.
        assertEquals(85, name("\u1112\u1161\u11ab".repeat(85)).text().length());
        assertEquals(Optional.empty(), FileName.of("\u1112\u1161\u11ab".repeat(86)));
    }

    // ---- What is none ----

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ".",
                "..",
                "...",
                " ",
                "/",
                "\\",
                "a/b",
                "a\\b",
                "/etc/passwd",
                "../etc/passwd",
                "..\\win.ini",
                "C:win.ini",
                "C:\\win.ini",
                "\\\\host\\share",
                "app.log::$DATA",
                "a:b",
                "a*b",
                "a?b",
                "a\"b",
                "a<b",
                "a>b",
                "a|b",
                ".env",
                ".a",
                "-rf",
                "--help",
                " a",
                "a ",
                "a.",
                "a. ",
                "a .",
                "a..b",
                "a...b",
                "..a",
                "\u00a0a",
                "a\u00a0",
                "a\u3000",
                "\u2003a",
                "a\u202f",
                "a\u1680",
                "a\u2009.",
            })
    void whatIsPartOfAPathOrIsLostOnSomeSystemIsNoName(String text) {
        assertEquals(Optional.empty(), FileName.of(text));
        assertThrows(IllegalArgumentException.class, () -> new FileName(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CON",
                "con",
                "Con",
                "PRN",
                "AUX",
                "NUL",
                "nul.txt",
                "NUL.tar.gz",
                "con.",
                "con.txt",
                "aux .txt",
                "nul  .",
                "com1",
                "COM9.log",
                "com0",
                "lpt1",
                "LPT9.x",
                "com¹",
                "com².txt",
                "LPT³",
                "conin$",
                "CONOUT$",
                "conin$.txt",
            })
    void theNamesOfDevicesAreNone(String text) {
        assertEquals(Optional.empty(), FileName.of(text));
    }

    static IntStream invisible() {
        return IntStream.concat(
                IntStream.rangeClosed(0, 0x1f),
                IntStream.of(
                        0x7f, 0x85, 0x9f, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180e, 0x200b, 0x200e,
                        0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2060, 0x2064, 0x2066, 0x2067,
                        0x2068, 0x2069, 0x206a, 0x2800, 0x3164, 0xfeff, 0xffa0, 0xfff9, 0xfffb, 0x1bca0, 0x1d173,
                        0xe0001, 0xe0041, 0xe007f));
    }

    @ParameterizedTest
    @MethodSource("invisible")
    void whatCannotBeSeenIsInNoName(int character) {
        for (var text : List.of("a%sb", "%sa", "a%s", "%s", "invoice%sgpj.exe")) {
            assertEquals(Optional.empty(), FileName.of(text.formatted(Character.toString(character))));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\ud83d",
                "a\ud83d",
                "\udc4da",
                "a\udc4d\ud83db",
                "a\ufffeb",
                "a\uffff",
                "a\u0378",
                "\u0378",
                "a\ufdd0",
            })
    void whatUnicodeDoesNotKnowIsInNoName(String text) {
        assertEquals(Optional.empty(), FileName.of(text));
    }

    /** Within a name they join letters and emoji; at its ends they only make two names look alike. */
    @ParameterizedTest
    @ValueSource(strings = {"\u200d", "\u200c", "\u200da", "a\u200d", "a.txt\u200c", "\u200c\u200d", "\u200d.."})
    void joinersJoinSomething(String text) {
        assertEquals(Optional.empty(), FileName.of(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\ufe0f", "\u0301a", "\u20dd", "\udb40\udd00a"})
    void aMarkStandsOnSomething(String text) {
        assertEquals(Optional.empty(), FileName.of(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "ü", "日", "👍"})
    void moreThan255BytesAreTooMany(String letter) {
        int bytes = letter.getBytes(StandardCharsets.UTF_8).length;
        assertTrue(FileName.of(letter.repeat(255 / bytes)).isPresent());
        assertEquals(Optional.empty(), FileName.of(letter.repeat(255 / bytes + 1)));
        assertEquals(Optional.empty(), FileName.of(letter.repeat(100_000)));
    }

    @Test
    void aNameIsOnlyMadeInFormC() {
        assertThrows(IllegalArgumentException.class, () -> new FileName("e\u0301"));
        assertThrows(IllegalArgumentException.class, () -> new FileName("../x"));
    }

    // ---- How it is written ----

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        report.pdf   | attachment; filename="report.pdf"; filename*=UTF-8''report.pdf
        a b.txt      | attachment; filename="a b.txt"; filename*=UTF-8''a%20b.txt
        100%.txt     | attachment; filename="100_.txt"; filename*=UTF-8''100%25.txt
        é.txt        | attachment; filename="_.txt"; filename*=UTF-8''%C3%A9.txt
        日本.txt     | attachment; filename="__.txt"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt
        👍.txt       | attachment; filename="_.txt"; filename*=UTF-8''%F0%9F%91%8D.txt
        a;b=c,d.txt  | attachment; filename="a;b=c,d.txt"; filename*=UTF-8''a%3Bb%3Dc%2Cd.txt
        it's (1).txt | attachment; filename="it's (1).txt"; filename*=UTF-8''it%27s%20%281%29.txt
        a-._~b       | attachment; filename="a-._~b"; filename*=UTF-8''a-._~b
        """)
    void aDownloadCarriesItInBothForms(String text, String header) {
        assertEquals(header, name(text).attachment());
    }

    @ParameterizedTest
    @MethodSource("good")
    void theHeaderIsAsciiAndItsQuotesCannotBeLeft(String text) {
        var header = name(text).attachment();
        assertTrue(
                header.matches("attachment; filename=\"[ !#-\\[\\]-~]*\"; filename\\*=UTF-8''[A-Za-z0-9._~%-]+"),
                header);
        assertFalse(header.contains("\\"));
        var encoded = header.substring(header.indexOf("''") + 2);
        assertEquals(text, URLDecoder.decode(encoded.replace("+", "%2B"), StandardCharsets.UTF_8));
        assertEquals(encoded, name(text).percentEncoded());
    }
}
