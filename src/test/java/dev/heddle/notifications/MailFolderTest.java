package dev.heddle.notifications;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.concurrent.Deadline;
import dev.heddle.identity.MailAddress;
import dev.heddle.jobs.UnfitException;
import dev.heddle.testing.Race;
import jakarta.mail.Session;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TimeZone;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Mails as files, and what is in them. */
class MailFolderTest {

    private static final UUID ID = UUID.fromString("01932b6e-0000-7000-8000-000000000001");
    private static final Instant DATE = Instant.parse("2026-11-05T08:09:10.5Z");

    @TempDir
    private Path parent;

    private Path directory;
    private MailFolder folder;

    @BeforeEach
    void name() {
        directory = parent.resolve("data/mail");
        folder = new MailFolder(directory, "Heddle <heddle@test.example>");
    }

    private static Mail mail(String subject, String text) {
        return new Mail(ID, DATE, "ada@example.com", subject, text);
    }

    private String sent(Mail mail) throws IOException {
        folder.send(mail);
        return Files.readString(directory.resolve(mail.id() + ".eml"), StandardCharsets.US_ASCII);
    }

    private Set<String> files() throws IOException {
        try (var files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
        }
    }

    private static List<String> headers(String message) {
        return List.of(message.substring(0, message.indexOf("\r\n\r\n")).split("\r\n"));
    }

    private static String body(String message) {
        return message.substring(message.indexOf("\r\n\r\n") + 4);
    }

