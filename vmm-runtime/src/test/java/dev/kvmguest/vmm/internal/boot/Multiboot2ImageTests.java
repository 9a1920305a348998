package dev.kvmguest.vmm.internal.boot;

import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.CODE;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.LOAD;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.addresses;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.header;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.kernel;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.tag;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.join;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a Multiboot 2 kernel goes, whether it is moved, and where it is entered. */
class Multiboot2ImageTests {

    private static final byte[] HLTS = Guests.code(16);

    /** With these bytes before it a header is at a multiple of 8 in a file, where the segment begins at 84. */
    private static final int PAD = 4;

    /** The same in a file of 64 bits, where the segment begins at 120. */
    private static final int PAD_64 = 8;

    private final GuestMemory memory = Guests.memory(16 << 20);

    @Test
    void addressTagPlacesAFlatFile() {
        CpuState state = Guests.load(memory, Multiboot2Kernel.flat(HLTS));

        assertThat(memory.readInt(LOAD)).isEqualTo(Multiboot2Kernel.MAGIC);
        assertThat(memory.read(LOAD + CODE, 16)).isEqualTo(HLTS);
        assertThat(state.eip()).isEqualTo(LOAD + CODE);
        assertThat(loadBase(state)).isEqualTo(LOAD);
    }

    @Test
    void addressesThatContradictTheFileAreNamed() {
        byte[] file = header(tag(2, 0, LOAD + 0x10, LOAD, 0, 0), tag(3, 0, LOAD + CODE));

        assertRefused(
                "image kernel has a Multiboot 2 header with header_addr 0x100010 and load_addr 0x100000, by which the"
                        + " file would be loaded from offset -16 on",
                kernel(file));
    }

    @Test
    void addressesWinOverThoseOfAnElfFile() {
        byte[] elf = elf(false, 0x80_0000, 0x80_0000, header(addresses(LOAD, CODE)));

        CpuState state = Guests.load(memory, kernel(elf));

        assertThat(memory.readInt(LOAD)).isEqualTo(Multiboot2Kernel.MAGIC);
        assertThat(memory.readInt(0x80_0004)).isZero();
        assertThat(state.eip()).isEqualTo(LOAD + CODE);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void programHeadersPlaceAnElfFileOfEitherClassAtItsPhysicalAddresses(boolean is64) {
        byte[] elf = elf(is64, 0x11_0000, is64 ? 0xffff_ffff_8011_0000L : 0xc011_0000L, header());

        CpuState state = Guests.load(memory, kernel(elf));

        int start = 0x11_0000 + (is64 ? PAD_64 : PAD);
        assertThat(memory.readInt(start)).isEqualTo(Multiboot2Kernel.MAGIC);
        assertThat(state.get(Register.RIP))
                .as("the physical address of the entry point")
                .isEqualTo(start + 24);
        assertThat(state.longMode()).isFalse();
        assertThat(loadBase(state)).isEqualTo(0x11_0000);
    }

    @Test
    void entryTagIsEnteredInPlaceOfAnElfFilesEntry() {
        byte[] header = header(tag(3, 0, 0x11_0004 + 44));
        byte[] elf = elf(false, 0x11_0000, 0x11_0000, header);

        assertThat(Guests.load(memory, kernel(elf)).eip()).isEqualTo(0x11_0004 + 44);
        assertThat(Guests.load(Guests.memory(), kernel(elf).withEntry(EntryPoint.linear(0x11_0020)))
                        .eip())
                .isEqualTo(0x11_0020);
    }

    @Test
    void entryOutsideTheImageIsRefused() {
        assertRefused(
                "entry 0x200000 lies outside image kernel, which is at physical 0x110000-",
                kernel(elf(false, 0x11_0000, 0x11_0000, header(tag(3, 0, 0x20_0000)))));
    }

    @Test
    void segmentAbove4GibIsRefused() {
        assertRefused(
                "image kernel is to be loaded up to physical 0x10000002f, and Multiboot 2 loaders load below 4 GiB; link"
                        + " it with a lower physical address, by AT(...) in the linker script",
                kernel(elf(true, 1L << 32, 1L << 32, header())));
    }

    @Test
    void flatFileWithoutAddressesIsRefused() {
        assertRefused(
                "image kernel is a flat binary, and its Multiboot 2 header at file offset 0x0 has no load addresses; add"
                        + " an address tag (type 2) and an entry address tag (type 3), or boot the ELF file",
                kernel(header()));
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 9})
    void sectionsWithRelocationsAreRefusedAsByGrub(int type) {
        byte[] elf = elf(new ElfBuilder().section(".rel", 0, new byte[8]), PAD, LOAD, LOAD, header());
        ByteBuffer file = ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(Guests.load(memory, kernel(elf)).eip()).isNotZero();
        // The last but one of the section headers, which end the file.
        file.putInt(elf.length - 2 * 40 + 4, type);

        assertRefused(
                "image kernel has sections with relocations (SHT_REL or SHT_RELA), which no Multiboot 2 loader applies,"
                        + " and with which GRUB refuses a kernel; link it with -no-pie and without --emit-relocs (-q)",
                Guests.memory(),
                kernel(elf));
    }

