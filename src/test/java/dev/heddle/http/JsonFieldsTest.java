package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class JsonFieldsTest {

    private static final String EMOJI = "\ud83d\ude00";
    private static final List<String> WORDS = List.of("read", "write");
    private static final Pattern FORM = Pattern.compile("[a-z]+");

    private final Complaints complaints = new Complaints();

    private JsonFields fields(String document) {
        return new JsonFields(JsonReader.read(document.getBytes(StandardCharsets.UTF_8), complaints), complaints);
    }

    /** One reader of a member named x, with its limits. */
    enum Kind {
        TEXT,
        TEXT_OR_NULL,
        INTEGER,
        FLAG,
        TIME_OR_NULL,
        ONE_OF,
        MATCHING,
        WORDS_OF,
        TEXTS,
        LIST;

        Field<?> read(JsonFields fields) {
            return switch (this) {
                case TEXT -> fields.text("x", 1, 3);
                case TEXT_OR_NULL -> fields.textOrNull("x", 3);
                case INTEGER -> fields.integer("x", -1, 4);
                case FLAG -> fields.flag("x");
                case TIME_OR_NULL -> fields.timeOrNull("x");
                case ONE_OF -> fields.oneOf("x", WORDS);
                case MATCHING -> fields.matching("x", FORM, "must be lower-case letters");
                case WORDS_OF -> fields.words("x", WORDS);
                case TEXTS -> fields.texts("x", 1, 2, 3);
                case LIST -> fields.list("x", 1, 2, 3);
            };
        }
    }

    /** A value in JSON that its reader takes, and what comes of it. */
    record Good(Kind kind, String json, Object value) {}

    private static List<Good> good() {
        return List.of(
                new Good(Kind.TEXT, "\"a\"", "a"),
                new Good(Kind.TEXT, "\"abc\"", "abc"),
                new Good(Kind.TEXT, "\"" + EMOJI.repeat(3) + "\"", EMOJI.repeat(3)),
                new Good(Kind.TEXT, "\"\\ud83d\\ude00\"", EMOJI),
                new Good(Kind.TEXT, "\" \"", " "),
                new Good(Kind.TEXT, "\"\\n\\u001b\"", "\n\u001b"),
                new Good(Kind.TEXT_OR_NULL, "\"\"", ""),
                new Good(Kind.TEXT_OR_NULL, "\"" + EMOJI.repeat(3) + "\"", EMOJI.repeat(3)),
                new Good(Kind.INTEGER, "-1", -1),
                new Good(Kind.INTEGER, "-0", 0),
                new Good(Kind.INTEGER, "4", 4),
                new Good(Kind.FLAG, "true", true),
                new Good(Kind.FLAG, "false", false),
                new Good(Kind.TIME_OR_NULL, "\"2026-11-22T10:15:30+01:00\"", Instant.parse("2026-11-22T09:15:30Z")),
                new Good(Kind.ONE_OF, "\"write\"", "write"),
                new Good(Kind.MATCHING, "\"abc\"", "abc"),
                new Good(Kind.WORDS_OF, "[\"write\", \"read\"]", List.of("write", "read")),
                new Good(Kind.TEXTS, "[\"a\"]", List.of("a")),
                new Good(Kind.TEXTS, "[\"a\", \"" + EMOJI.repeat(3) + "\"]", List.of("a", EMOJI.repeat(3))),
                new Good(Kind.LIST, "[\"a\", \"a\"]", List.of("a", "a")));
    }

    @ParameterizedTest
    @MethodSource("good")
    void takesWhatIsWithinTheLimits(Good good) {
        assertEquals(Field.of(good.value()), good.kind().read(fields("{\"x\": " + good.json() + "}")));
        assertTrue(complaints.isEmpty());
    }

    /** A value in JSON that its reader refuses, and all complaints about it. */
    record Bad(Kind kind, String json, List<String> complaints) {
        Bad(Kind kind, String json, String complaint) {
            this(kind, json, List.of(complaint));
        }
    }

    private static List<Bad> bad() {
        return List.of(
                new Bad(Kind.TEXT, "null", "/x wrong_type"),
                new Bad(Kind.TEXT, "1", "/x wrong_type"),
                new Bad(Kind.TEXT, "true", "/x wrong_type"),
                new Bad(Kind.TEXT, "[\"a\"]", "/x wrong_type"),
                new Bad(Kind.TEXT, "{}", "/x wrong_type"),
                new Bad(Kind.TEXT, "\"\"", "/x too_short"),
                new Bad(Kind.TEXT, "\"abcd\"", "/x too_long"),
                new Bad(Kind.TEXT, "\"" + EMOJI.repeat(4) + "\"", "/x too_long"),
                new Bad(Kind.TEXT, "\"\\u0000\"", "/x invalid_character"),
                new Bad(Kind.TEXT, "\"\\ud800\"", "/x invalid_character"),
                new Bad(Kind.TEXT, "\"\\ude00\"", "/x invalid_character"),
                new Bad(Kind.TEXT, "\"\\ude00\\ud83d\"", "/x invalid_character"),
                new Bad(Kind.TEXT, "\"\\ud83d\\ud83d\\ude00\"", "/x invalid_character"),
                new Bad(Kind.TEXT_OR_NULL, "false", "/x wrong_type"),
                new Bad(Kind.TEXT_OR_NULL, "\"abcd\"", "/x too_long"),
                new Bad(Kind.TEXT_OR_NULL, "\"a\\u0000\"", "/x invalid_character"),
                new Bad(Kind.INTEGER, "null", "/x wrong_type"),
                new Bad(Kind.INTEGER, "\"1\"", "/x wrong_type"),
                new Bad(Kind.INTEGER, "true", "/x wrong_type"),
                new Bad(Kind.INTEGER, "-2", "/x out_of_range"),
                new Bad(Kind.INTEGER, "5", "/x out_of_range"),
                new Bad(Kind.INTEGER, "1.5", "/x out_of_range"),
                new Bad(Kind.INTEGER, "4294967297", "/x out_of_range"),
                new Bad(Kind.INTEGER, "18446744073709551617", "/x out_of_range"),
                new Bad(Kind.INTEGER, "1e999999999", "/x out_of_range"),
                new Bad(Kind.FLAG, "null", "/x wrong_type"),
                new Bad(Kind.FLAG, "\"true\"", "/x wrong_type"),
                new Bad(Kind.FLAG, "1", "/x wrong_type"),
                new Bad(Kind.TIME_OR_NULL, "\"tomorrow\"", "/x not_a_timestamp"),
                new Bad(Kind.TIME_OR_NULL, "1763806530", "/x not_a_timestamp"),
                new Bad(Kind.ONE_OF, "null", "/x wrong_type"),
                new Bad(Kind.ONE_OF, "\"READ\"", "/x not_one_of"),
                new Bad(Kind.ONE_OF, "[\"read\"]", "/x not_one_of"),
                new Bad(Kind.MATCHING, "null", "/x wrong_type"),
                new Bad(Kind.MATCHING, "\"a1\"", "/x wrong_form"),
                new Bad(Kind.MATCHING, "\"a\\n\"", "/x wrong_form"),
                new Bad(Kind.MATCHING, "7", "/x wrong_form"),
                new Bad(Kind.WORDS_OF, "null", "/x wrong_type"),
                new Bad(Kind.WORDS_OF, "[]", "/x wrong_size"),
                new Bad(Kind.WORDS_OF, "[\"read\", \"admin\"]", "/x not_one_of"),
                new Bad(Kind.WORDS_OF, "[\"read\", \"read\"]", "/x/1 duplicate"),
                new Bad(Kind.WORDS_OF, "[\"read\", \"write\", \"read\"]", "/x wrong_size"),
                new Bad(Kind.TEXTS, "null", "/x wrong_type"),
                new Bad(Kind.TEXTS, "\"a\"", "/x wrong_type"),
                new Bad(Kind.TEXTS, "{\"0\": \"a\"}", "/x wrong_type"),
                new Bad(Kind.TEXTS, "[]", "/x wrong_size"),
                new Bad(Kind.TEXTS, "[\"a\", \"b\", \"c\"]", "/x wrong_size"),
                new Bad(Kind.TEXTS, "[\"a\", \"a\"]", "/x/1 duplicate"),
                new Bad(Kind.LIST, "[]", "/x wrong_size"),
                new Bad(Kind.LIST, "[\"a\", 1]", "/x/1 wrong_type"),
                new Bad(Kind.TEXTS, "[1, null]", List.of("/x/0 wrong_type", "/x/1 wrong_type")),
                new Bad(Kind.TEXTS, "[\"\", \"\\u0000\"]", List.of("/x/0 too_short", "/x/1 invalid_character")));
    }

    @ParameterizedTest
    @MethodSource("bad")
    void complainsAboutWhatIsNot(Bad bad) {
        bad.kind().read(fields("{\"x\": " + bad.json() + "}"));
        assertEquals(bad.complaints(), Complained.in(complaints));
    }

    @Test
    void anAbsentMemberIsAbsentAndNoComplaint() {
        for (var kind : Kind.values()) {
            assertEquals(Field.absent(), kind.read(fields("{}")), kind.name());
        }
        assertTrue(complaints.isEmpty());
    }

    @Test
    void aNullWhereNullIsAllowedIsPresentAndNull() {
        for (var kind : List.of(Kind.TEXT_OR_NULL, Kind.TIME_OR_NULL)) {
            assertEquals(Field.of(null), kind.read(fields("{\"x\": null}")), kind.name());
        }
        assertTrue(complaints.isEmpty());
    }

    @Test
    void anAbsentMemberThatIsRequiredIsComplainedAbout() {
        fields("{\"a\": null}").require("a").require("b");
        assertEquals(List.of("/b required"), Complained.in(complaints));
    }

    @Test
    void aDocumentThatIsNoObjectIsTheOnlyComplaint() {
        for (var document : List.of("[]", "\"x\"", "1", "null", "true")) {
            var fresh = new Complaints();
            var fields = new JsonFields(JsonReader.read(document.getBytes(StandardCharsets.UTF_8), fresh), fresh);
            fields.require("title").text("title", 1, 3);
            fields.complainAboutUnknown();
            assertEquals(List.of(" wrong_type"), Complained.in(fresh), document);
        }
    }

    @Test
    void membersThatNobodyAskedForAreComplainedAboutByPointer() {
        var fields = fields("{\"title\": \"a\", \"owner_id\": 1, \"~/\": null, \"\": {}}");
        fields.text("title", 1, 3);
        fields.complainAboutUnknown();
        assertEquals(List.of("/owner_id unknown", "/~0~1 unknown", "/ unknown"), Complained.in(complaints));
    }

    @Test
    void anEndlessNameIsNotEchoedWhole() {
        fields("{\"" + EMOJI.repeat(10_000) + "\": 1}").complainAboutUnknown();
        var name = Complained.in(complaints).getFirst();
        assertTrue(name.length() < 200, name);
        assertTrue(StandardCharsets.UTF_8.newEncoder().canEncode(name), "cut within a surrogate pair");
    }

    @Test
    void everythingThatIsWrongIsSaidAtOnce() {
        var fields = fields("{\"a\": 1, \"a\": \"too long\", \"b\": [\"x\", 1], \"c\": 9, \"d\": 0}");
        fields.require("e").text("a", 1, 3);
        fields.texts("b", 0, 5, 3);
        fields.integer("c", 0, 4);
        fields.complain("c", "odd", "must be even");
        fields.complainAboutUnknown();
        assertEquals(
                List.of(
                        "/a duplicate",
                        "/e required",
                        "/a too_long",
                        "/b/1 wrong_type",
                        "/c out_of_range",
                        "/c odd",
                        "/d unknown"),
                Complained.in(complaints));
    }
}
