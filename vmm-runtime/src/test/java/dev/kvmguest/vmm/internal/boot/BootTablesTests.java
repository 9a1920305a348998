package dev.kvmguest.vmm.internal.boot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The tables that a guest finds in memory, byte by byte. */
class BootTablesTests {

    private static final int IMAGE_SIZE = 4;

    private final GuestMemory memory = Guests.memory();

    @ParameterizedTest
    @EnumSource(names = {"PROTECTED", "PAGED", "PAGED_4K"})
    void gdtHasFlatSegmentsForKernelAndUser(BootMode mode) {
        boot(mode);

        assertThat(hex(memory.read(0x500, 40)))
                .isEqualTo("0000000000000000"
                        + "ffff0000009acf00"
                        + "ffff00000092cf00"
                        + "ffff000000facf00"
                        + "ffff000000f2cf00");
    }

    @Test
    void gdtOfAMultibootKernelHasTheSelectorsOfTwoLoaders() {
        boot(BootMode.MULTIBOOT);

        // QEMU enters with code 0x08, GRUB with code 0x10 and data 0x18.
        assertThat(hex(memory.read(0x500, 32)))
                .isEqualTo("0000000000000000" + "ffff0000009acf00" + "ffff0000009acf00" + "ffff00000092cf00");
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"LONG", "LIMINE", "PVH", "LINUX"})
    void idtHasNoGate(BootMode mode) {
        boot(mode);

        assertThat(memory.read(0x528, 0x800)).containsOnly(0);
    }

    @Test
    void pagedDirectoryMapsLargePages() {
        boot(BootMode.PAGED);

        int[] expected = new int[1024];
        expected[0] = 0x83;
        expected[0x200] = 0x83;
        expected[0x201] = 0x0040_0083;
        assertThat(entries(0x10_0000, 1024)).isEqualTo(expected);
    }

    @Test
    void paged4kDirectoryRefersToTwoTables() {
        boot(BootMode.PAGED_4K);

        int[] expected = new int[1024];
        expected[0] = 0x10_1003;
        expected[0x200] = 0x10_1003;
        expected[0x201] = 0x10_2003;
        assertThat(entries(0x10_0000, 1024)).isEqualTo(expected);
    }

    @Test
    void paged4kTablesMapTheFirst8MegabytesInOrder() {
        boot(BootMode.PAGED_4K);

        int[] expected = new int[2048];
        for (int page = 0; page < expected.length; page++) {
            expected[page] = page << 12 | 3;
        }
        assertThat(entries(0x10_1000, 2048)).isEqualTo(expected);
    }

    @Test
    void realModeHasNoTable() {
        boot(BootMode.REAL);

        clearImage();
        clearFirmware();
        Guests.assertZero(memory);
    }

    @Test
    void protectedModeHasNothingButTheGdt() {
        boot(BootMode.PROTECTED);

        clearImage();
        clearFirmware();
        memory.write(0x500, new byte[40]);
        Guests.assertZero(memory);
    }

    @Test
    void pagedModeHasNothingButGdtAndDirectory() {
        boot(BootMode.PAGED);

        clearImage();
        clearFirmware();
        memory.write(0x500, new byte[40]);
        memory.write(0x10_0000, new byte[0x1000]);
        Guests.assertZero(memory);
    }

    private void boot(BootMode mode) {
        Guests.load(memory, ModeGuests.of(mode, Guests.code(IMAGE_SIZE)));
    }

    private void clearImage() {
        memory.write(0x1000, new byte[IMAGE_SIZE]);
    }

    private void clearFirmware() {
        memory.write(0, new byte[0x500]);
        memory.write(0xf_f000, new byte[0x1000]);
    }

    private int[] entries(long address, int count) {
        int[] entries = new int[count];
        ByteBuffer.wrap(memory.read(address, 4 * count))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asIntBuffer()
                .get(entries);
        return entries;
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
