package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.bundle.Bundle;
import dev.kvmguest.vmm.bundle.BundleReplay;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.engine.TestDescriptor;
import org.junit.platform.engine.reporting.OutputDirectoryProvider;

@BootsGuests
class PublishedFilesTests {

    /** On the emulator it is proved. */
    private static final String HUNG = "(can never end, proved after|was still running at its time limit)";

    @TempDir
    private Path root;

    @Test
    void aTestThatItsGuestFailsPublishesConsoleAndReport() {
        Map<String, String> files = filesOf(Hangs.class);

        assertThat(files).containsOnlyKeys("console.txt", "guest.html", "guest.json", "guest.txt");
        assertThat(files.get("console.txt")).isEqualTo("Hi");
        assertThat(files.get("guest.json"))
                .contains(
                        "\"outcome\": \"timed-out\"",
                        "\"guest\": \"hi-and-hang.bin\"",
                        "\"console\": \"Hi\"",
                        "\"eip\":");
        assertThat(files.get("guest.html"))
                .startsWith("<!DOCTYPE html>")
                .containsPattern("Hangs.runs[^<]*</b> failed")
                .contains("the guest to end normally")
                .containsPattern("<b>hi-and-hang.bin</b> " + HUNG)
                .contains("<code>Hi</code>");
        assertThat(files.get("guest.txt"))
                .containsPattern(
                        "^[\\w.$]*Hangs\\.runs[^\n]* failed\n  expected: the guest to end normally\n  found:    it ")
                .containsPattern("\nguest hi-and-hang.bin \\(boot real\\) " + HUNG)
                .contains("\n  IVT at 0x0, limit ", "\n  memory at the start:\n", "\n  EIP ", "\n  | Hi\n");
    }

    @Test
    void theFailureNamesThePageInItsLastLine() {
        Throwable failure = Fixture.failuresOf(Fixture.run(Dies.class, Map.of(), new Fixture.Folder(root)))
                .get(0);

        assertThat(failure.getMessage().lines().reduce((first, second) -> second))
                .hasValueSatisfying(
                        line -> assertThat(pageOf(line)).content().contains("<b>ud2.bin</b> triple-faulted"));
        assertThat(failure.getSuppressed()).isEmpty();
    }

    @Test
    void aFailureOfTheTestsOwnHasThePageInTheReportBesideIt() {
        Throwable failure = Fixture.failuresOf(Fixture.run(FailsItself.class, Map.of(), new Fixture.Folder(root)))
                .get(0);

        assertThat(failure).hasMessage("own failure");
        assertThat(failure.getSuppressed()).singleElement().satisfies(report -> {
            List<String> lines = report.getMessage().lines().toList();
            assertThat(lines.get(0)).contains("was stopped while it was running");
            assertThat(pageOf(lines.get(lines.size() - 1))).exists();
        });
    }

    private static Path pageOf(String line) {
        assertThat(line).startsWith("page: file:/");
        return Path.of(URI.create(line.substring("page: ".length())));
    }

    static class Hangs {
        @Test
        @KvmGuest(image = TestGuests.HI_AND_HANG, timeout = "50ms")
        void runs() {}
    }

    @Test
    void aTestThatFailsItselfPublishesThemToo() {
        Map<String, String> files = filesOf(FailsItself.class);

        assertThat(files).containsOnlyKeys("console.txt", "guest.html", "guest.json", "guest.txt");
        assertThat(files.get("console.txt")).isEqualTo("Hi");
        assertThat(files.get("guest.json")).contains("\"outcome\": \"stopped\"", "\"mismatches\": [\"own failure\"]");
        assertThat(files.get("guest.html")).containsSubsequence("own failure", "was stopped while");
    }

    static class FailsItself {
        @Test
        @KvmGuest(image = TestGuests.HI_AND_HANG)
        void fails(Guest guest) {
            guest.awaitOutput("Hi");
            fail("own failure");
        }
    }

    @Test
    void screenIsPublishedAsTextAndAsAPicture() throws IOException {
        Map<String, String> files = filesOf(Shows.class);

        assertThat(files)
                .containsOnlyKeys("console.txt", "guest.html", "guest.json", "guest.txt", "screen.txt", "screen.png");
        assertThat(files.get("screen.txt")).isEqualTo("\n  Hi");
        assertThat(files.get("guest.json")).contains("\"screen\": \"\\n  Hi\"");
        try (Stream<Path> paths = Files.walk(root)) {
            Path picture = paths.filter(path -> path.endsWith("screen.png"))
                    .findFirst()
                    .orElseThrow();
            assertThat(Files.readAllBytes(picture)).startsWith(0x89, 'P', 'N', 'G');
        }
    }

