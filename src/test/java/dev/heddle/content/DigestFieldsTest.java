package dev.heddle.content;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.Problem;
import dev.heddle.http.ProblemException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DigestFieldsTest {

    private static final byte[] CONTENT = "{\"hello\": \"world\"}\n".getBytes(StandardCharsets.US_ASCII);

    private static final String BASE64 = "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=";

    /** The algorithms in their order in Java, and a digest for SHA-256 that is the one of the content. */
    private static Set<String> algorithms(String header) {
        var digests = DigestFields.read("Repr-Digest", header);
        var sha256 = digests.get("SHA-256");
        if (sha256 != null) {
            assertArrayEquals(DigestFields.begin("SHA-256").digest(CONTENT), sha256);
        }
        return digests.keySet();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        sha-256=:%s:                                    | SHA-256
        sha-256=:%s:;x=y                                | SHA-256
        sha-256=:%s:;x;y=1                              | SHA-256
        sha-512=:AAAA:                                  | SHA-512
        sha-256=:%s:,sha-512=:AAAA:                     | SHA-256 SHA-512
        sha-256=:%s: , sha-512=:AAAA:                   | SHA-256 SHA-512
        md5=:AAAA:, sha-256=:%s:                        | SHA-256
        sha-256=:%s:, unixsum=:AAAA:                    | SHA-256
        x*_.-1=:AAAA:;q="a", sha-256=:%s:               | SHA-256
        sha-256=:AAAA:, sha-256=:%s:                    | SHA-256
        """)
    void readsTheDigestsItKnowsAndLeavesTheOthersAside(String header, String algorithms) {
        assertEquals(Set.of(algorithms.split(" ")), algorithms(header.replace("%s", BASE64)));
    }

    @Test
    void theExampleOfTheRfcIsTheDigestOfItsContent() {
        assertEquals(
                "sha-256=:" + BASE64 + ":",
                DigestFields.write(DigestFields.begin("SHA-256").digest(CONTENT)));
    }

    @Test
    void whatIsWrittenCanBeRead() {
        assertEquals(
                Set.of("SHA-256"),
                algorithms(DigestFields.write(DigestFields.begin("SHA-256").digest(CONTENT))));
    }

    @Test
    void withoutAHeaderThereIsNothingToCheck() {
        assertTrue(algorithms("").isEmpty());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "md5=:AAAA:",
                "sha=:AAAA:, unixsum=:AAAA:",
                "sha-256",
                "sha-256=",
                "sha-256=AAAA",
                "sha-256=:AAAA",
                "sha-256=AAAA:",
                "sha-256=::AAAA:",
                "sha-256=:AA-_:",
                "sha-256=:A:",
                "sha-256=:AAAA=:",
                "sha-256=:AA AA:",
                "sha-256=:AAAA: x",
                "sha-256=:AAAA:x=y",
                "sha-256=:AAAA: sha-512=:AAAA:",
                "sha-256=:AAAA:;",
                "sha-256=:AAAA:,",
                ",sha-256=:AAAA:",
                "sha-256=:AAAA:,,sha-512=:AAAA:",
                "SHA-256=:AAAA:",
                "Sha-256=:AAAA:",
                "sha-256 =:AAAA:",
                "sha-256= :AAAA:",
                "1sha=:AAAA:, sha-256=:AAAA:",
                "sha-256=\"AAAA\"",
                "=:AAAA:",
            })
    void whatCannotBeCheckedIsRefused(String header) {
        var refused = assertThrows(ProblemException.class, () -> DigestFields.read("Repr-Digest", header));
        assertEquals(Problem.BAD_REQUEST, refused.problem());
        assertTrue(String.valueOf(refused.getMessage()).contains("Repr-Digest"));
    }

    @Test
    void aCommaWithinQuotesEndsNothing() {
        assertEquals(Set.of("SHA-256"), algorithms("md5=:AAAA:;x=\"a,b;c\";y, sha-256=:" + BASE64 + ":"));
    }

    @Test
    void parametersWithoutEndAreRefusedAndNotReadForEver() {
        var header = "sha-256=:AAAA:" + ";a=b".repeat(4_000);
        assertThrows(ProblemException.class, () -> DigestFields.read("Repr-Digest", header));
    }

    @Test
    void aHeaderOfManyMembersIsReadInOneGo() {
        var many = "md5=:AAAA:;x=\"y\", ".repeat(800) + "sha-256=:" + BASE64 + ":";
        assertEquals(Set.of("SHA-256"), algorithms(many));
    }
}
