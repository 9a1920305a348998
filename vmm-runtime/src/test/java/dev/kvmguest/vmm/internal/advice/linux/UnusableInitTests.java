package dev.kvmguest.vmm.internal.advice.linux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.internal.boot.LinuxKernel;
import dev.kvmguest.vmm.internal.boot.MultibootKernel;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.TextReport;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A Linux kernel that had no init to start says so, and the report says what to do about it. */
class UnusableInitTests {

    private static final String PANIC = "Kernel panic - not syncing: ";
    private static final String NO_ROOT = PANIC + "VFS: Unable to mount root fs on unknown-block(0,0)\n";
    private static final String NO_INIT = PANIC + "No working init found.  Try passing init= option to kernel."
            + " See Linux Documentation/admin-guide/init.rst for guidance.\n";
    private static final String KILLED = PANIC + "Attempted to kill init! exitcode=0x";

    /** cli; jmp $: what a panic does that waits for ever. */
    private static final String HANG = "fa eb fe";

    /** mov al,0xfe; out 0x64,al: what it does with panic=-1. */
    private static final String RESET = "b0 fe e6 64";

    /** cli; hlt */
    private static final String HALT = "fa f4";

    /** lidt [ebp]; int3: how a kernel resets where nothing else helps. EBP is 0, and there is no IDT. */
    private static final String SHUT_DOWN = "0f 01 5d 00 cc";

