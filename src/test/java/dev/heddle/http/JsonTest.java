package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                "\"\"",
                "0",
                "-0",
                "1e400",
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "0.1234567890123456789012345678901234567890123456789012345678901234567890123456789",
                "true",
                "false",
                "null",
                " \t\r\n{ \"a\" : [ 1 , 2 ] } \r\n",
                "{\"a\":1,\"a\":2}",
                "\"\\u0000\"",
                "\"\\ud800\"",
                "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
                "\"\u007f\"",
                "\"\u00e9\u20ac\ud83d\ude00\uffff\"",
                "\"\ufeff\""
            })
    void takesOneDocument(String text) {
        assertTrue(Json.isDocument(utf8(text)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "\n",
                "{",
                "}",
                "[",
                "]",
                "[1",
                "{\"a\"",
                "{\"a\":",
                "{\"a\":1",
                "{]",
                "[}",
                "\"",
                "\"a",
                "tru",
                "truex",
                "nul",
                "{}{}",
                "{} {}",
                "[][]",
                "1 2",
                "\"a\"\"b\"",
                "null null",
                "{}x",
                "{},",
                "1,",
                "{}}",
                "[]]",
                "{}/**/",
                "{} // a",
                "# a\n{}",
                "[1,]",
                "[,1]",
                "[1 2]",
                "{\"a\":1,}",
                "{,}",
                "{a:1}",
                "{'a':1}",
                "{1:1}",
                "{\"a\" 1}",
                "['a']",
                "NaN",
                "Infinity",
                "-Infinity",
                "+1",
                "01",
                "-",
                ".5",
                "1.",
                "1e",
                "0x1",
                "\"\\x\"",
                "\"\\u12\"",
                "\"\\u12g4\"",
                "\"\\\"",
                "{\"\\x\":1}",
                "[\"\\x\"]",
                "{\"a\":\"\\x\"}",
                "{\"a\":[{\"b\":\"\\u00\"}]}",
                "\"a\nb\"",
                "\"a\tb\"",
                "\"a\u0000b\"",
                "{}\u0000",
                "\u0000{}",
                "\u000b{}",
                "{}\f",
                "\u00a0{}",
                "\ufeff{}",
                "\ufeff",
                "\u0000",
                "<html>",
                ")]}',\n{}"
            })
    void refusesWhatIsNoneOrMoreThanOne(String text) {
        assertFalse(Json.isDocument(utf8(text)));
    }

    @ParameterizedTest
    @CsvSource({
        "22 80 22",
        "22 c3 22",
        "22 c3 28 22",
        "22 c0 80 22",
        "22 c1 bf 22",
        "22 e2 82 22",
        "22 e0 80 af 22",
        "22 ed a0 80 22",
        "22 ed a0 bd ed b8 80 22",
        "22 f0 80 80 80 22",
        "22 f0 9f 98 22",
        "22 f4 90 80 80 22",
        "22 f8 88 80 80 80 22",
        "22 fe 22",
        "22 ff 22",
        "7b 7d c3",
        "7b 7d ff",
        "ef bb bf 7b 7d",
        "ef bb bf",
        "ef bb",
        "ff fe 7b 00 7d 00",
        "fe ff 00 7b 00 7d",
        "7b 00 7d 00",
        "00 7b 00 7d",
        "31 00",
        "00 31",
        "7b 00 00 00 7d 00 00 00",
        "22 e9 22"
    })
    void refusesWhatIsNotUtf8(String hex) {
        assertFalse(Json.isDocument(HexFormat.ofDelimiter(" ").parseHex(hex)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE", "UTF-32BE"})
    void refusesOtherEncodings(String name) {
        for (var text : new String[] {"{}", "1", "\"\u4e2d\u6587\"", "[\"\u00e9\"]"}) {
            assertFalse(Json.isDocument(text.getBytes(Charset.forName(name))));
        }
    }

    @ParameterizedTest
    @CsvSource({"200, true", "201, false", "1000000, false"})
    void takesDocumentsUpToADepth(int depth, boolean isDocument) {
        assertEquals(isDocument, Json.isDocument(utf8("[".repeat(depth) + "]".repeat(depth))));
        assertEquals(isDocument, Json.isDocument(utf8("{\"a\":".repeat(depth) + "1" + "}".repeat(depth))));
        assertFalse(Json.isDocument(utf8("[".repeat(depth))));
    }

    @Test
    void aDocumentThatIsCutAnywhereIsNone() {
        var all = utf8("{\"a\":[1.5,\"\u00e9\\n\",true,null,{}],\"b\":-2e3}");
        for (int cut = 0; cut < all.length; cut++) {
            assertFalse(Json.isDocument(Arrays.copyOf(all, cut)), "cut at " + cut);
        }
        assertTrue(Json.isDocument(all));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7900, 7990, 8000, 16_000, 100_000, 1_000_000})
    void embedsADocumentByteByByte(int length) throws IOException {
        var random = new Random(length);
        var text = new StringBuilder(" { \"a\" : \"");
        for (int i = 0; i < length; i++) {
            text.append("x\u00e9\u20ac ".charAt(random.nextInt(4)));
        }
        var document = utf8(text + "\\u00e9\" }\n");
        assertTrue(Json.isDocument(document));

        var written = Json.write(json -> {
            json.writeStartObject();
            json.writeStringField("first", "1");
            json.writeFieldName("raw");
            Json.raw(json, document);
            json.writeArrayFieldStart("more");
            Json.raw(json, document);
            Json.raw(json, document);
            json.writeEndArray();
            json.writeNumberField("last", 2);
            json.writeEndObject();
        });

        var expected = new ByteArrayOutputStream();
        expected.write(utf8("{\"first\":\"1\",\"raw\":"));
        expected.write(document);
        expected.write(utf8(",\"more\":["));
        expected.write(document);
        expected.write(',');
        expected.write(document);
        expected.write(utf8("],\"last\":2}"));
        assertArrayEquals(expected.toByteArray(), written);
        assertTrue(Json.isDocument(written));
    }

    @Test
    void aDocumentAloneIsWrittenAsItIs() {
        for (var text : new String[] {"1", "\"\u00e9\"", " [ ] "}) {
            assertArrayEquals(utf8(text), Json.write(json -> Json.raw(json, utf8(text))));
        }
    }
}
