package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Kernels of others come to their known last line. {@code .ci/kernels} brings them from Debian's packages. */
@EnabledIfSystemProperty(named = DebianKernels.FOLDER, matches = ".+", disabledReason = DebianKernels.NO_FOLDER)
class DebianKernelsTests {

    /** Of the guest's own time: a kernel whose panic waits for a key, or counts to a billion, ends here. */
    private static final Duration GUEST_TIME = Duration.ofSeconds(8);

    /** It tests for hours: the 32-bit one is at its test 5 then, the other one at test 6. */
    private static final Duration MEMTEST_TIME = Duration.ofSeconds(10);

    /** What a Linux kernel has of its own time; it comes to its init long before. */
    private static final Duration LINUX_TIME = Duration.ofMinutes(5);

    /** Linux takes some 30 s of a processor's time for i386, and 40 s for amd64, most of it to unpack itself. */
    private static final Duration LIMIT = Duration.ofMinutes(20);

    /** The microkernel of the Hurd, which says so if its boot loader has brought it no server to start. */
    @Test
    void gnuMachLooksForItsServers() throws IOException {
        Outcome outcome =
                boot(VcpuConfig.of(DebianKernels.read("gnumach")).withBoot(BootMode.MULTIBOOT), 64 << 20, GUEST_TIME);

        assertThat(screen(outcome)).contains("GNU Mach ", "No bootstrap code loaded with t he kernel!");
    }

    /** The kernel of 32 bits unpacks itself, finds its devices, and starts the program that it was given. */
    @Test
    void linuxForI386ComesToItsInit() throws IOException {
        linuxComesTo("linux-i386", BootMode.LINUX, DebianKernels.initOf32Bits());
    }

    /** The kernel of 64 bits is entered in long mode, and calls it by SYSCALL. */
    @Test
    void linuxForAmd64ComesToItsInit() throws IOException {
        linuxComesTo("linux-amd64", BootMode.LINUX, DebianKernels.initOf64Bits());
    }

    /** A kernel that has no init panics, is told to reset then, and the report says what it lacks. */
    @Test
    void linuxWithoutAnInitialRamDiskIsExplained() throws IOException {
        Outcome outcome = panic(DebianKernels.linux("linux-i386", BootMode.LINUX, DebianKernels.initOf32Bits())
                .withModules(List.of()));

        assertThat(outcome.kind()).as(TextReport.whole(outcome)).isEqualTo(Outcome.Kind.RESET);
        assertThat(outcome.warnings())
                .singleElement()
                .asString()
                .startsWith("the kernel says \"Kernel panic - not syncing: VFS: Unable to mount root fs on ")
                .contains(": it was given no initial RAM disk, and");
    }

    /** A kernel that can't start the init that it has says why on its console, and the report what that means. */
    @Test
    void linuxWithAnInitForAnotherArchitectureIsExplained() throws IOException {
        Outcome outcome = panic(DebianKernels.linux("linux-i386", BootMode.LINUX, DebianKernels.initOf64Bits()));

        assertThat(outcome.warnings())
                .as(TextReport.whole(outcome))
                .singleElement()
                .asString()
                .startsWith("the kernel says \"Kernel panic - not syncing: No working init found.")
                .contains(": /init is no program that this kernel runs (error -8, ENOEXEC); compile it for the");
    }

    /** Boots Linux so that it resets when it panics. */
    private static Outcome panic(VcpuConfig linux) {
        return boot(linux.withCommandLine(DebianKernels.OPTIONS + " panic=-1"), DebianKernels.LINUX_MEMORY, LINUX_TIME);
    }

    /** The same kernel unpacked, an ELF file with Xen's note. */
    @Test
    void unpackedLinuxForAmd64ComesToItsInit() throws IOException {
        linuxComesTo("linux-amd64-unpacked", BootMode.PVH, DebianKernels.initOf64Bits());
    }

    /** It has found no error in its first tests. */
    @Test
    void memtestOf32BitsTestsMemory() throws IOException {
        memtestComesTo("memtest-ia32", "Test #5 [Moving inversions, random pattern]");
    }

    /** Entered in long mode, it is one test further. */
    @Test
    void memtestOf64BitsTestsMemory() throws IOException {
        memtestComesTo("memtest-x64", "Test #6 [Moving inversions, 64 bit pattern]");
    }

    private static void memtestComesTo(String kernel, String test) throws IOException {
        Outcome outcome =
                boot(VcpuConfig.of(DebianKernels.read(kernel)).withBoot(BootMode.LINUX), 8 << 20, MEMTEST_TIME);

        assertThat(screen(outcome)).contains("Memtest86+ v", test, "Status: Testing", "Errors: 0");
    }

    /** Returns the text of a screen, with a space for any number of them. */
    private static String screen(Outcome outcome) {
        return TextReport.screen(outcome.screen()).replaceAll("[|\\s]+", " ");
    }

    private static void linuxComesTo(String kernel, BootMode mode, byte[] init) throws IOException {
        DebianKernels.assertCameToInit(
                boot(DebianKernels.linux(kernel, mode, init), DebianKernels.LINUX_MEMORY, LINUX_TIME));
    }

    private static Outcome boot(VcpuConfig guest, long memory, Duration time) {
        MachineConfig config = MachineConfig.builder()
                .vcpu(guest)
                .engine(EngineChoice.EMULATOR)
                .memory(memory)
                .timeout(TimeFactor.stretch(LIMIT))
                .build();
        try (Machine machine = Machine.create(config, time)) {
            Outcome outcome = machine.run();
            System.out.printf(
                    Locale.ROOT,
                    "%s, boot %s: %d million instructions, %.1f s%n",
                    guest.image().name(),
                    guest.boot(),
                    outcome.run().instructions().orElseThrow() / 1_000_000,
                    outcome.run().wallTime().toMillis() / 1000.0);
            return outcome;
        }
    }
}