    @Test
    void manyMailsAtOnceAreAllThereAndNothingElse() throws IOException, InterruptedException {
        var ids = Stream.generate(UUID::randomUUID).limit(100).toList();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            threads.invokeAll(ids.stream()
                            .map(id -> Executors.callable(
                                    () -> folder.send(new Mail(id, DATE, "ada@example.com", "Due", "Weave it.\n"))))
                            .toList())
                    .forEach(Future::resultNow);
        }
        assertEquals(ids.stream().map(id -> id + ".eml").collect(Collectors.toSet()), files());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 100})
    void soAreManyThatAreSentTogether(int count) throws IOException {
        var mails = mails(count);
        together(mails);
        if (count == 0) {
            assertFalse(Files.exists(directory), "nothing was to be written");
            return;
        }
        assertEquals(mails.stream().map(mail -> mail.id() + ".eml").collect(Collectors.toSet()), files());
        for (var mail : mails) {
            assertEquals(
                    mail.text(),
                    body(Files.readString(directory.resolve(mail.id() + ".eml")))
                            .replace("\r\n", "\n"));
        }
        Files.move(directory, parent.resolve("archive"));
        together(mails);
        assertEquals(count, files().size());
    }

    private static List<Mail> mails(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> new Mail(UUID.randomUUID(), DATE, "ada@example.com", "Due", "Weave " + i + ".\n"))
                .toList();
    }

    private void together(List<Mail> mails) {
        folder.together().orElseThrow().accept(mails);
    }

    @Test
    void ofManyOfWhichSomeCanNeverBeWrittenNoneIs() {
        var mails = new ArrayList<>(mails(20));
        mails.add(7, new Mail(UUID.randomUUID(), DATE, "nobody", "Due", "Weave it.\n"));
        mails.add(new Mail(UUID.randomUUID(), DATE, "jürgen@exämple.de", "Due", "Weave it.\n"));
        assertThrows(UnfitException.class, () -> together(mails));
        assertFalse(Files.exists(directory));
    }

    @Test
    void norIsAnyWhenTheDiskTookSoLongThatNobodyWillNoteIt() throws IOException {
        var mails = mails(20);
        Files.createDirectories(directory);
        var expired = Deadline.after(Duration.ZERO);
        var e = assertThrows(
                MailException.class,
                () -> expired.call(() -> {
                    together(mails);
                    return mails;
                }));
        assertFalse(e.isPermanent());
        assertEquals(Set.of(), files());
        assertThrows(
                MailException.class,
                () -> expired.call(() -> {
                    folder.send(mails.getFirst());
                    return mails;
                }));
        assertEquals(Set.of(), files());
    }

    @Test
    void ofManyThatTheDiskRefusesNoUnfinishedOneIsLeft() throws IOException {
        var mails = mails(20);
        // No file can take the place of a directory with something in it.
        Files.createDirectories(directory.resolve(mails.get(10).id() + ".eml/taken"));
        var e = assertThrows(MailException.class, () -> together(mails));
        assertFalse(e.isPermanent());
        assertEquals("cannot write mail " + mails.getFirst().id() + " and 19 more into " + directory, e.getMessage());
        assertEquals(mails.stream().limit(11).map(mail -> mail.id() + ".eml").collect(Collectors.toSet()), files());
    }

    @Test
    void aFolderThatWasTakenAwayIsMadeAgain() throws IOException {
        sent(mail("Due", "Weave it.\n"));
        Files.move(directory, parent.resolve("archive"));
        assertTrue(sent(mail("Due", "Weave it.\n")).contains("Subject: Due"));
    }

    // The message

    @Test
    void aMailIsWrittenToTheByte() throws IOException {
        assertEquals("""
            Date: Thu, 5 Nov 2026 08:09:10 +0000
            From: Heddle <heddle@test.example>
            To: ada@example.com
            Message-ID: <01932b6e-0000-7000-8000-000000000001@test.example>
            Subject: Due: weave
            MIME-Version: 1.0
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: 7bit
            Auto-Submitted: auto-generated

            Weave it.
            .
            Soon.
            """.replace("\n", "\r\n"), sent(mail("Due: weave", "Weave it.\r.\r\nSoon.\n")));
    }

    @Test
    void aMailIsTheSameWhereverAndWheneverItIsWritten() {
        var mail = mail("Fällig: webe 🧵", "Grüße 🧵\n");
        var zone = TimeZone.getDefault();
        var first = MailMessage.of(mail, "Zoë <heddle@test.example>").bytes();
        try {
            TimeZone.setDefault(TimeZone.getTimeZone("Asia/Kathmandu"));
            assertArrayEquals(
                    first, MailMessage.of(mail, "Zoë <heddle@test.example>").bytes());
        } finally {
            TimeZone.setDefault(zone);
        }
    }

    @Test
    void otherLettersAreEncoded() throws Exception {
        var message = sent(mail("Fällig: webe " + "🧵".repeat(60), "Grüße 🧵\n"));
        assertTrue(message.chars().allMatch(c -> c < 128));
        assertTrue(message.contains("Subject: =?UTF-8?"), message);
        for (var header : headers(message)) {
            assertTrue(header.length() <= 998, header);
        }
        var parsed = parsed(message);
        assertEquals("Fällig: webe " + "🧵".repeat(60), parsed.getSubject());
        assertEquals("Grüße 🧵\r\n", parsed.getContent());
    }

    private static MimeMessage parsed(String message) throws Exception {
        return new MimeMessage((Session) null, new ByteArrayInputStream(message.getBytes(StandardCharsets.US_ASCII)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x\r\nBcc: eve@example.com",
                "x\nBcc: eve@example.com",
                "x\rBcc: eve@example.com",
                "x\r\n\r\nBcc: eve@example.com",
                "x\u0085Bcc: eve@example.com",
                "x\u2028Bcc: eve@example.com",
                "x\u2029\u0000Bcc: eve@example.com",
                "ü\r\nBcc: eve@example.com",
                "x\u010d\u010aBcc: eve@example.com",
                "x =?UTF-8?Q?=0D=0ABcc:_eve@example.com?="
            })
    void aSubjectMakesNoHeader(String subject) throws Exception {
        var message = sent(mail(subject, "t"));
        assertEquals(9, Collections.list(parsed(message).getAllHeaders()).size(), message);
        assertFalse(headers(message).stream().anyMatch(line -> line.startsWith("Bcc")), message);
        assertEquals("t", body(message));
        assertEquals(0, message.replace("\r\n", "").chars().filter(c -> c < ' ').count(), message);
    }

    @Test
    void aSubjectOfNothingButSpacesLeavesNoEmptyLine() throws IOException {
        var message = sent(mail(" ".repeat(Mail.SUBJECT_MAX_CHARS), "t"));
        assertEquals("t", body(message));
        assertEquals(9, headers(message).size());
    }

    @Test
    void aLongSubjectStaysWithinALine() throws IOException {
        for (var subject : List.of("x".repeat(Mail.SUBJECT_MAX_CHARS), "\u20ac".repeat(Mail.SUBJECT_MAX_CHARS))) {
            for (var line : headers(sent(mail(subject, "t")))) {
                assertTrue(line.length() <= 998, line);
            }
        }
        assertThrows(IllegalArgumentException.class, () -> mail("x".repeat(Mail.SUBJECT_MAX_CHARS + 1), "t"));
        assertThrows(IllegalArgumentException.class, () -> mail("s", "x".repeat(Mail.TEXT_MAX_CHARS + 1)));
    }

    @Test
    void aLongLineOfTextIsBroken() throws Exception {
        var message = sent(mail("s", "x".repeat(5000)));
        assertTrue(body(message).lines().allMatch(line -> line.length() <= 998));
        assertEquals("x".repeat(5000), parsed(message).getContent());
        var encoded = sent(mail("s", "\u20ac\n".repeat(100)));
        assertArrayEquals(
                "\u20ac\r\n".repeat(100).getBytes(StandardCharsets.UTF_8),
                Base64.getMimeDecoder().decode(body(encoded)));
    }

    @Test
    void aSendersNameMayBeAnythingButANewHeader() throws Exception {
        folder = new MailFolder(directory, "Zoë\r\n Weber <heddle@test.example>");
        var message = parsed(sent(mail("s", "t")));
        assertEquals(9, Collections.list(message.getAllHeaders()).size());
        assertEquals("Zoë Weber", ((InternetAddress) message.getFrom()[0]).getPersonal());
        assertEquals("<" + ID + "@test.example>", message.getMessageID());
    }

    // The files

    @Test
    void theSameMailAgainIsTheSameFile() throws IOException {
        folder.send(mail("s", "first"));
        folder.send(mail("s", "second"));
        assertEquals(Set.of(ID + ".eml"), files());
        assertEquals("second", body(Files.readString(directory.resolve(ID + ".eml"))));
    }

    @Test
    void manyWhoWriteTheSameMailLeaveOneWholeFile() throws IOException, InterruptedException {
        var writer = (Callable<Integer>) () -> {
            folder.send(mail("s", "text"));
            return 1;
        };
        Race.between(Collections.nCopies(8, writer));
        assertEquals(Set.of(ID + ".eml"), files());
        assertEquals("text", body(Files.readString(directory.resolve(ID + ".eml"))));
    }

    @Test
    void theFolderIsMadeForItsOwnerAlone() throws IOException {
        folder.send(mail("s", "t"));
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)));
        assertEquals(
                "rw-------",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve(ID + ".eml"))));
    }

    @Test
    void aFolderThatCannotBeMadeIsAMatterOfLater() throws IOException {
        Files.createDirectories(directory.getParent());
        Files.writeString(directory, "in the way");
        var failure = assertThrows(MailException.class, () -> folder.send(mail("s", "private words")));
        assertFalse(failure.isPermanent());
        assertFalse(failure.toString().contains("private words"));
    }

    @Test
    void aFileThatCannotBeReplacedLeavesNothingHalfDone() throws IOException {
        Files.createDirectories(directory.resolve(ID + ".eml/in the way"));
        assertThrows(MailException.class, () -> folder.send(mail("s", "t")));
        assertEquals(Set.of(ID + ".eml"), files());
    }

    @Test
    void aReceiverThatCannotBeWrittenToIsPermanent() {
        var mail = new Mail(ID, DATE, "x\r\nBcc: eve@example.com", "s", "t");
        assertTrue(assertThrows(MailException.class, () -> folder.send(mail)).isPermanent());
        assertFalse(Files.exists(directory));
    }

    @Test
    void toAllThatCountsAsAnAddressCanBeWritten() {
        var random = new Random(7);
        var characters = "aZ09.-_@!#$%&'*+/=?^`{|}~(),:;<>[]\" \u00e4";
        int written = 0;
        for (int i = 0; i < 200_000; i++) {
            var address = new StringBuilder();
            for (int length = random.nextInt(3, 10); address.length() < length; ) {
                address.append(characters.charAt(random.nextInt(characters.length())));
            }
            if (MailAddress.FORM.matcher(address).matches()) {
                var receiver = new Mail(ID, DATE, address.toString(), "s", "t");
                assertDoesNotThrow(() -> MailMessage.of(receiver, address.toString()));
                written++;
            }
        }
        assertTrue(written > 100, "only " + written);
    }

    @Test
    void anInterruptedThreadWritesNothingAndStaysInterrupted() throws IOException {
        Thread.currentThread().interrupt();
        var failure = assertThrows(MailException.class, () -> folder.send(mail("s", "t")));
        assertTrue(Thread.interrupted());
        assertFalse(failure.isPermanent());
        assertEquals(Set.of(), files());
    }

    @Test
    void whatACrashLeftIsSweptAfterAnHour() throws IOException {
        assertEquals(0, folder.sweep(DATE));
        folder.send(mail("s", "t"));
        for (var name : List.of("old.eml.tmp", "young.eml.tmp", "old.tmp")) {
            Files.writeString(directory.resolve(name), "half");
        }
        var old = FileTime.from(DATE.minus(Duration.ofMinutes(61)));
        Files.setLastModifiedTime(directory.resolve("old.eml.tmp"), old);
        Files.setLastModifiedTime(directory.resolve("old.tmp"), old);
        Files.setLastModifiedTime(directory.resolve(ID + ".eml"), old);
        Files.setLastModifiedTime(
                directory.resolve("young.eml.tmp"), FileTime.from(DATE.minus(Duration.ofMinutes(59))));
        assertEquals(1, folder.sweep(DATE));
        assertEquals(Set.of(ID + ".eml", "young.eml.tmp", "old.tmp"), files());
        assertEquals(0, folder.sweep(DATE));
    }

    @Test
    void whatGetsItsNameDuringASweepIsNoLeftover() throws IOException {
        folder.send(mail("s", "t"));
        var old = Files.writeString(directory.resolve("old.eml.tmp"), "half");
        Files.setLastModifiedTime(old, FileTime.from(DATE.minus(Duration.ofMinutes(61))));
        // Listed, and not there when it is looked at.
        Files.createSymbolicLink(directory.resolve("gone.eml.tmp"), directory.resolve("elsewhere"));
        assertEquals(1, folder.sweep(DATE));
    }
}