    @Test
    void anotherLoadAddressThanTheImagesOwnIsRefused() {
        assertRefused(
                "load 0x200000 contradicts image kernel, which says itself that it is to be loaded at 0x100000",
                Multiboot2Kernel.flat(HLTS).withLoad(0x20_0000));
    }

    @ParameterizedTest
    @CsvSource({
        // linked at, min_addr, max_addr, align, preference; placed at
        "0x100000, 0, 0xffffffff, 1, 0, 0x100000",
        "0x300000, 0, 0xffffffff, 0x1000, 0, 0x100000",
        "0x300000, 0, 0xffffffff, 0x1000, 1, 0x100000",
        "0x300000, 0x200001, 0xffffffff, 0x1000, 1, 0x201000",
        "0x300000, 0, 0xffffffff, 0x1000, 2, 0xfff000",
        "0x300000, 0, 0x800000, 0x100000, 2, 0x700000",
        "0x300000, 0x380000, 0xffffffff, 0x100000, 0, 0x400000",
        "0x4000000, 0, 0xffffffff, 0x1000, 0, 0x100000",
        "0, 0, 0xffffffff, 0x1000, 0, 0x100000",
        // Below 1 MiB if that is all that it can have.
        "0x300000, 0, 0x100000, 0x1000, 0, 0x1000",
        "0x300000, 0, 0x100000, 0x1000, 2, 0x9f000",
    })
    void relocatableKernelIsMovedAsItAsks(
            String linked, String lowest, String highest, String alignment, int preference, String placed) {
        for (boolean isElf : new boolean[] {false, true}) {
            int link = Integer.decode(linked);
            byte[] tag = tag(
                    10,
                    0,
                    Integer.decode(lowest),
                    Long.decode(highest).intValue(),
                    Integer.decode(alignment),
                    preference);
            byte[] file = isElf
                    ? elf(false, link, link, header(tag))
                    : join(header(addresses(link, CODE + tag.length), tag), HLTS);
            GuestMemory ram = Guests.memory(16 << 20);

            CpuState state = Guests.load(ram, kernel(file));

            int place = Integer.decode(placed);
            assertThat(ram.readInt(place + (isElf ? 4 : 0))).isEqualTo(Multiboot2Kernel.MAGIC);
            assertThat(state.eip()).isEqualTo(place + (isElf ? 4 + 24 + tag.length : CODE + tag.length));
            assertThat(ram.readInt(state.get(Register.RBX) + 16)).isEqualTo(place);
        }
    }

    @Test
    void loadAddressChoosesThePlaceOfARelocatableKernel() {
        VcpuConfig kernel =
                kernel(join(header(addresses(LOAD, CODE + 24), tag(10, 0, 0x20_0000, 0x80_0000, 0x1000, 1)), HLTS));

        assertThat(Guests.load(memory, kernel.withLoad(0x40_0000)).eip()).isEqualTo(0x40_0000 + CODE + 24);
        for (int load : new int[] {0x40_0001, 0x1f_f000, 0x80_0000}) {
            assertRefused(
                    "load 0x" + Integer.toHexString(load)
                            + " is not where image kernel can be moved to; its Multiboot 2"
                            + " header asks for 0x200000 to 0x800000 and multiples of 0x1000",
                    Guests.memory(),
                    kernel.withLoad(load));
        }
    }

