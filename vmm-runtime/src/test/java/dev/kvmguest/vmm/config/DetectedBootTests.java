package dev.kvmguest.vmm.config;

import static dev.kvmguest.vmm.internal.boot.MultibootKernel.MAGIC;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.header;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.join;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.words;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.LinuxKernel;
import dev.kvmguest.vmm.internal.boot.Multiboot2Kernel;
import dev.kvmguest.vmm.internal.boot.PvhKernel;
import dev.kvmguest.vmm.internal.boot.limine.LimineKernel;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The boot modes that images ask for themselves. */
class DetectedBootTests {

    @Test
    void multibootHeaderIsBootedAsSuch() {
        assertThat(detect(elf(0x10_0000, 0x10_0000, header(3))))
                .isEqualTo(new DetectedBoot(BootMode.MULTIBOOT, "it has a Multiboot header"));
        assertThat(detect(join(new byte[16], header(0x1_0000, 0, 0, 0, 0, 0))).boot())
                .isEqualTo(BootMode.MULTIBOOT);
    }

    @Test
    void magicNumberInAFlatBinaryIsNoHeaderWithoutItsChecksum() {
        assertThat(detect(join(words(MAGIC, 3, 0), new byte[64])).boot()).isEqualTo(BootMode.REAL);
    }

    @Test
    void headerInAnElfFileThatNoLoaderWouldFindIsMeantAllTheSame() {
        for (byte[] damaged : new byte[][] {
            words(MAGIC, 3, 0), join(new byte[8192], header(3)), join(new byte[1], header(3)),
        }) {
            assertThat(detect(elf(0x10_0000, 0x10_0000, damaged)).boot()).isEqualTo(BootMode.MULTIBOOT);
        }
    }

    @Test
    void multiboot2HeaderIsBootedAsSuchAlsoBesideOneOfMultiboot1() {
        byte[] two = Multiboot2Kernel.header();

        // The data of the ELF file begins at offset 84.
        assertThat(detect(elf(0x10_0000, 0x10_0000, join(new byte[4], two))))
                .isEqualTo(new DetectedBoot(BootMode.MULTIBOOT2, "it has a Multiboot 2 header"));
        assertThat(detect(elf(0x10_0000, 0x10_0000, join(header(3), two))).boot())
                .isEqualTo(BootMode.MULTIBOOT2);
        assertThat(detect(two).boot()).isEqualTo(BootMode.MULTIBOOT2);
    }

    @Test
    void multiboot2HeaderInAnElfFileThatNoLoaderWouldFindIsMeantUnlessThereIsAnother() {
        int magic = Multiboot2Kernel.MAGIC;
        for (byte[] damaged : new byte[][] {
            join(new byte[4], words(magic, 0, 24, 1, 0, 8)),
            join(new byte[4], words(magic, 4, 24, -(magic + 28), 0, 8)),
            Multiboot2Kernel.header(),
            join(new byte[0x8000], Multiboot2Kernel.header()),
        }) {
            assertThat(detect(elf(0x10_0000, 0x10_0000, damaged)).boot()).isEqualTo(BootMode.MULTIBOOT2);
            assertThat(detect(elf(0x10_0000, 0x10_0000, join(damaged, header(3))))
                            .boot())
                    .isEqualTo(BootMode.MULTIBOOT);
            assertThat(detect(join(new byte[4], words(magic, 0, 24, 1, 0, 8))).boot())
                    .isEqualTo(BootMode.REAL);
        }
    }

    @ParameterizedTest
    @CsvSource({
        // physical, linked at, entry, mode
        "0x1000, 0x1000, 0x1000, real",
        "0xf000, 0xf000, 0xffff, real",
        "0x10000, 0x10000, 0x10000, protected",
        "0x100000, 0x100000, 0x100020, protected",
        "0x1000, 0x80001000, 0x80001000, paged",
        "0x7ff000, 0x807ff000, 0x807ff000, paged",
        "0x100000, 0x80800000, 0x80800000, protected",
        "0x100000, 0xc0100000, 0xc0100000, protected",
        "0x100000, 0x100000, 0x0, protected",
    })
    void elfFileWithoutHeaderIsJudgedByItsEntry(String physical, String virtual, String entry, String mode) {
        byte[] file = new ElfBuilder()
                .entry(Long.decode(entry))
                .load(Long.decode(physical), Long.decode(virtual), 0x1000, 0xf4)
                .build();

        assertThat(detect(file).boot()).hasToString(mode);
    }

