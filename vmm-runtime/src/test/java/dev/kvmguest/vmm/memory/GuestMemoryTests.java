package dev.kvmguest.vmm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
        AtomicInteger written = new AtomicInteger();
        GuestMemory copy = new GuestMemory(
                ByteBuffer.allocateDirect(3 * SIZE), () -> {}, (address, length) -> written.addAndGet(length));

        original.copyTo(copy);

        assertThat(copy.read(0, 3 * SIZE)).isEqualTo(original.read(0, 3 * SIZE));
        assertThat(written).hasValue(SIZE);
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
}