    @Test
    void relocatableKernelWithoutAPlaceIsRefused() {
        byte[] nowhere = join(header(addresses(LOAD, CODE + 24), tag(10, 0, 0x2000, 0x2040, 1, 0)), HLTS);
        byte[] tooHigh = join(header(addresses(LOAD, CODE + 24), tag(10, 0, 0x400_0000, -1, 1, 0)), HLTS);

        assertRefused(
                "image kernel can be moved to 0x2000 at the lowest, must end at 0x2040 at the highest, and takes 104"
                        + " bytes; correct min_addr or max_addr in the relocatable tag of its Multiboot 2 header",
                kernel(nowhere));
        assertRefused(
                "there is no room for image kernel, 104 bytes, where its Multiboot 2 header asks for it, 0x4000000 to"
                        + " 0xffffffff and multiples of 0x1, in RAM, which ends at 0xffffff; give the guest more"
                        + " memory, or change the relocatable tag",
                kernel(tooHigh));
    }

    @Test
    void positionIndependentElfFileIsTakenIfItCanBeMoved() {
        byte[] movable = elf(false, 0, 0, header(tag(10, 0, 0x10_0000, -1, 0x1000, 0)));
        byte[] fixed = elf(false, 0, 0, header());
        // ET_DYN
        movable[16] = 3;
        fixed[16] = 3;

        assertThat(Guests.load(memory, kernel(movable)).eip()).isEqualTo(LOAD + 4 + 24 + 24);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GuestImage.of("kernel", fixed))
                .withMessageContaining("is a position-independent executable linked at address 0");
    }

    @Test
    void randomHeadersAreBootedOrRefused() {
        Random random = new Random(17);
        int booted = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] tags = join(
                    tag(2, 0, number(random), number(random), number(random), number(random)),
                    tag(3, 0, number(random)),
                    random.nextBoolean() ? tag(5, 0, number(random), number(random), 32) : tag(6, 0),
                    random.nextBoolean()
                            ? tag(10, 0, number(random), number(random), 1 << random.nextInt(32), random.nextInt(3))
                            : tag(6, 0));
            boolean isElf = random.nextBoolean();
            // Without its first tag the header has no addresses, and the ELF file's own count.
            byte[] header = header(isElf ? Arrays.copyOfRange(tags, 24, tags.length) : tags);
            byte[] file = isElf ? elf(random.nextBoolean(), LOAD, number(random), header) : join(header, HLTS);
            try {
                BootLoader loader = Guests.loader(2 << 20, kernel(file));
                loader.layout();
                loader.load(Guests.memory());
                booted++;
            } catch (IllegalArgumentException e) {
                assertThat(e.getMessage()).isNotEmpty();
            }
        }
        assertThat(booted).isBetween(200, 19_800);
    }

    /** Returns an address that is often usable. */
    private static int number(Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt();
            case 1 -> 0;
            case 2 -> LOAD + random.nextInt(0x80);
            default -> LOAD;
        };
    }

    @Test
    void imageThatWasNotMadeForMultiboot2IsRefused() {
        assertRefused("image hello has no Multiboot 2 header", Guests.flat(4).withBoot(BootMode.MULTIBOOT2));
    }

    private static byte[] elf(boolean is64, long physical, long virtual, byte[] header) {
        return elf(is64 ? ElfBuilder.of64() : new ElfBuilder(), is64 ? PAD_64 : PAD, physical, virtual, header);
    }

    /** Returns an ELF file with free bytes, the header and code in one segment, entered at the code. */
    private static byte[] elf(ElfBuilder builder, int pad, long physical, long virtual, byte[] header) {
        byte[] data = join(new byte[pad], header, HLTS);
        int[] bytes = IntStream.range(0, data.length).map(i -> data[i]).toArray();
        return builder.entry(virtual + pad + header.length)
                .load(physical, virtual, bytes.length, bytes)
                .build();
    }

    private long loadBase(CpuState state) {
        long info = state.get(Register.RBX);
        assertThat(memory.readInt(info + 8)).isEqualTo(21);
        return memory.readInt(info + 16);
    }

    private void assertRefused(String message, VcpuConfig guest) {
        assertRefused(message, memory, guest);
        Guests.assertZero(memory);
    }

    private static void assertRefused(String message, GuestMemory ram, VcpuConfig guest) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Guests.load(ram, guest))
                .withMessageContaining(message);
    }
}