    @Test
    void fileOf64BitsIsBootedInLongModeUnlessItHasAMultibootHeader() {
        assertThat(detect(ElfBuilder.of64()
                        .entry(0x1000)
                        .load(0x1000, 0x1000, 0x1000, 0xf4)
                        .build()))
                .isEqualTo(new DetectedBoot(BootMode.LONG, "it is a 64-bit ELF file without a Multiboot header"));
        byte[] header = header(3);
        assertThat(detect(ElfBuilder.of64()
                                .entry(0x10_0000)
                                .load(
                                        0x10_0000,
                                        0x10_0000,
                                        header.length,
                                        IntStream.range(0, header.length)
                                                .map(i -> header[i])
                                                .toArray())
                                .build())
                        .boot())
                .isEqualTo(BootMode.MULTIBOOT);
    }

    @Test
    void xensNoteIsBootedByPvhUnlessThereIsAMultibootHeader() {
        byte[] halt = {(byte) 0xf4};
        for (ElfBuilder builder : new ElfBuilder[] {new ElfBuilder(), ElfBuilder.of64()}) {
            byte[] file = PvhKernel.code(builder, halt)
                    .notes(PvhKernel.entry(4, PvhKernel.LOAD))
                    .build();
            assertThat(detect(file))
                    .isEqualTo(new DetectedBoot(
                            BootMode.PVH, "it has the Xen note of a PVH kernel and no Multiboot header"));
        }
        byte[] both = PvhKernel.code(new ElfBuilder(), header(3))
                .notes(PvhKernel.entry(4, PvhKernel.LOAD))
                .build();
        assertThat(detect(both).boot()).isEqualTo(BootMode.MULTIBOOT);
    }

    @Test
    void setupHeaderOfLinuxIsBootedAsSuch() {
        byte[] halt = {(byte) 0xf4};
        assertThat(detect(new LinuxKernel(halt).file()))
                .isEqualTo(new DetectedBoot(BootMode.LINUX, "it has the setup header of a Linux kernel"));
        assertThat(detect(new LinuxKernel(halt).field(0x1fe, 2, 0).file()).boot())
                .isEqualTo(BootMode.REAL);
        assertThat(detect(new LinuxKernel(halt).field(0x202, 4, 0).file()).boot())
                .isEqualTo(BootMode.REAL);
    }

    @Test
    void headerThatLoadersOverlookInAFlatBinaryIsWarnedOf() {
        byte[] odd = join(new byte[3], header(0x1_0000, 0, 0, 0, 0, 0));

        assertThat(detect(odd).boot()).isEqualTo(BootMode.REAL);
        assertThat(detect(odd).warning("kernel.bin"))
                .hasValue(
                        "image kernel.bin has a Multiboot header at file offset 0x3, which is not a multiple of 4; align"
                                + " it with .balign 4; as it is, it is booted in boot mode real");
        assertThat(detect(join(new byte[8192], header(3))).overlooked())
                .hasValue(
                        "has a Multiboot header at file offset 0x2000, after the first 8192 bytes, where loaders look;"
                                + " put its section first in the linker script");
        assertThat(detect(join(new byte[4], Multiboot2Kernel.header())).overlooked())
                .hasValue("has a Multiboot 2 header at file offset 0x4, which is not a multiple of 8; align it with"
                        + " .balign 8");
        assertThat(detect(join(new byte[0x8000], Multiboot2Kernel.header())).overlooked())
                .hasValue(
                        "has a Multiboot 2 header at file offset 0x8000, not within the first 32768 bytes, where loaders"
                                + " look; put its section first in the linker script");
    }

    @Test
    void headerThatIsNoneOfTheImagesOwnIsNotWarnedOf() {
        // A disk image with a kernel after its boot sector, a magic number without its checksum, and a header that is
        // found.
        byte[] disk = join(bootSector(512), new byte[8192], header(3));
        for (byte[] other : new byte[][] {disk, join(new byte[3], words(MAGIC, 3, 0), new byte[64]), header(3)}) {
            assertThat(detect(other).warning("kernel.bin")).isEmpty();
        }
    }

