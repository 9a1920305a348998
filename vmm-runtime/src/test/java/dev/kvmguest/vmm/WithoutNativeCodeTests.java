package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Guests in JVMs that can't load JNA's native library, or have no JNA: only the emulator is left. */
@Timeout(60)
class WithoutNativeCodeTests {

    /** Ways to have a JVM without JNA. */
    enum Jna {
        UNLOADABLE("-Djna.nosys=true", "-Djna.nounpack=true", "-Djna.boot.library.path=nowhere"),
        MISSING();

        private final List<String> options;

        Jna(String... options) {
            this.options = List.of(options);
        }

        private String classPath() {
            return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                    .filter(entry -> this != MISSING
                            || !Path.of(entry).getFileName().toString().startsWith("jna-"))
                    .collect(Collectors.joining(File.pathSeparator));
        }
    }

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource
    void emulatorAskedForRunsRealAndPagedGuests(Jna jna) throws Exception {
        assertThat(run(jna, EngineChoice.EMULATOR))
                .containsSubsequence(
                        "real wrote hi on emulator: asked for",
                        "paged wrote hi on emulator: asked for",
                        "paged-4k wrote hi on emulator: asked for");
        assertThat(loadedClasses())
                .contains("dev.kvmguest.vmm.Machine", "dev.kvmguest.vmm.internal.emulator.EmulatorEngine")
                .noneMatch(name -> name.startsWith("com.sun.jna."))
                .noneMatch(name -> name.startsWith("dev.kvmguest.vmm.internal.kvm."));
    }

    @Test
    void emulatorAskedForLoadsNothingOfJnaAndKvmWhereTheyCouldBeHad() throws Exception {
        List<String> command = List.of("-cp", System.getProperty("java.class.path"));
        assertThat(run(command, EngineChoice.EMULATOR)).contains("paged wrote hi on emulator: asked for");

        assertThat(loadedClasses())
                .contains("dev.kvmguest.vmm.Machine", "dev.kvmguest.vmm.internal.emulator.EmulatorEngine")
                .noneMatch(name -> name.startsWith("com.sun.jna."))
                .noneMatch(name -> name.startsWith("dev.kvmguest.vmm.internal.kvm."));
    }

    @ParameterizedTest
    @EnumSource
    void autoIsTheEmulatorAndSaysWhyOnce(Jna jna) throws Exception {
        String reason = Device.exists()
                ? "this host has no usable KVM: the kvm engine needs JNA and its native library, and they can't be loaded"
                : "this host has no /dev/kvm";

        List<String> output = run(jna, EngineChoice.AUTO);

        for (String mode : List.of("real", "paged", "paged-4k")) {
            assertThat(output).anyMatch(line -> line.startsWith(mode + " wrote hi on emulator: " + reason));
        }
        assertThat(output)
                .filteredOn(line -> line.startsWith("INFO: guests run on the emulator: " + reason))
                .hasSize(1);
    }

    @ParameterizedTest
    @EnumSource
    @EnabledOnOs(value = OS.LINUX, architectures = "amd64")
    void kvmAskedForFailsInWords(Jna jna) throws Exception {
        assertThat(run(jna, EngineChoice.KVM))
                .anyMatch(line -> line.contains(
                        "VmmException: the kvm engine needs JNA and its native library, and they can't be loaded: "));
    }

    private List<String> run(Jna jna, EngineChoice engine) throws Exception {
        List<String> options = new ArrayList<>(jna.options);
        options.addAll(List.of("-cp", jna.classPath()));
        return run(options, engine);
    }

    private List<String> run(List<String> options, EngineChoice engine) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Xlog:class+load:file=" + folder.resolve("classes.log"));
        command.addAll(options);
        command.addAll(List.of(Program.class.getName(), engine.id()));
        Process jvm = new ProcessBuilder(command).redirectErrorStream(true).start();
        List<String> output = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        jvm.waitFor();
        return output;
    }

    /** Returns the names of all classes that the JVM has loaded, from lines such as {@code [0.1s][info][class,load] A source: b}. */
    private List<String> loadedClasses() throws IOException {
        return Files.readAllLines(folder.resolve("classes.log")).stream()
                .filter(line -> line.contains(" source: "))
                .map(line -> line.replaceFirst(" source: .*", "").replaceFirst(".*[\\] ]", ""))
                .toList();
    }

    /** The program of that JVM. */
    static final class Program {

        /** mov al,'h'; out 0xe9,al; mov al,'i'; out 0xe9,al; hlt */
        private static final String HI = "b0 68 e6 e9 b0 69 e6 e9 f4";

        public static void main(String[] arguments) {
            EngineChoice engine = EngineChoice.parse(arguments[0]);
            for (BootMode mode : List.of(BootMode.REAL, BootMode.PAGED, BootMode.PAGED_4K)) {
                Outcome outcome = TestGuest.run(real(HI).withBoot(mode), engine);
                System.out.println(mode + " wrote " + outcome.console() + " on "
                        + outcome.run().engine() + ": " + outcome.run().engineReason());
            }
        }
    }
}