    @Test
    void kernelThatPanicsForEverWithoutAnInitialRamDisk() {
        Outcome outcome = run(linux(HANG, "[    1.234567] " + NO_ROOT + "CPU: 0 PID: 1 Comm: swapper Not tainted\n"));

        String advice = "the kernel says \"Kernel panic - not syncing: VFS: Unable to mount root fs on"
                + " unknown-block(0,0)\": it was given no initial RAM disk, and this machine has no disk that could be"
                + " its root; name a cpio archive (find . | cpio -o -H newc) with an executable /init as the guest's"
                + " module";
        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.TIMED_OUT);
        assertThat(standstill(outcome).advice()).first().isEqualTo(advice);
        assertThat(outcome.warnings()).isEmpty();
        assertThat(TextReport.brief(outcome).replaceAll("\\s+", " ")).containsOnlyOnce(advice);
    }

    @Test
    void kernelThatHaltsInItsPanic() {
        assertThat(standstill(run(linux(HALT, NO_ROOT))).advice())
                .singleElement()
                .satisfies(said -> assertThat(said).contains("it was given no initial RAM disk"));
    }

    @ParameterizedTest
    @CsvSource({"RESET, " + RESET, "TRIPLE_FAULT, " + SHUT_DOWN})
    void kernelThatRebootsInItsPanic(Outcome.Kind kind, String end) {
        Outcome outcome = run(linux(end, NO_ROOT));

        assertThat(outcome.kind()).isEqualTo(kind);
        assertThat(outcome.warnings()).singleElement().satisfies(said -> assertThat(said)
                .contains("it was given no initial RAM disk"));
        assertThat(TextReport.brief(outcome)).contains("warning: the kernel says");
        assertThat(JsonReport.of(outcome)).contains("it was given no initial RAM disk");
    }

    @Test
    void initialRamDiskWithoutInit() {
        VcpuConfig guest = linux(HANG, NO_ROOT).withModules(List.of(new BootModule("initrd.cpio", new byte[4])));

        assertThat(advice(guest))
                .contains("it found no /init that it may execute in the initial RAM disk initrd.cpio, and this machine"
                        + " has no disk that could be its root instead; put an executable /init at the root of the"
                        + " archive, or");
        assertThat(advice(guest.withCommandLine("rdinit=/sbin/a quiet rdinit=/bin/b")))
                .contains("it found no /bin/b that it may execute");
    }

    @Test
    void initialRamDiskThatCannotBeUnpacked() {
        VcpuConfig guest = linux(
                        HANG, "Initramfs unpacking failed: invalid magic at start of compressed archive\r\n" + NO_ROOT)
                .withModules(List.of(new BootModule("initrd.img", new byte[4])));

        assertThat(advice(guest))
                .contains("it could not unpack the initial RAM disk initrd.img (invalid magic at start of compressed"
                        + " archive); make a cpio archive");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Failed to execute /init (error -2)|/init or the interpreter that it names, a dynamic linker",
                "Failed to execute /init (error -8)|/init is no program that this kernel runs (error -8, ENOEXEC)",
                "Starting init: /bin/sh exists but couldn't execute it (error -13)|/bin/sh may not be executed",
                "Failed to execute /init (error -5)|/init could not be started (error -5",
                "Freeing unused memory|it found neither /init nor /sbin/init",
            })
    void initThatCannotBeStarted(String line, String words) {
        assertThat(advice(linux(HANG, line + "\n" + NO_INIT))).contains(": " + words);
    }

    @Test
    void theInitThatWasMeantIsTheFirstTried() {
        assertThat(advice(linux(
                        HANG,
                        "Failed to execute /init (error -8)\n"
                                + "Starting init: /bin/sh exists but couldn't execute it (error -2)\n" + NO_INIT)))
                .contains(": /init is no program");
        assertThat(advice(linux(
                        HANG,
                        "Failed to execute /init (error -8)\n" + PANIC + "Requested init /my failed (error -2).\n")))
                .contains(": /my or the interpreter");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "00000500|init ended with status 5, and an init must never end",
                "00000000|init ended with status 0, and",
                "00007f00|init ended with status 127, by which a shell or dynamic linker says that",
                "0000000b|init was killed by signal 11 (SIGSEGV); the fault is init's",
                "00000004|init was killed by signal 4 (SIGILL); compile it for a processor that has no more",
                "00000010|init was killed by signal 16; the fault",
            })
    void initThatEnds(String code, String words) {
        assertThat(advice(linux(HANG, KILLED + code + "\nCPU: 0 PID: 1 Comm: init Not tainted\n")))
                .contains(": " + words);
    }

    @Test
    void kernelThatDiedBeforeItHadAnInitSaysTheSameOfItself() {
        assertNothingSaid(linux(HANG, KILLED + "0000000b\nCPU: 0 PID: 1 Comm: swapper/0 Not tainted\n"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                PANIC + "Fatal exception in interrupt\n",
                // A program's words about a panic, and one that is not the last.
                "test: expects " + NO_ROOT,
                NO_ROOT + PANIC + "Fatal exception\n",
                "VFS: Unable to mount root fs\n",
            })
    void otherWordsAreNoPanicForWantOfAnInit(String console) {
        assertNothingSaid(linux(HANG, console));
    }

    @Test
    void kernelOfAnotherProtocolMayMeanSomethingElse() {
        assertNothingSaid(TestGuest.flat(HexFormat.of().formatHex(code(HANG, NO_ROOT, 0x1000))));
    }

    private static void assertNothingSaid(VcpuConfig guest) {
        Outcome outcome = run(guest);

        assertThat(outcome.console()).containsAnyOf("VFS", "panic");
        assertThat(standstill(outcome).advice()).noneMatch(said -> said.contains("the kernel says"));
        assertThat(outcome.warnings()).isEmpty();
    }

    private static String advice(VcpuConfig guest) {
        return standstill(run(guest)).advice().get(0);
    }

    private static Standstill standstill(Outcome outcome) {
        return outcome.run().diagnosis().standstill().orElseThrow();
    }

    private static Outcome run(VcpuConfig guest) {
        return TestGuest.hang(guest, EngineChoice.EMULATOR);
    }

    /** Returns a kernel that writes this to its console, and ends so. */
    private static VcpuConfig linux(String end, String console) {
        return new LinuxKernel(code(end, console, LinuxKernel.PREFERRED)).guest();
    }

    private static byte[] code(String end, String console, int load) {
        byte[] text = console.getBytes(StandardCharsets.US_ASCII);
        // mov esi,TEXT; mov ecx,LENGTH; mov edx,0xe9; rep outsb
        byte[] code =
                TestGuest.bytes("be " + word(load + 0x40) + "b9" + word(text.length) + "ba e9 00 00 00 f3 6e" + end);
        return MultibootKernel.join(code, new byte[0x40 - code.length], text);
    }

    private static String word(int value) {
        return HexFormat.of().toHexDigits(Integer.reverseBytes(value));
    }
}