    @Test
    void xensNoteThatTheLinkerScriptDroppedIsWarnedOf() {
        assertThat(detect(withSymbol("pvh_start").build()).boot()).isEqualTo(BootMode.PROTECTED);
        assertThat(detect(withSymbol("pvh_start").build()).warning("kernel.elf"))
                .hasValueSatisfying(warning -> assertThat(warning)
                        .startsWith(
                                "image kernel.elf has no Xen note of type 18 (XEN_ELFNOTE_PHYS32_ENTRY), though it has"
                                        + " pvh_start, so that a linker script may have dropped it (/DISCARD/); give its section")
                        .endsWith("; as it is, it is booted in boot mode protected"));
        assertThat(detect(withSymbol("pvhistory").build()).overlooked()).isEmpty();
        assertThat(detect(withSymbol("pvh_start")
                                .notes(PvhKernel.entry(4, PvhKernel.LOAD))
                                .build())
                        .overlooked())
                .isEmpty();
    }

    private static ElfBuilder withSymbol(String name) {
        return PvhKernel.code(new ElfBuilder(), new byte[] {(byte) 0xf4}).symbol(name, PvhKernel.LOAD, 1, 2);
    }

    @Test
    void flatBinaryIsReal() {
        assertThat(detect(new byte[] {(byte) 0xf4})).isEqualTo(new DetectedBoot(BootMode.REAL, "it is a flat binary"));
    }

    @Test
    void bootSectorIsLoadedWhereFirmwareLoadsIt() {
        byte[] sector = bootSector(512);

        assertThat(detect(sector).reason()).isEqualTo("its 512 bytes end with a boot sector's signature, 0x55 0xAA");
        VcpuConfig config = VcpuConfig.of(GuestImage.flat("sector", sector));
        assertThat(config.flatLoad()).isEqualTo(0x7c00);
        assertThat(config.withLoad(0x1000).flatLoad()).isEqualTo(0x1000);
        assertThat(config.withBoot(BootMode.PROTECTED).flatLoad()).isEqualTo(0x1000);
    }

    @Test
    void anythingElseIsNoBootSector() {
        assertThat(GuestImage.flat("long", bootSector(513)).isBootSector()).isFalse();
        assertThat(GuestImage.flat("unsigned", new byte[512]).isBootSector()).isFalse();
        byte[] swapped = bootSector(512);
        swapped[510] = (byte) 0xaa;
        swapped[511] = 0x55;
        assertThat(GuestImage.flat("swapped", swapped).isBootSector()).isFalse();
    }

    @Test
    void logIsToldOfAModeThatIsNotTheDefault() {
        DetectedBoot detected = detect(elf(0x10_0000, 0x10_0000, header(3)));

        assertThat(detected.isNews()).isTrue();
        assertThat(detected.describe("kernel.elf"))
                .isEqualTo("image kernel.elf is booted in boot mode multiboot, because it has a Multiboot header; name"
                        + " another boot mode to change that");
        assertThat(detect(bootSector(512)).isNews()).isFalse();
    }

    @Test
    void requestsOfLimineAreFoundInA64BitFile() {
        DetectedBoot detected = detect(new LimineKernel().request("HHDM").file());

        assertThat(detected.boot()).isEqualTo(BootMode.LIMINE);
        assertThat(detected.describe("kernel.elf"))
                .isEqualTo("image kernel.elf is booted in boot mode limine, because it has requests of the Limine boot"
                        + " protocol; name another boot mode to change that");
        assertThat(detect(new LimineKernel().baseRevision(3).file()).boot()).isEqualTo(BootMode.LIMINE);
        assertThat(detect(new LimineKernel().startMarker().file()).boot()).isEqualTo(BootMode.LIMINE);
        assertThat(detect(new LimineKernel().endMarker().file()).boot()).isEqualTo(BootMode.LIMINE);
        assertThat(detect(new LimineKernel().words(0xc7b1_dd30_df4c_8b88L, 0).file())
                        .boot())
                .isEqualTo(BootMode.LONG);
    }

    private static byte[] bootSector(int size) {
        byte[] sector = new byte[size];
        sector[510] = 0x55;
        sector[511] = (byte) 0xaa;
        return sector;
    }

    private static DetectedBoot detect(byte[] file) {
        return DetectedBoot.of(GuestImage.of("kernel", file));
    }

    private static byte[] elf(long physical, long virtual, byte[] data) {
        int[] bytes = IntStream.range(0, data.length).map(i -> data[i]).toArray();
        return new ElfBuilder()
                .entry(virtual)
                .load(physical, virtual, data.length, bytes)
                .build();
    }
}