    static class Shows {
        @Test
        @KvmGuest(image = TestGuests.SHOW_AND_HANG)
        void fails(Guest guest) {
            guest.awaitScreen("Hi");
            fail("own failure");
        }
    }

    @Test
    void eachVcpuHasAConsoleFile() {
        Map<String, String> files = filesOf(TwoVcpus.class);

        assertThat(files).containsOnlyKeys("console-0.txt", "console-1.txt", "guest.html", "guest.json", "guest.txt");
        assertThat(files.get("console-0.txt")).isEqualTo("Hello");
        assertThat(files.get("console-1.txt")).isEmpty();
        assertThat(files.get("guest.json"))
                .contains("\"vcpus\":", "halted with interrupts off", "halted with interrupts on");
        assertThat(files.get("guest.txt"))
                .contains(
                        "halted with interrupts off",
                        "\n\n",
                        "TwoVcpus.oneFails failed\n",
                        "halted with interrupts on");
    }

    static class TwoVcpus {
        @Test
        @KvmGuest(image = {TestGuests.HELLO, TestGuests.WAIT})
        void oneFails(List<Outcome> outcomes) {}
    }

    @Test
    void aTestThatFailsPublishesACProgramOfItsGuestIfItIsAskedTo() {
        Map<String, String> files = filesOf(Dies.class, Map.of("kvmguest.export", "true"));

        assertThat(files).containsKeys("guest.c", "guest.html", "guest.json");
        assertThat(files.get("guest.c"))
                .startsWith("/*\n * guest: the guest ud2.bin as one program for /dev/kvm")
                .contains("{ 0x00001000, /* image ud2.bin */", "#define RECORDED\t\"triple-fault\"", " *   #UD");
    }

    @Test
    void theProgramAnswersWithWhatALiveTestTyped() {
        Map<String, String> files = filesOf(TypesAndFails.class, Map.of("kvmguest.export", "true"));

        // The line status is polled until there is a byte, which is a 'q' in the receiver's buffer.
        assertThat(files.get("guest.c")).contains("{ 0x3fd, 1, 0x61, 1 },\n\t{ 0x3f8, 1, 0x71, 1 },\n");
    }

    static class TypesAndFails {
        @Test
        @KvmGuest(image = TestGuests.ECHO)
        void fails(Guest guest) {
            guest.type("q");
            guest.awaitOutput("q");
            fail("own failure");
        }
    }

    @Test
    void aRunThatNoProgramCanRepeatHasNoneAndTheFailureSaysWhy() {
        Map<String, String> parameters = Map.of("kvmguest.export", "true");
        Throwable failure = Fixture.failuresOf(Fixture.run(TwoVcpus.class, parameters, new Fixture.Folder(root)))
                .get(0);

        assertThat(failure.getSuppressed()).singleElement().satisfies(suppressed -> assertThat(suppressed)
                .hasMessageContaining("there is no guest.c, for which kvmguest.export asks: a machine with 2 vCPUs"));
        assertThat(filesIn(root)).containsKey("guest.json").doesNotContainKey("guest.c");
    }

