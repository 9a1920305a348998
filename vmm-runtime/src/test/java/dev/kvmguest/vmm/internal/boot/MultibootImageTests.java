package dev.kvmguest.vmm.internal.boot;

import static dev.kvmguest.vmm.internal.boot.MultibootKernel.LOAD;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.header;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.join;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.kernel;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where a Multiboot kernel goes, and where it is entered. */
class MultibootImageTests {

    private static final byte[] CODE = Guests.code(16);

    private final GuestMemory memory = Guests.memory();

    @Test
    void addressesOfTheHeaderPlaceAFlatFile() {
        CpuState state = Guests.load(memory, kernel(withAddresses(0, LOAD, LOAD, 0, 0, LOAD + 0x22)));

        assertThat(memory.readInt(LOAD)).isEqualTo(MultibootKernel.MAGIC);
        assertThat(memory.read(LOAD + 0x20, 16)).isEqualTo(CODE);
        assertThat(state.eip()).isEqualTo(LOAD + 0x22);
    }

    @Test
    void loadingStartsAsFarBeforeTheHeaderAsItsAddressIsBehindTheLoadAddress() {
        // 0x30 bytes before the header, of which the last 0x10 belong to the image.
        byte[] file = join(new byte[0x20], Guests.code(0x10), withAddresses(0, LOAD + 0x10, LOAD, 0, 0, LOAD));

        Guests.load(memory, kernel(file));

        assertThat(memory.read(LOAD, 0x10)).isEqualTo(Guests.code(0x10));
        assertThat(memory.readInt(LOAD + 0x10)).isEqualTo(MultibootKernel.MAGIC);
        assertThat(memory.read(LOAD + 0x30, 16)).isEqualTo(CODE);
        assertThat(memory.readByte(LOAD - 1)).isZero();
    }

    @Test
    void loadEndCutsTheFileOff() {
        Guests.load(memory, kernel(withAddresses(0, LOAD, LOAD, LOAD + 0x24, 0, LOAD + 0x20)));

        assertThat(memory.read(LOAD + 0x20, 5)).containsExactly(0xf4, 0xf4, 0xf4, 0xf4, 0);
    }

    @Test
    void bssMustFitIntoRamToo() {
        assertRefused(
                "the BSS of image kernel at 0x100030-0x1fffffff does not fit into RAM",
                kernel(withAddresses(0, LOAD, LOAD, 0, 0x2000_0000, LOAD + 0x20)));
    }

    @Test
    void addressesOfTheHeaderWinOverThoseOfAnElfFile() {
        byte[] elf = elf(header(0x1_0000, LOAD, LOAD, 0, 0, LOAD + 0x20));

        CpuState state = Guests.load(memory, kernel(elf));

        assertThat(memory.readInt(LOAD)).isEqualTo(MultibootKernel.MAGIC);
        assertThat(state.eip()).isEqualTo(LOAD + 0x20);
    }

    @Test
    void programHeadersPlaceAnElfFileAtItsPhysicalAddresses() {
        CpuState state = Guests.load(memory, kernel(elf(header(0))));

        assertThat(memory.readInt(0x11_0000)).isEqualTo(MultibootKernel.MAGIC);
        assertThat(state.eip()).as("the physical address of the entry point").isEqualTo(0x11_000c);
    }

