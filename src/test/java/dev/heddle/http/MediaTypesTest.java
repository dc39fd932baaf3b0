package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MediaTypesTest {

    private static final List<String> OFFERS = List.of(MediaTypes.JSON, MediaTypes.NDJSON, MediaTypes.CSV);

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\'', textBlock = """
        ''                                                  | application/json
        */*                                                 | application/json
        application/json                                    | application/json
        Application/JSON                                    | application/json
        text/csv                                            | text/csv
        text/*                                              | text/csv
        application/*                                       | application/json
        text/csv;header=present                             | text/csv
        text/html, text/csv                                 | text/csv
        text/html,text/csv;q=0.5,*/*;q=0.1                  | text/csv
        text/csv;q=0.5, application/x-ndjson                | application/x-ndjson
        text/csv;q=0.5, application/x-ndjson;q=0.8          | application/x-ndjson
        text/csv , application/json                         | application/json
        text/csv;Q=0.9, application/json;q=0.8              | text/csv
        text/csv ; q=0.9 , application/json ; q=0.8         | text/csv
        */*, application/json;q=0                           | application/x-ndjson
        */*, application/*;q=0                              | text/csv
        application/*;q=0.2, application/json;q=0           | application/x-ndjson
        */*;q=0.1, text/*;q=0.9, text/csv;q=0.2             | text/csv
        text/csv;q=0.001                                    | text/csv
        , text/csv,                                         | text/csv
        """)
    void choosesWhatTheClientLikesBestAndTheMostUsualOfEquals(String accept, String chosen) {
        assertEquals(Optional.of(chosen), MediaTypes.choose(accept, OFFERS));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/html",
                "*/*;q=0",
                "application/json;q=0",
                "application/json;q=0.0, text/html",
                "application/*;q=0",
                "application/jso",
                "application/jsonx",
                "application",
                "*",
                "text/csv;q=x",
                "text/csv;q=NaN",
                "text/csv;q=-1",
                "garbage"
            })
    void choosesNothingWhenNothingIsAccepted(String accept) {
        assertEquals(Optional.empty(), MediaTypes.choose(accept, OFFERS));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "application/json",
                "APPLICATION/JSON",
                "application/json;charset=utf-8",
                "application/json; charset=UTF-8",
                "application/json; charset=\"utf-8\"",
                "application/json ; profile=x"
            })
    void takesJsonInUtf8(String contentType) {
        assertTrue(MediaTypes.isType(contentType, MediaTypes.JSON));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "text/plain",
                "text/json",
                "application/jsonx",
                "application/json,application/json",
                "application/merge-patch+json",
                "application/problem+json",
                "application/*",
                "*/*",
                "multipart/form-data; boundary=x",
                "application/json; charset=utf-16",
                "application/json; charset=\"utf-16\"",
                "application/json; charset=iso-8859-1",
                "application/json; x=y; charset=utf-32"
            })
    void takesNothingElseForJson(String contentType) {
        assertFalse(MediaTypes.isType(contentType, MediaTypes.JSON));
    }
}
