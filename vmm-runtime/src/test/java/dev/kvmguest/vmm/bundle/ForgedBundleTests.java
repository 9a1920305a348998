package dev.kvmguest.vmm.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Zips that are no bundles, or are made to do harm. Reading writes nothing, so that what is refused did nothing. */
@Timeout(120)
class ForgedBundleTests {

    private static final Bundle BUNDLE = BundledGuests.of(BundledGuests.DIES.guest);
    private static final String AGAIN = "; get it again from where it was written";
    private static final String UNTRUSTED = "; have it written again by kvm:bundle";

    /** A few KiB that unpack to 129 MiB. */
    private static final byte[] BOMB =
            BundledZip.of(BUNDLE).put("bomb", new byte[129 << 20]).zip();

    private final BundledZip zip = BundledZip.of(BUNDLE);

    private static void assertRefused(byte[] bytes, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Bundle.of("x.zip", bytes))
                .withMessage(message);
    }

    private static void assertDamaged(byte[] bytes, String what) {
        assertRefused(bytes, "bundle x.zip is damaged: " + what + AGAIN);
    }

    private static void assertForged(byte[] bytes, String what) {
        assertRefused(bytes, "bundle x.zip can't be trusted: " + what + UNTRUSTED);
    }

    @Test
    void untouchedOneIsTaken() {
        assertThat(Bundle.of("x.zip", zip.zip()).files()).hasSameSizeAs(BUNDLE.files());
    }

    @Test
    void fileThatIsNoZipIsRefused() {
        assertRefused(new byte[0], "x.zip is no bundle: it is no zip file; kvm:bundle writes one");
        assertRefused(new byte[100], "x.zip is no bundle: it is no zip file; kvm:bundle writes one");
    }

    @Test
    void zipOfSomethingElseIsRefused() {
        assertRefused(
                zip.remove("bundle.json").zip(),
                "x.zip is no bundle: it is a zip file without bundle.json; kvm:bundle writes one");
        assertRefused(
                zip.put("bundle.json", "{}".getBytes(StandardCharsets.UTF_8)).zip(),
                "x.zip is no bundle: its bundle.json is of something else; kvm:bundle writes one");
    }

    @Test
    void newerFormatIsRefusedWithTheVersionThatCanReadIt() {
        zip.replaceInManifest("\"format\": 1", "\"format\": 2");
        zip.replaceInManifest("\"product\": \"" + BUNDLE.product() + "\"", "\"product\": \"7.0\"");

        assertRefused(
                zip.zip(),
                "bundle x.zip is of format 2, and this version of kvmguest reads format 1; replay it with version 7.0,"
                        + " which wrote it");
    }

    @Test
    void zipThatIsCutOffIsRefused() {
        byte[] whole = zip.zip();

        assertDamaged(
                Arrays.copyOf(whole, whole.length / 2),
                "it is cut off, since the list at the end of the zip is missing");
    }

    @Test
    void entryThatIsCutOffIsRefused() {
        byte[] whole = zip.zip();
        byte[] cut = Arrays.copyOf(whole, 400);
        // With the end of a zip, but nothing between.
        System.arraycopy(whole, whole.length - 22, cut, 378, 22);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Bundle.of("x.zip", cut))
                .withMessageStartingWith("bundle x.zip is damaged: it ")
                .withMessageEndingWith(AGAIN);
    }

    @Test
    void changedFileIsRefused() {
        assertDamaged(zip.put("doctor.json", new byte[1]).zip(), "entry \"doctor.json\" is not as it was written");
        byte[] other = BUNDLE.files().get("report.txt").clone();
        other[0]++;
        assertDamaged(
                BundledZip.of(BUNDLE).put("report.txt", other).zip(), "entry \"report.txt\" is not as it was written");
    }

    @Test
    void missingFileIsRefused() {
        assertDamaged(zip.remove("recording.bin").zip(), "entry \"recording.bin\" is missing");
    }

    @Test
    void fileThatIsNotListedIsRefused() {
        assertForged(zip.put("run-me.sh", new byte[1]).zip(), "entry \"run-me.sh\" is not listed in bundle.json");
    }

    @Test
    void entryThatIsThereTwiceIsRefused() {
        assertForged(zip.put("REPORT.TXT", new byte[1]).zip(), "entry \"REPORT.TXT\" is there twice");
        byte[] same = zip.remove("REPORT.TXT").put("report.tx_", new byte[1]).zip();
        replace(same, "report.tx_", "report.txt");
        assertForged(same, "entry \"report.txt\" is there twice");
    }

    @ParameterizedTest
    @CsvSource({
        "../outside.txt, entry \"../outside.txt\" leads out of its folder",
        "image/../../outside.txt, entry \"image/../../outside.txt\" leads out of its folder",
        "image/.., entry \"image/..\" leads out of its folder",
        "/etc/passwd, entry \"/etc/passwd\" has an absolute path",
        "C:/windows.ini, entry \"C:/windows.ini\" has an absolute path",
        "image\\..\\x, 'entry \"image\\..\\x\" has a backslash in its name'",
        "image/./x, entry \"image/./x\" has a name that no file of a bundle has",
        "folder/, entry \"folder/\" has a name that no file of a bundle has",
        "a b, entry \"a b\" has a name that no file of a bundle has",
        "a:b, entry \"a:b\" has an absolute path",
        "image//x, entry \"image//x\" has a name that no file of a bundle has",
    })
    void nameThatLeadsElsewhereIsRefused(String name, String what) {
        assertThatThrownBy(() -> Bundle.of("x.zip", zip.put(name, new byte[0]).zip()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("bundle x.zip can't be trusted: " + what + UNTRUSTED);
    }

    @Test
    void veryLongNameIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        Bundle.of("x.zip", zip.put("a".repeat(201), new byte[0]).zip()))
                .withMessageEndingWith(" has a name that no file of a bundle has" + UNTRUSTED);
    }

    @Test
    void nameThatIsNotUtf8IsRefused() {
        byte[] bytes = zip.put("QQQQ", new byte[0]).zip();
        byte[] name = "QQQQ".getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < bytes.length - 4; i++) {
            if (Arrays.equals(bytes, i, i + 4, name, 0, 4)) {
                bytes[i] = (byte) 0xff;
            }
        }

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Bundle.of("x.zip", bytes))
                .withMessageStartingWith("bundle x.zip ");
    }

    @Test
    void bombIsRefusedBeforeItIsUnpacked() {
        assertThat(BOMB).hasSizeLessThan(1 << 20);
        assertForged(BOMB, "unpacked it is larger than the 134217728 bytes that a bundle may have, at entry \"bomb\"");
    }

    @Test
    void sizesInHeadersAreNotBelieved() {
        byte[] bytes = BOMB.clone();
        // The list at the end says of each that it is one byte.
        for (int i = 0; i < bytes.length - 46; i++) {
            if (bytes[i] == 'P' && bytes[i + 1] == 'K' && bytes[i + 2] == 1 && bytes[i + 3] == 2) {
                Arrays.fill(bytes, i + 24, i + 28, (byte) 0);
                bytes[i + 24] = 1;
            }
        }

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Bundle.of("x.zip", bytes))
                .withMessageContaining("unpacked it is larger");
    }

    @Test
    void manyEntriesAreRefused() {
        for (int i = 0; i < 1000; i++) {
            zip.put("n" + i, new byte[0]);
        }

        assertForged(zip.zip(), "it has more than 1000 entries");
    }

    @Test
    void veryLargeFileIsRefusedUnread() {
        byte[] large = Arrays.copyOf(zip.zip(), (128 << 20) + 1);

        assertForged(large, "it is larger than the 134217728 bytes that a bundle may have");
    }

    @ParameterizedTest
    @CsvSource({
        "'\"memory\": 16777216', '\"memory\": 1', 'memory of 1 bytes'",
        "'\"memory\": 16777216', '\"memory\": \"much\"', 'machine.memory is no whole number'",
        "'\"memory\": 16777216,', '', 'machine.memory is missing'",
        "'\"timeout\": \"PT1M\"', '\"timeout\": \"soon\"', 'machine.timeout: '",
        "'\"timeout\": \"PT1M\"', '\"timeout\": \"PT0S\"', 'timeout'",
        "'\"timeout\": \"PT1M\"', '\"timeout\": \"PT99999999999999999999S\"', 'machine.timeout: '",
        "'\"date\": \"2026-01-01T00:00\"', '\"date\": \"today\"', 'machine.date: '",
        "'\"boot\": \"protected\"', '\"boot\": \"warp\"', 'machine.vcpus[0].boot: boot mode \"warp\" is unknown'",
        "'\"load\": null', '\"load\": -1', 'machine.vcpus[0].load is -1'",
        "'\"entry\": null', '\"entry\": \"here\"', 'machine.vcpus[0].entry: '",
        "'\"image\": \"image/0/boot-test\"', '\"image\": \"other\"', 'file other is not in the list of files'",
        "'\"image\": \"image/0/boot-test\"', '\"image\": \"/etc/passwd\"', 'file /etc/passwd is not in the list'",
        "'\"recording\": \"recording.bin\"', '\"recording\": \"report.txt\"', 'it is no recording of a guest'",
        "'\"vcpu\": 0', '\"vcpu\": 1', 'run.vcpu is 1'",
        "'\"kind\": \"triple-fault\"', '\"kind\": \"fine\"', 'run.end.ending.kind: outcome \"fine\" is unknown'",
        "'\"vcpus\": [', '\"vcpus\": 5, \"x\": [', 'machine.vcpus is no array'",
        "'\"machine\": {', '\"machine\": null, \"x\": {', 'machine is missing'",
        "'\"format\": 1', '\"format\": [[[[[[[[[[[[[[[[[[[[[[', 'nested too deep'",
        "'\"format\": 1,', '\"format\": 1', 'bundle.json: line 3'",
    })
    void nonsenseInTheManifestIsASentence(String part, String by, String what) {
        byte[] bytes = zip.replaceInManifest(part, by == null ? "" : by).zip();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Bundle.of("x.zip", bytes))
                .withMessageStartingWith("bundle x.zip is damaged: ")
                .withMessageContaining(what)
                .withMessageEndingWith(AGAIN);
    }

    @Test
    void manyVcpusAreRefused() {
        String vcpu = "{\"name\": \"a\"}";
        zip.replaceInManifest("\"vcpus\": [", "\"vcpus\": [" + (vcpu + ", ").repeat(300));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Bundle.of("x.zip", zip.zip()))
                .withMessageContaining("machine has 301 vCPUs, more than 256");
    }

    /** What only looks like a bundle has a sentence each, whatever is in its manifest. */
    @Test
    void manifestOfRandomBytesIsASentence() {
        Random random = new Random(3);
        for (int i = 0; i < 200; i++) {
            byte[] noise = new byte[random.nextInt(200)];
            random.nextBytes(noise);

            assertThatIllegalArgumentException()
                    .isThrownBy(() ->
                            Bundle.of("x.zip", zip.put("bundle.json", noise).zip()))
                    .withMessageContaining("x.zip");
        }
    }

    private static void replace(byte[] bytes, String part, String by) {
        byte[] name = part.getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i <= bytes.length - name.length; i++) {
            if (Arrays.equals(bytes, i, i + name.length, name, 0, name.length)) {
                System.arraycopy(by.getBytes(StandardCharsets.US_ASCII), 0, bytes, i, name.length);
            }
        }
    }
}
