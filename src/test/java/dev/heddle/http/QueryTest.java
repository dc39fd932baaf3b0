package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QueryTest {

    private final Complaints complaints = new Complaints();

    private Query query(String raw) {
        return Query.of(raw, complaints);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        q=milk               | milk
        q=buy+milk           | buy milk
        q=buy%20milk         | buy milk
        q=a%2Bb              | a+b
        q=%C3%A9             | é
        q=%f0%9f%98%80       | 😀
        q=a=b                | a=b
        q=a%26b%3Dc          | a&b=c
        %71=milk             | milk
        &&q=milk&            | milk
        """)
    void readsPercentEncodedUtf8WhereAPlusIsABlank(String raw, String value) {
        assertEquals(Optional.of(value), query(raw).text("q", 20));
        assertTrue(complaints.isEmpty());
    }

    @Test
    void anAbsentParameterIsEmptyAndNoComplaint() {
        var query = query("");
        assertEquals(Optional.empty(), query.text("a", 5));
        assertEquals(Optional.empty(), query.flag("a"));
        assertEquals(Optional.empty(), query.integer("a", 0, 5));
        assertEquals(Optional.empty(), query.time("a"));
        assertEquals(Optional.empty(), query.uuid("a"));
        assertEquals(Optional.empty(), query.oneOf("a", Speed.class));
        assertEquals(Optional.empty(), Query.of(null, complaints).text("a", 5));
        assertTrue(complaints.isEmpty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"q=%", "q=%4", "q=%zz", "q=%C3", "q=%C0%AF", "q=%ED%A0%80", "%FF=1"})
    void refusesWhatIsNotPercentEncodedUtf8(String raw) {
        assertEquals(
                Problem.BAD_REQUEST,
                assertThrows(ProblemException.class, () -> query(raw)).problem());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        q=           | q too_short
        q            | q too_short
        q=abcdef     | q too_long
        q=%00        | q invalid_character
        a=b&q=%00    | q invalid_character
        q=%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80 | q too_long
        """)
    void checksTexts(String raw, String complaint) {
        assertEquals(Optional.empty(), query(raw).text("q", 5));
        assertEquals(List.of(complaint), Complained.in(complaints));
    }

    @Test
    void countsCodePoints() {
        assertEquals(Optional.of("😀😀"), query("q=%F0%9F%98%80%F0%9F%98%80").text("q", 2));
    }

    @ParameterizedTest
    @CsvSource({"0,0", "100,100", "007,7"})
    void readsWholeNumbers(String text, int number) {
        assertEquals(Optional.of(number), query("n=" + text).integer("n", 0, 100));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-1",
                "101",
                "+1",
                "1.0",
                "1e2",
                "0x1",
                "%201",
                "1%20",
                "ten",
                "%D9%A1",
                "9223372036854775807",
                "4294967297",
                "99999999999999999999999999"
            })
    void refusesWhatIsNoWholeNumberInTheRange(String text) {
        assertEquals(Optional.empty(), query("n=" + text).integer("n", 0, 100));
        assertEquals(List.of("n out_of_range"), Complained.in(complaints));
    }

    @Test
    void readsFlagsAndNothingLikeThem() {
        assertEquals(Optional.of(true), query("f=true").flag("f"));
        assertEquals(Optional.of(false), query("f=false").flag("f"));
        for (var text : List.of("TRUE", "1", "yes", "", "on")) {
            assertEquals(Optional.empty(), query("f=" + text).flag("f"), text);
        }
        assertEquals(5, Complained.in(complaints).size());
    }

    private enum Speed {
        SLOW,
        VERY_FAST
    }

    @Test
    void readsOneOfSeveralWordsInLowerCase() {
        assertEquals(Optional.of(Speed.SLOW), query("s=slow").oneOf("s", Speed.class));
        assertEquals(Optional.of(Speed.VERY_FAST), query("s=very_fast").oneOf("s", Speed.class));
        assertTrue(complaints.isEmpty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"SLOW", "Slow", "very-fast", "very", "", "slow,very_fast", "slow%20", "%C5%BFlow"})
    void namesTheWordsWhenItIsNoneOfThem(String text) {
        var query = query("s=" + text);
        assertEquals(Optional.empty(), query.oneOf("s", Speed.class));
        assertEquals(List.of("s not_one_of"), Complained.in(complaints));
    }

    @Test
    void readsUuidsInTheirUsualFormWhateverTheCase() {
        var id = UUID.fromString("01a202c0-f64b-752e-bca9-6513269e0d37");
        assertEquals(Optional.of(id), query("id=" + id).uuid("id"));
        assertEquals(
                Optional.of(id),
                query("id=" + id.toString().toUpperCase(Locale.ROOT)).uuid("id"));
        assertTrue(complaints.isEmpty());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "x",
                "1-1-1-1-1",
                "01a202c0f64b752ebca96513269e0d37",
                "%7B01a202c0-f64b-752e-bca9-6513269e0d37%7D",
                "01a202c0-f64b-752e-bca9-6513269e0d3",
                "01a202c0-f64b-752e-bca9-6513269e0d37%20",
                "01a202c0-f64b-752e-bca9-6513269e0d3g",
                "01a202c0f-64b-752e-bca9-6513269e0d37",
                "-1a202c0-f64b-752e-bca9-6513269e0d37"
            })
    void refusesWhatIsNoUuid(String text) {
        assertEquals(Optional.empty(), query("id=" + text).uuid("id"));
        assertEquals(List.of("id not_a_uuid"), Complained.in(complaints));
    }

    @Test
    void readsTimestampsWhosePlusIsEncoded() {
        assertEquals(
                Optional.of(Instant.parse("2026-11-22T09:15:30Z")),
                query("t=2026-11-22T10:15:30%2B01:00").time("t"));
        assertEquals(Optional.empty(), query("t=2026-11-22").time("t"));
        assertEquals(List.of("t not_a_timestamp"), Complained.in(complaints));
    }

    @Test
    void aParameterThatStandsTwiceIsComplainedAboutEvenWhenItSaysTheSame() {
        assertEquals(Optional.of("1"), query("a=1&b=2&%61=1").text("a", 10));
        assertEquals(List.of("a duplicate"), Complained.in(complaints));
    }

    @Test
    void aParameterThatMayStandSeveralTimesKeepsItsOrder() {
        var query = query("a=1&b=2&%61=&a=1");
        assertEquals(List.of("1", "", "1"), query.all("a"));
        assertEquals(List.of(), query.all("c"));
        assertEquals(List.of(), Complained.in(complaints));
    }

    @Test
    void aParameterThatIsRequiredIsMissedOnce() {
        var query = query("b=");
        query.require("a");
        query.require("b");
        assertEquals(List.of("a required"), Complained.in(complaints));
    }

    @Test
    void parametersThatNobodyAskedForAreComplainedAbout() {
        var query = query("limit=1&Limit=2&secret=x&=3");
        query.integer("limit", 1, 5);
        query.complainAboutUnknown();
        assertEquals(List.of("Limit unknown", "secret unknown", " unknown"), Complained.in(complaints));
    }

    @Test
    void anEndlessNameIsNotEchoedWhole() {
        query("a".repeat(99) + "%F0%9F%98%80".repeat(500) + "=1").complainAboutUnknown();
        var name = Complained.in(complaints).getFirst();
        assertTrue(name.length() < 200, name);
        assertTrue(StandardCharsets.UTF_8.newEncoder().canEncode(name), "cut within a surrogate pair");
    }

    @Test
    void everythingThatIsWrongIsSaidAtOnce() {
        var query = query("limit=0&limit=1&completed=maybe&due=never&q=%00&x=1");
        query.integer("limit", 1, 5);
        query.flag("completed");
        query.time("due");
        query.text("q", 5);
        query.complain("q", "odd", "is odd");
        query.complainAboutUnknown();
        assertEquals(
                List.of(
                        "limit duplicate",
                        "limit out_of_range",
                        "completed not_a_boolean",
                        "due not_a_timestamp",
                        "q invalid_character",
                        "q odd",
                        "x unknown"),
                Complained.in(complaints));
    }
}
