package dev.kvmguest.vmm.internal.boot.limine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.limine.LimineKernel.Booted;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Which files are loaded as Limine kernels, how they are relocated, and which are refused. */
class LimineExecutableTests {

    private static final long TEXT = LimineKernel.TEXT;
    private static final byte[] CODE = {(byte) 0xf4, 0, 0, 0, 0, 0, 0, 0};

    private static VcpuConfig elf(ElfBuilder elf) {
        return LimineKernel.config(elf.build());
    }

    private static void assertRefused(VcpuConfig config, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LimineKernel.boot(config))
                .withMessage(message);
    }

    @Test
    void flatBinaryIsRefused() {
        assertRefused(
                VcpuConfig.of(GuestImage.flat("kernel.bin", CODE)).withBoot(BootMode.LIMINE),
                "image kernel.bin is no 64-bit ELF file, which boot mode limine needs: it maps a kernel by its program"
                        + " headers; boot the ELF file, or choose another boot mode");
    }

    @Test
    void elfFileOf32BitsIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        LimineKernel.boot(elf(new ElfBuilder().entry(0x10_0000).load(0x10_0000, 8, 5, CODE))))
                .withMessageStartingWith(
                        "image kernel.elf is a 32-bit ELF file, and boot mode limine runs 64-bit code");
    }

    @Test
    void kernelInTheLowerHalfIsRefused() {
        assertRefused(
                elf(ElfBuilder.of64().entry(0x10_0000).load(0x10_0000, 8, 5, CODE)),
                "image kernel.elf has a segment at 0x100000, and Limine maps kernels in the last 2 GiB of linear memory,"
                        + " the higher half, only; link it at 0xffffffff80000000 or above: \". = 0xffffffff80000000;\""
                        + " before the first section of its linker script, which is given to the linker by -T, and compile"
                        + " it for addresses there (-mcmodel=kernel; Rust: -C code-model=kernel)");
    }

    @Test
    void segmentsThatShareAPageWithDifferentRightsAreRefused() {
        assertRefused(
                elf(ElfBuilder.of64().entry(TEXT).load(TEXT, 8, 5, CODE).load(TEXT + 0x10, 8, 6, CODE)),
                "image kernel.elf has two segments with different rights in the page 0xffffffff80000000:"
                        + " 0xffffffff80000000-0xffffffff80000007 (r-x) and 0xffffffff80000010-0xffffffff80000017 (rw-);"
                        + " start each with a page of its own, by \". = ALIGN(CONSTANT(MAXPAGESIZE));\" in the linker"
                        + " script");
    }

    @Test
    void segmentsThatShareAPageWithOneKindOfRightsAreLoaded() {
        Booted booted = LimineKernel.boot(
                elf(ElfBuilder.of64().entry(TEXT).load(TEXT, 8, 5, CODE).load(TEXT + 0x10, 8, 5, CODE)));

        assertThat(booted.word(TEXT + 0x10)).isEqualTo(0xf4);
    }

    @Test
    void segmentsOutOfOrderAreRefused() {
        assertRefused(
                elf(ElfBuilder.of64()
                        .entry(TEXT)
                        .load(TEXT + 0x1000, 8, 5, CODE)
                        .load(TEXT, 8, 6, CODE)),
                "image kernel.elf has a segment at 0xffffffff80000000 that overlaps or precedes the one before it,"
                        + " 0xffffffff80001000-0xffffffff80001007 (r-x); Limine loads segments in ascending order only");
    }

    @Test
    void entryOutsideTheKernelIsRefused() {
        assertRefused(
                elf(ElfBuilder.of64().entry(0).load(TEXT, 8, 5, CODE)),
                "image kernel.elf has the entry 0x0, which is in no segment of it; name a function of it with ENTRY(...) in"
                        + " the linker script");
    }

    @Test
    void loadAddressAndSegmentOfAnEntryAreRefused() {
        assertRefused(
                new LimineKernel().config().withLoad(0x10_0000),
                "load 0x100000 can't be had for image kernel.elf: where a kernel is in physical memory is for Limine to"
                        + " choose, and the kernel is told; leave load out");
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> LimineKernel.boot(new LimineKernel().config().withEntry(EntryPoint.segmented(0x100, 0))))
                .withMessageContaining("has a segment, which only real mode can use");
    }

    @Test
    void kernelThatMemoryHasNoRoomForIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LimineKernel().bss(64 << 20).boot())
                .withMessageContaining("the BSS of image kernel.elf at 0x202000-0x4201fff does not fit into RAM");
    }

    @Test
    void gapsBetweenSegmentsArePhysicallyThereToo() {
        Booted booted = LimineKernel.boot(
                elf(ElfBuilder.of64().entry(TEXT).load(TEXT, 8, 5, CODE).load(TEXT + 0x10_0000, 8, 6, CODE)));

        assertThat(booted.linear().physical(TEXT + 0x10_0000)).hasValue(0x30_0000);
    }

    // Position-independent kernels.

    private static byte[] words(long... words) {
        ByteBuffer buffer = ByteBuffer.allocate(words.length * 8).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asLongBuffer().put(words);
        return buffer.array();
    }

    /** Returns a kernel with a pointer at 0xffffffff80001000 and the relocations for it after that, from 0x20 on. */
    private static ElfBuilder relocatable(long... relocations) {
        byte[] data = words(0, 0xf956_2b2d_5c95_a6c8L, 0x6a7b_3849_4453_6bdcL, 0);
        byte[] all = ByteBuffer.allocate(data.length + relocations.length * 8)
                .put(data)
                .put(words(relocations))
                .array();
        return ElfBuilder.of64().entry(TEXT).load(TEXT, 8, 5, CODE).load(TEXT + 0x1000, all.length, 6, all);
    }

    private static long[] table(long size) {
        return new long[] {7, TEXT + 0x1020, 8, size, 9, 24, 0, 0};
    }

    @Test
    void relocationsAreApplied() {
        VcpuConfig config = elf(relocatable(TEXT + 0x1000, 8, TEXT + 0x42).dynamic(words(table(24))));

        assertThat(LimineKernel.boot(config).word(TEXT + 0x1000)).isEqualTo(TEXT + 0x42);
        // The file isn't changed, and neither is the image that was read from it.
        assertThat(LimineKernel.boot(config).word(TEXT + 0x1000)).isEqualTo(TEXT + 0x42);
        assertThat(config.image().segments().get(1).data()[0]).isZero();
    }

    @Test
    void otherModesStillRefuseAFileThatStartsAt0() {
        byte[] data = words(0, 0xf956_2b2d_5c95_a6c8L, 0x6a7b_3849_4453_6bdcL, 0);
        GuestImage image = GuestImage.of(
                "kernel.elf",
                ElfBuilder.of64()
                        .load(0, data.length, 6, data)
                        .positionIndependent()
                        .build());

        assertThatIllegalArgumentException()
                .isThrownBy(() -> LimineKernel.boot(VcpuConfig.of(image).withBoot(BootMode.LONG)))
                .withMessageStartingWith("image kernel.elf is a position-independent executable linked at address 0");
    }

    @Test
    void positionIndependentKernelWithoutADynamicSegmentIsRefused() {
        assertRefused(
                elf(relocatable().positionIndependent()),
                "image kernel.elf is position-independent (ET_DYN) without a dynamic segment (PT_DYNAMIC), by which it would"
                        + " be relocated; have \"dynamic PT_DYNAMIC;\" in the linker script's PHDRS and put .dynamic there,"
                        + " or link it with -no-pie");
    }

    @Test
    void positionIndependentKernelInTheLowerHalfIsMovedWithItsSymbols() {
        // A pointer by RELA, one by RELR, the tag, the table of the one, and that of the other.
        byte[] data =
                words(0, 0x1040, 0xf956_2b2d_5c95_a6c8L, 0x6a7b_3849_4453_6bdcL, 6, 0x1000, 8, 0x42, 0x1008, 0, 0, 0);
        VcpuConfig config = elf(ElfBuilder.of64()
                .entry(4)
                .load(0, 8, 5, CODE)
                .load(0x1000, data.length, 6, data)
                .dynamic(words(7, 0x1028, 8, 24, 9, 24, 36, 0x1040, 35, 8, 37, 8, 0, 0))
                .symbol("_start", 4, 4, 2));
        Booted booted = LimineKernel.boot(config);

        assertThat(booted.state().get(Register.RIP)).isEqualTo(TEXT + 4);
        assertThat(booted.word(TEXT + 0x1000)).isEqualTo(TEXT + 0x42);
        assertThat(booted.word(TEXT + 0x1008)).isEqualTo(TEXT + 0x1040);
        assertThat(booted.word(TEXT + 0x1018)).isEqualTo(6);
        assertThat(config.image().symbolWithOffset(TEXT + 5)).hasValue("_start+0x1");
        assertThat(config.image().symbolAt(5)).isEmpty();
    }

    @Test
    void sharedLibrariesAreRefused() {
        assertRefused(
                elf(relocatable().dynamic(words(1, 5, 0, 0))),
                "image kernel.elf needs a shared library (DT_NEEDED), which no boot loader loads; link it with -static -pie,"
                        + " or with -no-pie");
    }

    @Test
    void relocationsThatCannotBeAppliedAreRefused() {
        assertRefused(
                elf(relocatable(TEXT + 0x1000, 99, 0).dynamic(words(table(24)))),
                "image kernel.elf has a relocation of type 99 for 0xffffffff80001000, which Limine doesn't know; link it"
                        + " with -static -pie, or with -no-pie");
        assertRefused(
                elf(relocatable(0x5000, 8, 0).dynamic(words(table(24)))),
                "image kernel.elf has a relocation for 0x5000, which is in no segment's bytes");
        assertRefused(
                elf(relocatable().dynamic(words(table(24)))),
                "image kernel.elf says that the relocations are at 0xffffffff80001020, 24 bytes, where no segment of it has"
                        + " them");
    }

    @Test
    void damagedFilesAreLoadedOrRefusedButNothingElse() {
        byte[] good = relocatable(TEXT + 0x1000, 8, TEXT + 0x42)
                .dynamic(words(table(24)))
                .symbol("_start", TEXT, 8, 2)
                .build();
        byte[] requests = new LimineKernel()
                .baseRevision(6)
                .request(LimineFeature.MODULES, 1, 1, LimineKernel.DATA)
                .request("FRAMEBUFFER")
                .request(LimineFeature.STACK_SIZE, 0, 0)
                .request(LimineFeature.PAGING_MODE, 1, 0, 0, 0)
                .request("MEMORY_MAP")
                .file();
        Random random = new Random(17);
        int loaded = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] file = (i % 2 == 0 ? good : requests).clone();
            for (int change = random.nextInt(3); change >= 0; change--) {
                file[random.nextInt(file.length)] = (byte) random.nextInt();
            }
            try {
                VcpuConfig config = LimineKernel.config(file);
                new LimineHandover(config);
                loaded++;
                if (loaded % 16 == 0) {
                    LimineKernel.boot(config);
                }
            } catch (IllegalArgumentException refused) {
                assertThat(refused).hasMessageContaining("kernel.elf");
            }
        }
        assertThat(loaded).isBetween(1000, 19_000);
    }
}
