package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.DetectedBoot;
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
import java.util.List;
import java.util.stream.IntStream;

/** Kernels of Debian's packages, and an init for its Linux that says so when it runs. */
final class DebianKernels {

    /** The property with the folder to which {@code .ci/kernels} brings them. */
    static final String FOLDER = "kvmguest.kernels";

    static final String NO_FOLDER = "kvmguest.kernels doesn't say where the kernels are; .ci/kernels brings them";

    static final long LINUX_MEMORY = 256 << 20;

    /** Neither all of the kernel's messages, nor tests of its cryptography, nor a random place: they take time. */
    static final String OPTIONS = "console=ttyS0 quiet nokaslr cryptomgr.notests";

    private static final String INIT_SAYS = "Hello from init.\n";

    private DebianKernels() {}

    static GuestImage read(String kernel) throws IOException {
        Path image = Path.of(System.getProperty(FOLDER), kernel);
        assumeTrue(Files.exists(image), () -> kernel + " is not in " + FOLDER + "; .ci/kernels tells why");
        return GuestImage.read(image);
    }

    /** Returns how Linux is booted with an init, in the mode that its file is meant for. */
    static VcpuConfig linux(String kernel, BootMode mode, byte[] init) throws IOException {
        GuestImage image = read(kernel);
        assertThat(DetectedBoot.of(image).boot()).isEqualTo(mode);
        BootModule disk =
                new BootModule("initrd", new Cpio().program("init", init).build());
        return VcpuConfig.of(image).withBoot(mode).withCommandLine(OPTIONS).withModules(List.of(disk));
    }

    /** Fails unless a run came to its init. */
    static void assertCameToInit(Outcome outcome) {
        // Linux's terminal puts CR before LF.
        assertThat(outcome.console()).as(TextReport.whole(outcome)).contains(INIT_SAYS.strip());
        assertThat(outcome.exitCode()).hasValue(5);
    }

    static byte[] initOf32Bits() {
        // mov eax,4; mov ebx,1; mov ecx,MESSAGE; mov edx,LENGTH; int 0x80: write
        // mov eax,54; mov ecx,0x5409; mov edx,1; int 0x80: ioctl TCSBRK, which waits until it is written
        // mov eax,110; mov ebx,3; int 0x80: iopl; mov al,5; out 0xf4,al; jmp $
        return init(
                new ElfBuilder(),
                0x804_8054,
                "b8 04 00 00 00 bb 01 00 00 00 b9 8e 80 04 08 ba 11 00 00 00 cd 80"
                        + "b8 36 00 00 00 b9 09 54 00 00 ba 01 00 00 00 cd 80"
                        + "b8 6e 00 00 00 bb 03 00 00 00 cd 80 b0 05 e6 f4 eb fe");
    }

    static byte[] initOf64Bits() {
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
}