    @Test
    void entryMayBeGivenByHand() {
        CpuState state = Guests.load(memory, kernel(elf(header(0))).withEntry(EntryPoint.linear(0x11_0010)));

        assertThat(state.eip()).isEqualTo(0x11_0010);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0x100010 | 0x100011 | 0        | 0 | header_addr 0x100010 and load_addr 0x100011, by which the file would be"
                        + " loaded from offset 1 on, while the header lies at offset 0x0;",
                "0x100010 | 0x100000 | 0        | 0 | header_addr 0x100010 and load_addr 0x100000, by which the file would be"
                        + " loaded from offset -16 on, while the header lies at offset 0x0;",
                "0x100000 | 0x100000 | 0x100031 | 0 | load_addr 0x100000 and load_end_addr 0x100031, by which the file's"
                        + " bytes from offset 0x0 to 0x31 would be loaded; they must have the header at 0x0 and end with"
                        + " the file, at 0x30",
                "0x100000 | 0x100000 | 0xfffff  | 0 | load_addr 0x100000 and load_end_addr 0xfffff, by which",
                "0x100000 | 0x100000 | 0        | 0x100020 | bss_end_addr 0x100020, which is below the end of what is"
                        + " loaded, 0x100030; 0 says that there is no BSS",
            })
    void addressesThatContradictTheFileAreNamed(
            String headerAddress, String load, String loadEnd, String bssEnd, String message) {
        byte[] file = withAddresses(
                0,
                Integer.decode(headerAddress),
                Integer.decode(load),
                Integer.decode(loadEnd),
                Integer.decode(bssEnd),
                LOAD + 0x20);

        assertRefused("image kernel has a Multiboot header with " + message, kernel(file));
    }

    @Test
    void flatFileWithoutAddressesIsRefused() {
        assertRefused(
                "image kernel is a flat binary, and its Multiboot header at file offset 0x0 has no load addresses; set"
                        + " bit 16 of its flags and add them, or boot the ELF file",
                kernel(header(3)));
    }

    @Test
    void entryOutsideTheImageIsRefused() {
        assertRefused(
                "entry 0x100030 lies outside image kernel, which is at physical 0x100000-0x10002f",
                kernel(withAddresses(0, LOAD, LOAD, 0, 0, LOAD + 0x30)));
    }

    @Test
    void imagePastRamIsRefused() {
        assertRefused(
                "does not fit into RAM, which ends at 0x1fffff",
                kernel(withAddresses(0, 0x100_0000, 0x100_0000, 0, 0, 0x100_0020)));
        assertRefused("does not fit into RAM", kernel(withAddresses(0, 0xffff_fff0, 0xffff_fff0, 0, 0, 0xffff_fff0)));
    }

    @Test
    void anotherLoadAddressThanTheImagesOwnIsRefused() {
        VcpuConfig kernel = MultibootKernel.flat(CODE);

        assertRefused(
                "load 0x200000 contradicts image kernel, which says itself that it is to be loaded at 0x100000; leave"
                        + " load out, or link the image for that address",
                kernel.withLoad(0x20_0000));
        assertThat(Guests.load(kernel.withLoad(LOAD)).eip()).isEqualTo(LOAD + 0x20);
    }

    @Test
    void imageThatWasNotMadeForMultibootIsRefused() {
        assertRefused("image hello has no Multiboot header", Guests.flat(4).withBoot(BootMode.MULTIBOOT));
    }

    private static byte[] withAddresses(int flags, int... addresses) {
        return join(header(flags | 1 << 16, addresses), CODE);
    }

    /** An ELF file linked for the upper half, loaded at 0x110000 and entered behind the header's first 12 bytes. */
    @Test
    void headerThatLoadsAnElfFileElsewhereThanItIsLinkedForIsWarnedOf() {
        byte[] header = header(0x1_0000, 0x20_0000, 0x20_0000, 0, 0, 0x20_0020);

        assertThat(warnings(elf(LOAD, LOAD, header)))
                .containsExactly("image kernel has a Multiboot header by whose load_addr 0x200000 what is linked for"
                        + " 0x100000 is loaded at 0x200000, so that addresses in its code lead elsewhere unless it moves"
                        + " itself there; write load_addr 0x100000, or leave the addresses out of the header, so that the"
                        + " ELF program headers count");
    }

    @Test
    void headerThatLoadsAnElfFileWhereItsProgramHeadersDoIsRight() {
        byte[] header = header(0x1_0000, LOAD, LOAD, 0, 0, LOAD + 0x20);

        assertThat(warnings(elf(LOAD, LOAD, header))).isEmpty();
        assertThat(warnings(elf(LOAD, 0x20_0000, header))).as("physically").isEmpty();
        assertThat(warnings(elf(0xc010_0000L, 0xc010_0000L, header)))
                .as("a higher half, without physical addresses")
                .isEmpty();
        assertThat(warnings(withAddresses(0, LOAD, LOAD, 0, 0, LOAD + 0x20)))
                .as("a flat file")
                .isEmpty();
    }

    private static List<String> warnings(byte[] file) {
        return Guests.loader(4 << 20, kernel(file)).layout().warnings();
    }

    private static byte[] elf(byte[] header) {
        return elf(0x11_0000, 0xc011_0000L, header);
    }

    private static byte[] elf(long physical, long linear, byte[] header) {
        byte[] data = join(header, CODE);
        int[] bytes = new int[data.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = data[i];
        }
        return new ElfBuilder()
                .entry(linear + 12)
                .load(physical, linear, bytes.length, bytes)
                .build();
    }

    private void assertRefused(String message, VcpuConfig guest) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Guests.load(memory, guest))
                .withMessageContaining(message);
        Guests.assertZero(memory);
    }
}
