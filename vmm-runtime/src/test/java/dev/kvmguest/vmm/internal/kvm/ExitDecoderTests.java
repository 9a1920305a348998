package dev.kvmguest.vmm.internal.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.engine.VmExit;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pages as KVM leaves them, with the numbers of linux/kvm.h written out. */
class ExitDecoderTests {

    private static final int EXIT_REASON = 8;
    private static final int UNION = 32;

    private final ByteBuffer page = ByteBuffer.allocateDirect(2 * 4096).order(ByteOrder.LITTLE_ENDIAN);

    @Test
    void outHasItsDataBehindTheStructure() {
        io(1, 1, 0xe9, 1, 4096);
        page.put(4096, (byte) 'H');

        VmExit.PortOut exit = (VmExit.PortOut) ExitDecoder.decode(page);

        assertThat(exit.port()).isEqualTo(0xe9);
        assertThat(exit.width()).isEqualTo(1);
        assertThat(exit.data()).isEqualTo(ByteBuffer.wrap(new byte[] {'H'}));
    }

    @Test
    void stringOutHasAllItsData() {
        io(1, 2, 0xfff0, 3, 5000);
        for (int i = 0; i < 7; i++) {
            page.put(5000 + i, (byte) i);
        }

        VmExit.PortOut exit = (VmExit.PortOut) ExitDecoder.decode(page);

        assertThat(exit.port()).isEqualTo(0xfff0);
        assertThat(exit.width()).isEqualTo(2);
        assertThat(exit.data()).isEqualTo(ByteBuffer.wrap(new byte[] {0, 1, 2, 3, 4, 5}));
        assertThat(exit.data().order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    }

    @Test
    void inIsAnsweredInThePage() {
        io(0, 4, 0x510, 1, 4096);

        VmExit.PortIn exit = (VmExit.PortIn) ExitDecoder.decode(page);
        exit.data().putInt(0x1234_5678);

        assertThat(exit.port()).isEqualTo(0x510);
        assertThat(exit.width()).isEqualTo(4);
        assertThat(exit.data().hasRemaining()).isFalse();
        assertThat(page.getInt(4096)).isEqualTo(0x1234_5678);
    }

    @Test
    void memoryWriteHasItsBytes() {
        mmio(0xb_8000_0000L, 2, 1);
        page.putShort(UNION + 8, (short) 0x1234);

        VmExit.MemoryWrite exit = (VmExit.MemoryWrite) ExitDecoder.decode(page);

        assertThat(exit.address()).isEqualTo(0xb_8000_0000L);
        assertThat(exit.data()).isEqualTo(ByteBuffer.wrap(new byte[] {0x34, 0x12}));
    }

    @Test
    void memoryReadIsAnsweredInThePage() {
        mmio(0xfee0_0000L, 8, 0);

        VmExit.MemoryRead exit = (VmExit.MemoryRead) ExitDecoder.decode(page);
        exit.data().putLong(-1);

        assertThat(exit.address()).isEqualTo(0xfee0_0000L);
        assertThat(page.getLong(UNION + 8)).isEqualTo(-1);
        assertThat(page.getInt(UNION + 16)).isEqualTo(8);
    }

    @ParameterizedTest
    @CsvSource({"4, SingleStep", "5, Halt", "7, InterruptWindow", "8, Shutdown", "10, Interrupted"})
    void exitsWithoutData(int reason, String name) {
        page.putInt(EXIT_REASON, reason);

        assertThat(ExitDecoder.decode(page).getClass().getSimpleName()).isEqualTo(name);
    }

    @Test
    void emulationFailureHasTheInstruction() {
        emulationFailure(3, 1, 6);
        page.put(UNION + 17, new byte[] {0x66, 0x0f, 0x6e, 0x44, 0x24, 0x18, 0x55});

        VmExit.UnsupportedInstruction exit = (VmExit.UnsupportedInstruction) ExitDecoder.decode(page);

        assertThat(exit.reason())
                .isEqualTo("KVM's instruction emulator can't execute it (KVM_INTERNAL_ERROR_EMULATION)");
        assertThat(exit.bytes()).containsExactly(0x66, 0x0f, 0x6e, 0x44, 0x24, 0x18);
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "1, 0", "2, 1", "3, 0", "3, 2"})
    void emulationFailureMayLackTheInstruction(int words, long flags) {
        emulationFailure(words, flags, 6);

        VmExit.UnsupportedInstruction exit = (VmExit.UnsupportedInstruction) ExitDecoder.decode(page);

        assertThat(exit.bytes()).isEmpty();
    }

    @Test
    void otherInternalErrorsAreFailures() {
        page.putInt(EXIT_REASON, 17).putInt(UNION, 3);

        assertThat(ExitDecoder.decode(page)).isEqualTo(new VmExit.Failure("KVM_EXIT_INTERNAL_ERROR: suberror 3"));
    }

    @Test
    void refusedEntryTellsTheProcessorsReason() {
        page.putInt(EXIT_REASON, 9).putLong(UNION, 0x8000_0021L);

        assertThat(ExitDecoder.decode(page))
                .isEqualTo(new VmExit.Failure("KVM_EXIT_FAIL_ENTRY: the processor refused to enter the guest,"
                        + " hardware_entry_failure_reason 0x80000021"));
    }

    @Test
    void unknownHardwareExitTellsItsNumber() {
        page.putInt(EXIT_REASON, 0).putLong(UNION, 0xffff_ffff_0000_0041L);

        assertThat(ExitDecoder.decode(page))
                .isEqualTo(new VmExit.Failure("KVM_EXIT_UNKNOWN: hardware_exit_reason 0xffffffff00000041"));
    }

    @ParameterizedTest
    @CsvSource({"1", "3", "24", "39", "-1"})
    void exitOfAnotherVersionIsAFailure(int reason) {
        page.putInt(EXIT_REASON, reason);

        assertThat(ExitDecoder.decode(page))
                .isEqualTo(new VmExit.Failure(
                        "KVM came back with exit reason " + reason + ", which this version doesn't know"));
    }

    private void io(int direction, int size, int port, int count, long offset) {
        page.putInt(EXIT_REASON, 2)
                .put(UNION, (byte) direction)
                .put(UNION + 1, (byte) size)
                .putShort(UNION + 2, (short) port)
                .putInt(UNION + 4, count)
                .putLong(UNION + 8, offset);
    }

    private void mmio(long address, int length, int isWrite) {
        page.putInt(EXIT_REASON, 6)
                .putLong(UNION, address)
                .putInt(UNION + 16, length)
                .put(UNION + 20, (byte) isWrite);
    }

    private void emulationFailure(int words, long flags, int size) {
        page.putInt(EXIT_REASON, 17)
                .putInt(UNION, 1)
                .putInt(UNION + 4, words)
                .putLong(UNION + 8, flags)
                .put(UNION + 16, (byte) size);
    }
}