    @Test
    void aTestWhoseGuestQemuHasRunIsReportedAsOthersAreAndHasNoProgram() {
        assumeTrue(
                Stream.of(System.getenv("PATH").split(File.pathSeparator))
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "qemu-system-i386"))),
                "no qemu-system-i386 on the PATH");
        Map<String, String> parameters = Map.of("kvmguest.export", "true");
        Throwable failure = Fixture.failuresOf(Fixture.run(DiesInQemu.class, parameters, new Fixture.Folder(root)))
                .get(0);

        assertThat(failure).hasMessageContaining("triple-faulted");
        assertThat(failure.getSuppressed()).singleElement().satisfies(suppressed -> assertThat(suppressed)
                .hasMessageContaining("there is no guest.c, for which kvmguest.export asks: a run in QEMU is not"));
        assertThat(filesIn(root)).containsKeys("guest.html", "guest.json").doesNotContainKey("guest.c");
        assertThat(Fixture.failureOf(DiesInQemu.class).getSuppressed()).isEmpty();
    }

    static class DiesInQemu {
        @Test
        @KvmGuest(image = TestGuests.UD2, boot = BootMode.PROTECTED, engine = EngineChoice.QEMU)
        void dies() {}
    }

    @Test
    void aTestThatFailsPublishesABundleIfItIsAskedTo() throws IOException {
        Map<String, String> files = filesOf(Dies.class, Map.of("kvmguest.bundle", "true"));

        assertThat(files)
                .containsKeys("guest.bundle.zip", "guest.html", "guest.json")
                .doesNotContainKey("guest.c");
        Bundle bundle = bundle();
        BundleReplay replay = bundle.replay(Duration.ofSeconds(30));
        assertThat(replay.cameToTheSameEnd()).as(replay.sentence()).isTrue();
        assertThat(replay.outcome().kind()).isEqualTo(Outcome.Kind.TRIPLE_FAULT);
        assertThat(bundle.files()).containsKeys("doctor.json", "image/0/boot-ud2.bin", "recording.bin");
    }

    @Test
    void theBundleRepeatsWhatALiveTestTyped() throws IOException {
        filesOf(TypesAndFails.class, Map.of("kvmguest.bundle", "true"));

        BundleReplay replay = bundle().replay(Duration.ofSeconds(30));

        assertThat(replay.cameToTheSameEnd()).as(replay.sentence()).isTrue();
        assertThat(replay.outcome().console()).startsWith("q");
    }

    @Test
    void theBundleOfSeveralVcpusIsOfTheOneThatFailed() throws IOException {
        filesOf(TwoVcpus.class, Map.of("kvmguest.bundle", "true"));

        Bundle bundle = bundle();

        assertThat(bundle.vcpu()).isEqualTo(1);
        assertThat(bundle.replay(Duration.ofSeconds(30)).outcome().describe()).startsWith("halted with interrupts on");
    }

    private Bundle bundle() throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            return Bundle.read(all.filter(file -> file.endsWith("guest.bundle.zip"))
                    .findFirst()
                    .orElseThrow());
        }
    }

    @Test
    void aTestThatPassesPublishesNothing() {
        assertThat(filesOf(Passes.class)).isEmpty();
    }

    static class Passes {
        @Test
        @KvmGuest(image = TestGuests.HELLO)
        void passes() {}
    }

    @Test
    void aTestThatIsAbortedPublishesNothing() {
        assertThat(filesOf(Aborts.class)).isEmpty();
    }

    static class Aborts {
        @Test
        @KvmGuest(image = TestGuests.HELLO)
        void aborts() {
            abort("not today");
        }
    }

    @Test
    void aLauncherThatTakesNoFilesIsToldBesideTheFailure() {
        Throwable failure = Fixture.failuresOf(Fixture.run(Dies.class, Map.of(), new Unwritable(root)))
                .get(0);

        assertThat(failure).hasMessageContaining("triple-faulted");
        assertThat(failure.getSuppressed()).singleElement().satisfies(suppressed -> assertThat(suppressed)
                .hasStackTraceContaining("no files here"));
    }

    static class Dies {
        @Test
        @KvmGuest(image = TestGuests.UD2, boot = BootMode.PROTECTED)
        void dies() {}
    }

    @Test
    void aFileThatCannotBeWrittenHidesNeitherTheFailureNorTheOthers() {
        Throwable failure = Fixture.failuresOf(Fixture.run(Dies.class, Map.of(), new Blocked(root)))
                .get(0);

        assertThat(failure).hasMessageContaining("triple-faulted");
        assertThat(failure.getSuppressed()).singleElement().satisfies(suppressed -> assertThat(suppressed)
                .hasStackTraceContaining("guest.html"));
        assertThat(root.resolve("console.txt")).exists();
        assertThat(root.resolve("guest.json")).exists();
        assertThat(root.resolve("guest.txt")).exists();
        assertThat(root.resolve("guest.html")).isDirectory();
        assertThat(root.toFile().list()).hasSize(4);
    }

    /** A folder where something is in a file's way. */
    record Blocked(Path root) implements OutputDirectoryProvider {

        @Override
        public Path getRootDirectory() {
            return root;
        }

        @Override
        public Path createOutputDirectory(TestDescriptor test) throws IOException {
            Files.createDirectories(root.resolve("guest.html"));
            return root;
        }
    }

    /** A folder that can't be made. */
    record Unwritable(Path root) implements OutputDirectoryProvider {

        @Override
        public Path getRootDirectory() {
            return root;
        }

        @Override
        public Path createOutputDirectory(TestDescriptor test) throws IOException {
            throw new IOException("no files here");
        }
    }

    /** Runs a class and returns the text of what it published, by file name. */
    private Map<String, String> filesOf(Class<?> testClass) {
        return filesOf(testClass, Map.of());
    }

    private Map<String, String> filesOf(Class<?> testClass, Map<String, String> parameters) {
        Fixture.run(testClass, parameters, new Fixture.Folder(root));
        return filesIn(root);
    }

    private static Map<String, String> filesIn(Path root) {
        Map<String, String> files = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path file : paths.filter(Files::isRegularFile).toList()) {
                files.put(file.getFileName().toString(), Files.readString(file, StandardCharsets.ISO_8859_1));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return files;
    }
}
