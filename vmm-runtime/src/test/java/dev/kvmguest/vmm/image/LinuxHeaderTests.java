package dev.kvmguest.vmm.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.internal.boot.LinuxKernel;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The setup headers of Linux kernels, by the version of their protocol. */
class LinuxHeaderTests {

    private static final byte[] HALT = {(byte) 0xf4};

    @Test
    void fieldsOfTheNewestProtocolAreRead() {
        assertThat(header(LinuxKernel.of64(HALT).field(0x1f1, 1, 0).field(0x1f1, 1, 1)))
                .isEqualTo(new LinuxHeader(
                        0x20f,
                        0x400,
                        0x26c,
                        true,
                        true,
                        0x10_0000,
                        true,
                        0x7fff_ffff,
                        255,
                        0x20_0000,
                        0x8_0000,
                        0x190));
    }

    @ParameterizedTest
    @CsvSource({
        // version, initrd's highest address, command line, relocatable, preferred, init_size, 64-bit entry, handover
        "0x202, 0x37ffffff, 255, false, 0, 0, false, 0",
        "0x203, 0x7fffffff, 255, false, 0, 0, false, 0",
        "0x205, 0x7fffffff, 255, true, 0, 0, false, 0",
        "0x206, 0x7fffffff, 1000, true, 0, 0, false, 0",
        "0x20a, 0x7fffffff, 1000, true, 0x200000, 0x80000, false, 0",
        "0x20b, 0x7fffffff, 1000, true, 0x200000, 0x80000, false, 0x190",
        "0x20c, 0x7fffffff, 1000, true, 0x200000, 0x80000, true, 0x190",
        "0x2ff, 0x7fffffff, 1000, true, 0x200000, 0x80000, true, 0x190",
    })
    void fieldsThatAVersionLacksHaveTheirDefaults(
            String version,
            String initrd,
            long commandLine,
            boolean relocatable,
            String preferred,
            String size,
            boolean entry64,
            String handover) {
        LinuxHeader header =
                header(LinuxKernel.of64(HALT).version(Integer.decode(version)).field(0x238, 4, 1000));

        assertThat(header.initrdMax()).isEqualTo(Long.decode(initrd));
        assertThat(header.commandLineSize()).isEqualTo(commandLine);
        assertThat(header.relocatable()).isEqualTo(relocatable);
        assertThat(header.preferredAddress()).isEqualTo(Long.decode(preferred));
        assertThat(header.initSize()).isEqualTo(Long.decode(size));
        assertThat(header.entry64()).isEqualTo(entry64);
        assertThat(header.handoverOffset()).isEqualTo(Long.decode(handover));
    }

    @Test
    void kernelsBeforeTheCommandLineCouldLieAnywhereAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> header(new LinuxKernel(HALT).version(0x201)))
                .withMessage(
                        "image vmlinuz is a Linux kernel of boot protocol 2.01; the oldest that can be booted is"
                                + " 2.02, of Linux 2.4: before it, the command line had its place in the setup code at 0x90000");
    }

    @Test
    void otherFilesAreToldWhatToBoot() {
        assertRefused(
                new byte[4096],
                "image vmlinuz has no Linux setup header (0x55 0xaa at file offset 0x1fe and"
                        + " \"HdrS\" at 0x202), which boot mode linux needs");
        byte[] uefi = new byte[4096];
        uefi[0] = 'M';
        uefi[1] = 'Z';
        assertRefused(uefi, "it is a program for UEFI, which this machine doesn't have");
        assertRefused(
                new ElfBuilder().entry(0x1000).load(0x1000, 0x1000, 1, 0xf4).build(),
                "is an ELF file, and boot mode linux boots a bzImage or zImage");
    }

    @Test
    void truncatedFilesAreRefused() {
        byte[] file = new LinuxKernel(HALT).field(0x1f1, 1, 40).file();
        assertRefused(file, "is truncated: its setup code has 20992 bytes, and the file 1025");
        assertRefused(new LinuxKernel(HALT).field(0x201, 1, 0x20).file(), "ends at file offset 0x222");
        assertRefused(
                new LinuxKernel(HALT).field(0x230, 4, 0x30_0000).file(),
                "kernel_alignment 0x300000, which is not a power of two");
    }

    @Test
    void damagedHeadersAreAClearErrorOrAreRead() {
        Random random = new Random(17);
        byte[] good = LinuxKernel.of64(HALT).file();
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = Arrays.copyOf(good, 0x100 + random.nextInt(good.length - 0x100));
            for (int damage = 0; damage < 3; damage++) {
                int at = 0x1f1 + random.nextInt(0x80);
                if (at < bytes.length) {
                    bytes[at] = (byte) random.nextInt();
                }
            }
            try {
                assertThat(LinuxHeader.find(GuestImage.of("vmlinuz", bytes)).setupBytes())
                        .isLessThan(bytes.length);
            } catch (IllegalArgumentException e) {
                assertThat(e).hasMessageStartingWith("image vmlinuz ");
            }
        }
    }

    private static void assertRefused(byte[] file, String words) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LinuxHeader.find(GuestImage.of("vmlinuz", file)))
                .withMessageContaining(words);
    }

    private static LinuxHeader header(LinuxKernel kernel) {
        return LinuxHeader.find(kernel.image());
    }
}
