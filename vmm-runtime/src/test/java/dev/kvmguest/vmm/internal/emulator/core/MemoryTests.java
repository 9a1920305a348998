package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryTests {

    private static final int PRESENT = 0x90;
    private static final int BIG = 1 << 14;
    private static final int READ_ONLY = 1;
    private static final int READ_WRITE = 3;
    private static final int EXPAND_DOWN = 7;
    private static final int EXECUTE_ONLY = 9;
    private static final int EXECUTE_READ = 11;

    private final ByteBuffer bytes = ByteBuffer.allocateDirect(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
    private final Ram ram = new Ram(bytes);
    private final Cpu cpu = new Cpu(ram);

    @BeforeEach
    void protectedMode() {
        cpu.setCr0(Cr0.PE | Cr0.ET);
        segment(Cpu.DS, 0x1000, 0xfff, READ_WRITE);
        segment(Cpu.SS, 0x1000, 0xfff, READ_WRITE | BIG);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 8})
    void valuesAreLittleEndianAndZeroExtended(int width) {
        cpu.memory.write(Cpu.DS, 0x10, width, 0x8877_6655_4433_22f1L);

        long mask = width == 8 ? -1 : (1L << 8 * width) - 1;
        assertThat(bytes.getLong(0x1010)).isEqualTo(0x8877_6655_4433_22f1L & mask);
        assertThat(cpu.memory.read(Cpu.DS, 0x10, width)).isEqualTo(0x8877_6655_4433_22f1L & mask);
    }

    @ParameterizedTest
    @CsvSource({"1, 0xfff", "2, 0xffe", "4, 0xffc", "8, 0xff8"})
    void lastBytesWithinTheLimitAreAccessibleAndNoFurther(int width, String last) {
        long offset = Long.decode(last);

        assertThatCode(() -> cpu.memory.read(Cpu.DS, offset, width)).doesNotThrowAnyException();
        assertThatCode(() -> cpu.memory.write(Cpu.DS, offset, width, 0)).doesNotThrowAnyException();
        assertFault(Vector.GP, () -> cpu.memory.read(Cpu.DS, offset + 1, width));
        assertFault(Vector.GP, () -> cpu.memory.write(Cpu.DS, offset + 1, width, 0));
        assertFault(Vector.GP, () -> cpu.memory.readForUpdate(Cpu.DS, offset + 1, width));
        assertFault(Vector.SS, () -> cpu.memory.read(Cpu.SS, offset + 1, width));
        assertFault(Vector.SS, () -> cpu.memory.write(Cpu.SS, offset + 1, width, 0));
    }

    // The type, and whether it can be read and written.
    @ParameterizedTest
    @CsvSource({READ_ONLY + ", true, false", EXECUTE_ONLY + ", false, false", EXECUTE_READ + ", true, false"})
    void typeSaysWhatIsAllowedInProtectedModeOnly(int type, boolean read, boolean write) {
        segment(Cpu.DS, 0x1000, 0xfff, type);

        assertAllowed(read, () -> cpu.memory.read(Cpu.DS, 0, 4));
        assertAllowed(write, () -> cpu.memory.write(Cpu.DS, 0, 4, 0));
        assertAllowed(write, () -> cpu.memory.readForUpdate(Cpu.DS, 0, 4));

        cpu.setCr0(Cr0.ET);

        assertAllowed(true, () -> cpu.memory.read(Cpu.DS, 0, 4));
        assertAllowed(true, () -> cpu.memory.write(Cpu.DS, 0, 4, 0));
    }

    @Test
    void expandDownSegmentIsWhatIsAboveItsLimit() {
        segment(Cpu.DS, 0, 0xfff, EXPAND_DOWN);

        assertFault(Vector.GP, () -> cpu.memory.read(Cpu.DS, 0xfff, 1));
        assertAllowed(true, () -> cpu.memory.read(Cpu.DS, 0x1000, 4));
        assertAllowed(true, () -> cpu.memory.write(Cpu.DS, 0xfffc, 4, 0));
        assertFault(Vector.GP, () -> cpu.memory.write(Cpu.DS, 0xfffd, 4, 0));

        segment(Cpu.DS, 0, 0xfff, EXPAND_DOWN | BIG);

        assertAllowed(true, () -> cpu.memory.write(Cpu.DS, 0xfffd, 4, 0));
    }

    @Test
    void registerWithoutSegmentIsUseless() {
        cpu.loadSegment(Cpu.ES, SegmentState.unusable());

        assertFault(Vector.GP, () -> cpu.memory.read(Cpu.ES, 0, 1));
        assertFault(Vector.GP, () -> cpu.memory.write(Cpu.ES, 0, 1, 0));
    }

    @Test
    void linearAddressesWrapAt4GiB() {
        segment(Cpu.DS, 0xffff_f000L, 0xffff_ffffL, READ_WRITE);
        bytes.putInt(0x20, 0x1234);

        assertThat(cpu.memory.read(Cpu.DS, 0x1020, 4)).isEqualTo(0x1234);
    }

    @Test
    void unalignedAccessWithUserRightsFaultsIfAskedFor() {
        cpu.setCr0(cpu.cr0() | Cr0.AM);
        cpu.eflags.put(Flag.AC, true);
        assertAllowed(true, () -> cpu.memory.read(Cpu.DS, 1, 4));
        cpu.setCpl(3);

        assertFault(Vector.AC, () -> cpu.memory.read(Cpu.DS, 1, 2));
        assertFault(Vector.AC, () -> cpu.memory.write(Cpu.DS, 2, 4, 0));
        assertFault(Vector.AC, () -> cpu.memory.readForUpdate(Cpu.DS, 2, 4));
        assertAllowed(true, () -> cpu.memory.read(Cpu.DS, 4, 4));
        assertAllowed(true, () -> cpu.memory.read(Cpu.DS, 3, 1));
    }

    @Test
    void clearedRamIsZeroWhereverItWasWritten() {
        cpu.memory.write(Cpu.DS, 0, 4, -1);
        cpu.memory.write(Cpu.DS, 4, 4, -1);
        cpu.memory.writeSystem(0x5000, 4, -1);
        ram.guestMemory(() -> {}).writeByte(0x9000, 0xff);

        ram.clearLow();

        for (int i = 0; i < bytes.capacity(); i += 4) {
            assertThat(bytes.getInt(i)).isZero();
        }
    }

    private void segment(int segment, long base, long limit, int type) {
        cpu.loadSegment(segment, new SegmentState(8, base, limit, PRESENT | type));
    }

    private static void assertAllowed(boolean allowed, ThrowingCallable access) {
        if (allowed) {
            assertThatCode(access).doesNotThrowAnyException();
        } else {
            assertFault(Vector.GP, access);
        }
    }

    private static void assertFault(Vector vector, ThrowingCallable access) {
        assertThatThrownBy(access).isInstanceOfSatisfying(CpuFault.class, fault -> {
            assertThat(fault.vector()).isEqualTo(vector);
            assertThat(fault.errorCode()).isZero();
        });
    }
}
