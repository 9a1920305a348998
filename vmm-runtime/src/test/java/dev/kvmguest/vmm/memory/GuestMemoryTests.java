package dev.kvmguest.vmm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.kvmguest.vmm.memory.RamMap.Extent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GuestMemoryTests {

    private static final int SIZE = 0x1000;

    private final AtomicInteger releases = new AtomicInteger();
    private final ByteBuffer ram = ByteBuffer.allocateDirect(SIZE).order(ByteOrder.BIG_ENDIAN);
    private final GuestMemory memory = new GuestMemory(ram, releases::incrementAndGet);

    @Test
    void valuesAreLittleEndian() {
        memory.writeLong(0x10, 0x8877_6655_4433_2211L);

        assertThat(memory.read(0x10, 8)).containsExactly(0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88);
        assertThat(memory.readLong(0x10)).isEqualTo(0x8877_6655_4433_2211L);
        assertThat(memory.readInt(0x14)).isEqualTo(0x8877_6655);
        assertThat(memory.readShort(0x16)).isEqualTo(0x8877);
        assertThat(memory.readByte(0x17)).isEqualTo(0x88);
    }

    @Test
    void copyHasEveryByteAndWritesOnlyWhatIsNotZero() {
        GuestMemory original = new GuestMemory(ByteBuffer.allocateDirect(3 * SIZE), () -> {});
        original.writeByte(2 * SIZE - 1, 1);
        SparsePages pages = new SparsePages(new RamMap(3 * SIZE));
        GuestMemory copy = new GuestMemory(pages, () -> {});

        original.copyTo(copy);

        assertThat(copy.read(0, 3 * SIZE)).isEqualTo(original.read(0, 3 * SIZE));
        assertThat(pages.written).containsOnlyKeys((long) SIZE);
    }

    @Test
    void writesTakeTheLowestBits() {
        memory.writeByte(0, 0x1234);
        memory.writeShort(1, 0x12_3456);
        memory.writeInt(3, 0x89ab_cdef);

        assertThat(memory.read(0, 7)).containsExactly(0x34, 0x56, 0x34, 0xef, 0xcd, 0xab, 0x89);
    }

    @Test
    void bytesAreCopied() {
        byte[] bytes = {1, 2, 3};
        memory.write(SIZE - 3, bytes);
        bytes[0] = 9;
        memory.read(SIZE - 3, 3)[1] = 9;

        assertThat(memory.read(SIZE - 3, 3)).containsExactly(1, 2, 3);
        assertThat(memory.read(SIZE, 0)).isEmpty();
    }

    static Stream<Arguments> accesses() {
        return Stream.of(
                access(1, GuestMemory::readByte),
                access(2, GuestMemory::readShort),
                access(4, GuestMemory::readInt),
                access(8, GuestMemory::readLong),
                access(3, (memory, address) -> memory.read(address, 3)),
                access(1, (memory, address) -> memory.writeByte(address, 0)),
                access(2, (memory, address) -> memory.writeShort(address, 0)),
                access(4, (memory, address) -> memory.writeInt(address, 0)),
                access(8, (memory, address) -> memory.writeLong(address, 0)),
                access(3, (memory, address) -> memory.write(address, new byte[3])));
    }

    private static Arguments access(int length, BiConsumer<GuestMemory, Long> access) {
        return arguments(length, access);
    }

    @ParameterizedTest
    @MethodSource("accesses")
    void accessEndsAtTheEndOfRam(int length, BiConsumer<GuestMemory, Long> access) {
        access.accept(memory, 0L);
        access.accept(memory, (long) SIZE - length);

        for (long address : new long[] {SIZE - length + 1, SIZE, -1, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 32}) {
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> access.accept(memory, address))
                    .withMessage("guest physical address 0x" + Long.toHexString(address) + " + " + length
                            + " bytes is outside RAM, which ends at 0x1000");
        }
    }

    @ParameterizedTest
    @MethodSource("accesses")
    void closedMemoryCannotBeAccessed(int length, BiConsumer<GuestMemory, Long> access) {
        memory.close();

        assertThatIllegalStateException()
                .isThrownBy(() -> access.accept(memory, 0L))
                .withMessage("guest memory is closed: its machine has been closed");
    }

    @Test
    void lengthCannotBeNegative() {
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> memory.read(0, -1));
    }

    @Test
    void memoryIsReleasedOnce() {
        assertThat(releases).hasValue(0);

        memory.close();
        memory.close();

        assertThat(releases).hasValue(1);
        assertThat(memory.size()).isEqualTo(SIZE);
    }

    /** Pages that exist once they are written, and a count of those that are looked at. */
    private static final class SparsePages implements RamPages {

        private final RamMap map;
        private final Map<Long, ByteBuffer> written = new TreeMap<>();
        private int reads;

        SparsePages(RamMap map) {
            this.map = map;
        }

        @Override
        public RamMap map() {
            return map;
        }

        @Override
        public ByteBuffer forReading(long page) {
            reads++;
            return written.getOrDefault(page, ByteBuffer.allocate(PAGE)).duplicate();
        }

        @Override
        public ByteBuffer forWriting(long page) {
            return written.computeIfAbsent(page, any -> ByteBuffer.allocate(PAGE))
                    .duplicate();
        }

        @Override
        public List<Extent> used() {
            return written.keySet().stream()
                    .map(page -> new Extent(page, page + PAGE))
                    .toList();
        }
    }

    @Test
    void largeMemoryIsLookedThroughWhereItIsUsed() {
        SparsePages pages = new SparsePages(new RamMap(16L << 30));
        GuestMemory large = new GuestMemory(pages, () -> {});
        large.write(0x1_4000_0ffeL, new byte[] {1, 2, 3, 4});
        large.writeLong(0x4_3fff_fff8L, 5);
        SparsePages others = new SparsePages(new RamMap(16L << 30));
        GuestMemory copy = new GuestMemory(others, () -> {});

        assertThat(large.usedBytes()).isEqualTo(3 * SIZE);
        large.copyTo(copy);

        assertThat(pages.reads).isEqualTo(3);
        assertThat(copy.readInt(0x1_4000_0ffeL)).isEqualTo(0x0403_0201);
        assertThat(copy.readLong(0x4_3fff_fff8L)).isEqualTo(5);
        assertThat(others.written).containsOnlyKeys(0x1_4000_0000L, 0x1_4000_1000L, 0x4_3fff_f000L);
    }

    @Test
    void thereIsNoRamWhereAPcHasDevices() {
        GuestMemory large = new GuestMemory(new SparsePages(new RamMap(4L << 30)), () -> {});

        large.writeInt(0xbfff_fffcL, 1);
        large.writeInt(0x1_0000_0000L, 2);

        for (long address : new long[] {0xbfff_fffdL, 0xc000_0000L, 0xfee0_0000L, 0xffff_fffcL, 0xffff_ffffL}) {
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> large.readInt(address))
                    .withMessage("guest physical address 0x" + Long.toHexString(address)
                            + " + 4 bytes is outside RAM, which is at 0x0-0xbfffffff and 0x100000000-0x13fffffff");
        }
    }

    @Test
    void valuesMayCrossPages() {
        GuestMemory two = new GuestMemory(ByteBuffer.allocate(2 * SIZE), () -> {});
        two.writeLong(SIZE - 3, 0x8877_6655_4433_2211L);
        two.writeInt(2 * SIZE - 4, -2);

        assertThat(two.readLong(SIZE - 3)).isEqualTo(0x8877_6655_4433_2211L);
        assertThat(two.readInt(SIZE - 2)).isEqualTo(0x5544_3322);
        assertThat(two.readShort(SIZE - 1)).isEqualTo(0x4433);
        assertThat(two.readInt(2 * SIZE - 4)).isEqualTo(-2);
    }
}
