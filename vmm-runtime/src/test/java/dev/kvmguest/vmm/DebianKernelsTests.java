package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.DetectedBoot;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.MultibootKernel;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Kernels of others come to their known last line. {@code .ci/kernels} brings them from Debian's packages. */
@EnabledIfSystemProperty(
        named = DebianKernelsTests.FOLDER,
        matches = ".+",
        disabledReason = "kvmguest.kernels doesn't say where the kernels are; .ci/kernels brings them")
class DebianKernelsTests {

    static final String FOLDER = "kvmguest.kernels";

    /** Of the guest's own time: a kernel whose panic waits for a key, or counts to a billion, ends here. */
    private static final Duration GUEST_TIME = Duration.ofSeconds(8);

    /** It tests for hours: the 32-bit one is at its test 5 then, the other one at test 6. */
    private static final Duration MEMTEST_TIME = Duration.ofSeconds(10);

    /** What a Linux kernel has of its own time; it comes to its init long before. */
    private static final Duration LINUX_TIME = Duration.ofMinutes(5);

    private static final long LINUX_MEMORY = 256 << 20;

    /** Linux takes some 30 s of a processor's time for i386, and 40 s for amd64, most of it to unpack itself. */
    private static final Duration LIMIT = Duration.ofMinutes(20);

    /** Neither all of the kernel's messages, nor tests of its cryptography, nor a random place: they take time. */
    private static final String OPTIONS = "console=ttyS0 quiet nokaslr cryptomgr.notests";

    private static final String INIT_SAYS = "Hello from init.\n";

    /** The microkernel of the Hurd, which says so if its boot loader has brought it no server to start. */
    @Test
    void gnuMachLooksForItsServers() throws IOException {
        Outcome outcome = boot(VcpuConfig.of(read("gnumach")).withBoot(BootMode.MULTIBOOT), 64 << 20, GUEST_TIME);

        assertThat(screen(outcome)).contains("GNU Mach ", "No bootstrap code loaded with t he kernel!");
    }

    /** The kernel of 32 bits unpacks itself, finds its devices, and starts the program that it was given. */
    @Test
    void linuxForI386ComesToItsInit() throws IOException {
        // mov eax,4; mov ebx,1; mov ecx,MESSAGE; mov edx,LENGTH; int 0x80: write
        // mov eax,54; mov ecx,0x5409; mov edx,1; int 0x80: ioctl TCSBRK, which waits until it is written
        // mov eax,110; mov ebx,3; int 0x80: iopl; mov al,5; out 0xf4,al; jmp $
        byte[] init = init(
                new ElfBuilder(),
                0x804_8054,
                "b8 04 00 00 00 bb 01 00 00 00 b9 8e 80 04 08 ba 11 00 00 00 cd 80"
                        + "b8 36 00 00 00 b9 09 54 00 00 ba 01 00 00 00 cd 80"
                        + "b8 6e 00 00 00 bb 03 00 00 00 cd 80 b0 05 e6 f4 eb fe");

        linuxComesTo("linux-i386", BootMode.LINUX, init);
    }

    /** The kernel of 64 bits is entered in long mode, and calls it by SYSCALL. */
    @Test
    void linuxForAmd64ComesToItsInit() throws IOException {
        linuxComesTo("linux-amd64", BootMode.LINUX, initOf64Bits());
    }

    /** The same kernel unpacked, an ELF file with Xen's note. */
    @Test
    void unpackedLinuxForAmd64ComesToItsInit() throws IOException {
        linuxComesTo("linux-amd64-unpacked", BootMode.PVH, initOf64Bits());
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
        Outcome outcome = boot(VcpuConfig.of(read(kernel)).withBoot(BootMode.LINUX), 8 << 20, MEMTEST_TIME);

        assertThat(screen(outcome)).contains("Memtest86+ v", test, "Status: Testing", "Errors: 0");
    }

    /** Returns the text of a screen, with a space for any number of them. */
    private static String screen(Outcome outcome) {
        return TextReport.screen(outcome.screen()).replaceAll("[|\\s]+", " ");
    }

    private static byte[] initOf64Bits() {
        // mov eax,1; mov edi,1; mov esi,MESSAGE; mov edx,LENGTH; syscall; mov eax,16; mov esi,0x5409; mov edx,1;
        // syscall
        // mov eax,172; mov edi,3; syscall; mov al,5; out 0xf4,al; jmp $
        return init(
                ElfBuilder.of64(),
                0x40_0078,
                "b8 01 00 00 00 bf 01 00 00 00 be b2 00 40 00 ba 11 00 00 00 0f 05"
                        + "b8 10 00 00 00 be 09 54 00 00 ba 01 00 00 00 0f 05"
                        + "b8 ac 00 00 00 bf 03 00 00 00 0f 05 b0 05 e6 f4 eb fe");
    }

    /** Returns a program of this code and the message behind it. */
    private static byte[] init(ElfBuilder builder, long address, String code) {
        byte[] bytes =
                MultibootKernel.join(TestGuest.bytes(code + "00"), INIT_SAYS.getBytes(StandardCharsets.US_ASCII));
        int[] data = IntStream.range(0, bytes.length).map(i -> bytes[i]).toArray();
        return builder.entry(address).load(address, address, data.length, data).build();
    }

    private static void linuxComesTo(String kernel, BootMode mode, byte[] init) throws IOException {
        BootModule disk =
                new BootModule("initrd", new Cpio().program("init", init).build());
        GuestImage image = read(kernel);
        assertThat(DetectedBoot.of(image).boot()).isEqualTo(mode);
        Outcome outcome = boot(
                VcpuConfig.of(image).withBoot(mode).withCommandLine(OPTIONS).withModules(List.of(disk)),
                LINUX_MEMORY,
                LINUX_TIME);

        // Linux's terminal puts CR before LF.
        assertThat(outcome.console()).as(TextReport.whole(outcome)).contains(INIT_SAYS.strip());
        assertThat(outcome.exitCode()).hasValue(5);
    }

    private static GuestImage read(String kernel) throws IOException {
        Path image = Path.of(System.getProperty(FOLDER), kernel);
        assumeTrue(Files.exists(image), () -> kernel + " is not in " + FOLDER + "; .ci/kernels tells why");
        return GuestImage.read(image);
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
