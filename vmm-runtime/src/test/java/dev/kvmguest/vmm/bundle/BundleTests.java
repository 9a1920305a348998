package dev.kvmguest.vmm.bundle;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.NeedsQemu;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.doctor.HostReport;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class BundleTests {

    private static final Duration LIMIT = Duration.ofSeconds(30);
    /** {@code mov al,'A'; out 0xe9,al; ud2}. */
    private static final VcpuConfig DIES = BundledGuests.DIES.guest;

    @TempDir
    private Path folder;

    @Test
    void hasAllThatThePageSays() {
        Bundle bundle = BundledGuests.of(DIES);

        assertThat(bundle.files().keySet())
                .containsExactly(
                        "doctor.json",
                        "image/0/boot-test",
                        "recording.bin",
                        "report.html",
                        "report.json",
                        "report.txt");
        assertThat(bundle.files().get("image/0/boot-test"))
                .isEqualTo(DIES.image().file());
        assertThat(text(bundle, "report.txt")).contains("#UD");
        assertThat(text(bundle, "report.json")).contains("\"outcome\": \"triple-fault\"");
        assertThat(text(bundle, "report.html")).contains("<title>");
        assertThat(bundle.engine()).isEqualTo("emulator");
        assertThat(bundle.vcpu()).isZero();
        assertThat(bundle.whyNotRecorded()).isEmpty();
        assertThat(bundle.product()).matches("\\d+\\.\\d+\\.\\d+.*");
    }

    private static String text(Bundle bundle, String file) {
        return new String(bundle.files().get(file), StandardCharsets.UTF_8);
    }

    @Test
    void namesNeitherFoldersNorUsersOfThisHost() {
        Bundle bundle = BundledGuests.of(DIES);

        bundle.files().forEach((name, content) -> assertThat(new String(content, StandardCharsets.ISO_8859_1))
                .as(name)
                .doesNotContain(Path.of("").toAbsolutePath().toString())
                .doesNotContain(System.getProperty("user.home") + "/"));
    }

    @Test
    void zipOfOneRunIsTheSameEachTime() {
        try (Machine machine = Machine.create(BundledGuests.config(DIES, EngineChoice.EMULATOR))) {
            machine.run();

            assertThat(BundledGuests.bundle(machine).bytes())
                    .isEqualTo(BundledGuests.bundle(machine).bytes());
        }
    }

    @Test
    void manifestComesFirstSoThatAnyToolShowsIt() throws IOException {
        try (ZipInputStream zip = new ZipInputStream(
                new ByteArrayInputStream(BundledGuests.of(DIES).bytes()))) {
            ZipEntry first = zip.getNextEntry();

            assertThat(first.getName()).isEqualTo("bundle.json");
            assertThat(first.getTimeLocal()).isEqualTo("1980-01-01T00:00:00");
        }
    }

    @Test
    void fileIsWrittenAndRead() throws IOException {
        Path file = folder.resolve("new/test.bundle.zip");

        BundledGuests.of(DIES).write(file);

        assertThat(Bundle.read(file).replay(LIMIT).outcome().kind()).isEqualTo(Outcome.Kind.TRIPLE_FAULT);
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        Bundle.read(Files.write(folder.resolve("notes.txt"), "text".getBytes(StandardCharsets.UTF_8))))
                .withMessage("notes.txt is no bundle: it is no zip file; kvm:bundle writes one");
    }

    @Test
    void runThatHasNotEndedHasNoBundle() {
        try (Machine machine = Machine.create(BundledGuests.config(DIES, EngineChoice.EMULATOR))) {
            assertThatIllegalStateException()
                    .isThrownBy(() -> BundledGuests.bundle(machine))
                    .withMessage("the guest has not ended yet");
        }
    }

    @Test
    void imageThatWasMadeInMemoryIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BundledGuests.of(TestGuest.realWithVectors("f4")))
                .withMessage("image test is not as its file has it, so that a bundle can't have it;"
                        + " write it to a file, and boot that");
    }

    @Test
    void runWithMoreExchangesThanARecordingKeepsIsBootedAnew() {
        // again: inc ax; out 0x80,al; mov dx,ax; imul dx,dx,29; mov al,dl; out 0x80,al; mov ax,cx; inc cx; dec ebx;
        // jnz again; with ebx of 0x100000 before, then mov al,9; out 0xf4,al
        VcpuConfig guest =
                real("66 bb 00 00 10 00 40 e6 80 89 c2 6b d2 1d 88 d0 e6 80 89 c8 41 66 4b 75 ed b0 09 e6 f4");

        Bundle bundle = BundledGuests.of(guest);
        BundleReplay replay = bundle.replay(LIMIT);

        assertThat(bundle.files()).doesNotContainKey("recording.bin");
        assertThat(bundle.whyNotRecorded()).contains("there were more exchanges than a recording keeps");
        assertThat(replay.sentence())
                .isEqualTo("Booted anew on the emulator, since the run on emulator can't be replayed (there were more"
                        + " exchanges than a recording keeps), the guest came to the same end as on emulator: outcome,"
                        + " exit code, console and first exception agree");
        assertThat(replay.outcome().run().engineReason()).isEqualTo("booted anew from a bundle of a run on emulator");
        assertThat(replay.outcome().exitCode()).hasValue(9);
    }

    @Test
    @NeedsQemu
    void runInQemuIsBootedAnew() {
        try (Machine machine = Machine.create(BundledGuests.config(DIES, EngineChoice.QEMU))) {
            machine.run();

            BundleReplay replay = BundledGuests.bundle(machine).replay(LIMIT);

            assertThat(replay.sentence())
                    .startsWith("Booted anew on the emulator, since the run on qemu can't be replayed (engine qemu"
                            + " records nothing), the guest came to the same end as on qemu");
        }
    }

    @Test
    void eachOfSeveralVcpusHasABundle() {
        MachineConfig config = MachineConfig.builder()
                .vcpu(real("b0 41 e6 e9 f4")) // mov al,'A'; out 0xe9,al; hlt
                .vcpu(real("b0 42 e6 e9 b0 07 e6 f4")
                        .withLoad(0x2000)) // mov al,'B'; out 0xe9,al; mov al,7; out 0xf4,al
                .engine(EngineChoice.EMULATOR)
                .build();
        try (Machine machine = Machine.create(config)) {
            List<Outcome> outcomes = machine.runAll();
            for (Outcome outcome : outcomes) {
                int vcpu = outcome.run().vcpu();
                Bundle bundle = machine.bundle(vcpu, new HostReport(List.of(), List.of()), new SourceFolders(folder));

                BundleReplay replay = bundle.replay(LIMIT);

                assertThat(bundle.vcpu()).isEqualTo(vcpu);
                assertThat(replay.cameToTheSameEnd()).isTrue();
                assertThat(replay.outcome().console()).isEqualTo(outcome.console());
                assertThat(replay.outcome().exitCode()).isEqualTo(outcome.exitCode());
                assertThat(replay.outcome().run().vcpu()).isEqualTo(vcpu);
            }
        }
    }

    @Test
    void guestThatDoesSomethingElseLeavesTheRecordedRun() {
        // mov al,'A'; out 0xe9,al; hlt
        BundledZip changed = BundledZip.of(BundledGuests.of(real("b0 41 e6 e9 f4")));
        changed.put("image/0/boot-test", TestGuest.bytes("b0 42 e6 e9 f4"));

        BundleReplay replay = Bundle.of("changed", changed.relisted()).replay(LIMIT);

        assertThat(replay.cameToTheSameEnd()).isFalse();
        assertThat(replay.sentence())
                .isEqualTo("Replayed on the emulator, the guest left the recorded run: the emulator of then and"
                        + " the emulator part at once, at 0x1002: on the emulator of then the guest wrote 0x41 to port 0xe9,"
                        + " on the emulator it wrote 0x42 to port 0xe9");
        assertThat(replay.outcome().kind()).isEqualTo(Outcome.Kind.STOPPED);
        assertThat(replay.outcome().run().diagnosis().divergence()).isEqualTo(replay.divergence());
    }

    @Test
    void endThatIsNotThatOfTheReportIsSaid() {
        BundledZip changed = BundledZip.of(BundledGuests.of(real("b0 41 e6 e9 f4"))); // mov al,'A'; out 0xe9,al; hlt
        changed.replaceInManifest("\"consoleSize\": 1", "\"consoleSize\": 5");
        changed.replaceInManifest("\"kind\": \"halted\"", "\"kind\": \"triple-fault\"");
        changed.replaceInManifest("\"fault\": null", "\"fault\": \"#UD at 0x1\"");

        BundleReplay replay = Bundle.of("changed", changed.zip()).replay(LIMIT);

        assertThat(replay.sentence())
                .isEqualTo("Replayed on the emulator, the guest came to another end than on emulator: it halted with"
                        + " interrupts off, and not: it triple-faulted; its console has 1 bytes and not 5; its first"
                        + " exception is none and not #UD at 0x1");
    }

    @Test
    void replayEndsAtItsLimit() {
        // mov ecx,0x2000000; again: loop again (32-bit); hlt
        Bundle bundle = BundledGuests.of(real("66 b9 00 00 00 02 67 e2 fd f4"));

        BundleReplay replay = bundle.replay(Duration.ofMillis(1));

        assertThat(replay.divergence().orElseThrow()).contains("had not come to that after");
    }

    @Test
    void filesAreUnpackedIntoAFolder() throws IOException {
        Bundle bundle = BundledGuests.of(DIES);
        Path target = folder.resolve("unpacked");

        List<Path> files = bundle.unpack(target);

        assertThat(files).hasSameSizeAs(bundle.files().keySet()).allMatch(file -> file.startsWith(target));
        for (Map.Entry<String, byte[]> file : bundle.files().entrySet()) {
            assertThat(target.resolve(file.getKey())).hasBinaryContent(file.getValue());
        }
    }

    @Test
    void nothingThatIsThereIsOverwritten() throws IOException {
        Bundle bundle = BundledGuests.of(DIES);
        Path own = Files.writeString(folder.resolve("report.txt"), "mine");

        assertThatIOException()
                .isThrownBy(() -> bundle.unpack(folder))
                .withMessage(own + " is there already; name an empty folder, or remove it");

        assertThat(folder).isDirectoryContaining(file -> file.equals(own));
        assertThat(own).hasContent("mine");
        assertThat(folder.resolve("recording.bin")).doesNotExist();
    }

    @Test
    void linkThatLeadsElsewhereIsNotFollowed() throws IOException {
        Bundle bundle = BundledGuests.of(DIES);
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        Path target = Files.createDirectory(folder.resolve("target"));
        Files.createSymbolicLink(target.resolve("image"), elsewhere);

        assertThatIOException()
                .isThrownBy(() -> bundle.unpack(target))
                .withMessage(target.resolve("image") + " is there and no folder; name an empty folder");
        assertThat(elsewhere).isEmptyDirectory();
    }

    /** Damage anywhere is a sentence, or does no harm because nobody reads the byte, such as the time of an entry. */
    @Test
    void anyDamageIsSaidOrHarmless() {
        byte[] whole = BundledGuests.of(DIES).bytes();
        Random random = new Random(11);
        List<String> harmless = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            byte[] damaged = whole.clone();
            int at = random.nextInt(damaged.length);
            damaged[at] ^= (byte) (1 << random.nextInt(8));
            try {
                Bundle.of("damaged", damaged);
                harmless.add(Integer.toHexString(at));
            } catch (IllegalArgumentException e) {
                assertThat(e).hasMessageContaining("damaged");
            }
        }
        assertThat(harmless).hasSizeLessThan(150);
        for (int length = 0; length < whole.length; length += length < whole.length - 100 ? 97 : 1) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatIllegalArgumentException().isThrownBy(() -> Bundle.of("cut", cut));
        }
        assertThatCode(() -> Bundle.of("whole", whole)).doesNotThrowAnyException();
    }
}
