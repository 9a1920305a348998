package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.internal.bus.IrqState;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The UART against the PC16550D data sheet, register by register. */
class Uart16550Tests {

    private static final int RBR_THR_DLL = 0;
    private static final int IER_DLM = 1;
    private static final int IIR_FCR = 2;
    private static final int LCR = 3;
    private static final int MCR = 4;
    private static final int LSR = 5;
    private static final int MSR = 6;
    private static final int SCR = 7;

    private final List<Integer> sent = new ArrayList<>();
    private final InputQueue input = new InputQueue();
    private final Uart16550 uart = new Uart16550(sent::add, input, high -> {}, () -> IrqState.OPEN);

    @Test
    void whatIsTransmittedIsOutput() {
        uart.writeByte(RBR_THR_DLL, 'H');
        uart.writeByte(RBR_THR_DLL, 0xff);

        assertThat(sent).containsExactly((int) 'H', 0xff);
    }

    @Test
    void transmitterIsAlwaysEmpty() {
        assertThat(uart.readByte(LSR)).isEqualTo(0x60);

        uart.writeByte(RBR_THR_DLL, 'H');

        assertThat(uart.readByte(LSR)).isEqualTo(0x60);
    }

    @Test
    void dataIsReadyWhileSomethingIsTyped() {
        input.add(new byte[] {'1', (byte) 0xff});

        assertThat(uart.readByte(LSR)).isEqualTo(0x61);
        assertThat(uart.readByte(RBR_THR_DLL)).isEqualTo('1');
        assertThat(uart.readByte(LSR)).isEqualTo(0x61);
        assertThat(uart.readByte(RBR_THR_DLL)).isEqualTo(0xff);
        assertThat(uart.readByte(LSR)).isEqualTo(0x60);
        assertThat(uart.readByte(RBR_THR_DLL)).isZero();
    }

    @Test
    void divisorIsBehindTheDivisorLatch() {
        uart.writeByte(IER_DLM, 0x05);
        uart.writeByte(LCR, 0x83);
        uart.writeByte(RBR_THR_DLL, 0x34);
        uart.writeByte(IER_DLM, 0x12);

        assertThat(uart.readByte(LCR)).isEqualTo(0x83);
        assertThat(uart.readByte(RBR_THR_DLL)).isEqualTo(0x34);
        assertThat(uart.readByte(IER_DLM)).isEqualTo(0x12);
        uart.writeByte(LCR, 0x03);
        assertThat(uart.readByte(IER_DLM)).isEqualTo(0x05);
        assertThat(sent).isEmpty();
    }

    @Test
    void divisorLatchLeavesInputAlone() {
        input.add(new byte[] {'1'});

        uart.writeByte(LCR, 0x80);
        uart.readByte(RBR_THR_DLL);
        uart.writeByte(LCR, 0x00);

        assertThat(uart.readByte(RBR_THR_DLL)).isEqualTo('1');
    }

    @Test
    void interruptEnableHasFourBits() {
        uart.writeByte(IER_DLM, 0xff);

        assertThat(uart.readByte(IER_DLM)).isEqualTo(0x0f);
    }

    @Test
    void interruptIdentificationTellsWhetherFifosAreEnabled() {
        assertThat(uart.readByte(IIR_FCR)).isEqualTo(0x01);

        uart.writeByte(IIR_FCR, 0x07);
        assertThat(uart.readByte(IIR_FCR)).isEqualTo(0xc1);

        uart.writeByte(IIR_FCR, 0x00);
        assertThat(uart.readByte(IIR_FCR)).isEqualTo(0x01);
    }

    @Test
    void clearingTheReceiverKeepsWhatWasTyped() {
        input.add(new byte[] {'1'});

        uart.writeByte(IIR_FCR, 0x07);

        assertThat(uart.readByte(RBR_THR_DLL)).isEqualTo('1');
    }

    @Test
    void scratchKeepsAnything() {
        for (int value = 0; value < 256; value++) {
            uart.writeByte(SCR, value);
            assertThat(uart.readByte(SCR)).isEqualTo(value);
        }
    }

    @Test
    void statusRegistersCannotBeWritten() {
        uart.writeByte(LSR, 0xff);
        uart.writeByte(MSR, 0xff);

        assertThat(uart.readByte(LSR)).isEqualTo(0x60);
        assertThat(uart.readByte(MSR)).isEqualTo(0xb0);
    }

    @Test
    void modemControlHasFiveBits() {
        uart.writeByte(MCR, 0xff);

        assertThat(uart.readByte(MCR)).isEqualTo(0x1f);
    }

    @ParameterizedTest
    @CsvSource({"0x10, 0x00", "0x11, 0x20", "0x12, 0x10", "0x14, 0x40", "0x18, 0x80", "0x1f, 0xf0", "0x1a, 0x90"})
    void loopbackShowsModemControlInModemStatus(String control, String status) {
        uart.writeByte(MCR, Integer.decode(control));

        assertThat(uart.readByte(MSR) & 0xf0).isEqualTo(Integer.decode(status));
    }

    @Test
    void loopbackReceivesWhatIsTransmitted() {
        uart.writeByte(MCR, 0x1e);
        assertThat(uart.readByte(LSR)).isEqualTo(0x60);

        uart.writeByte(RBR_THR_DLL, 0xae);

        assertThat(uart.readByte(LSR)).isEqualTo(0x61);
        assertThat(uart.readByte(RBR_THR_DLL)).isEqualTo(0xae);
        assertThat(uart.readByte(LSR)).isEqualTo(0x60);
        assertThat(uart.readByte(RBR_THR_DLL)).isZero();
        assertThat(sent).isEmpty();
    }

    @Test
    void loopbackIsCutOffFromTheLine() {
        input.add(new byte[] {'1'});

        uart.writeByte(MCR, 0x10);
        assertThat(uart.readByte(LSR)).isEqualTo(0x60);
        assertThat(uart.readByte(RBR_THR_DLL)).isZero();

        uart.writeByte(MCR, 0x00);
        assertThat(uart.readByte(RBR_THR_DLL)).isEqualTo('1');
    }

    @Test
    void fifoHoldsSixteenBytesAndKeepsThemWhenItOverruns() {
        uart.writeByte(IIR_FCR, 0x01);
        uart.writeByte(MCR, 0x10);
        for (int i = 0; i < 17; i++) {
            uart.writeByte(RBR_THR_DLL, i);
        }

        assertThat(uart.readByte(LSR)).isEqualTo(0x63);
        assertThat(uart.readByte(LSR)).isEqualTo(0x61);
        for (int i = 0; i < 16; i++) {
            assertThat(uart.readByte(RBR_THR_DLL)).isEqualTo(i);
        }
        assertThat(uart.readByte(LSR)).isEqualTo(0x60);
    }

    @Test
    void overrunWithoutFifosDestroysTheByteBefore() {
        uart.writeByte(MCR, 0x10);
        uart.writeByte(RBR_THR_DLL, 1);
        uart.writeByte(RBR_THR_DLL, 2);

        assertThat(uart.readByte(LSR)).isEqualTo(0x63);
        assertThat(uart.readByte(RBR_THR_DLL)).isEqualTo(2);
        assertThat(uart.readByte(LSR)).isEqualTo(0x60);
    }

    @Test
    void changingTheFifoModeClearsTheReceiver() {
        uart.writeByte(MCR, 0x10);
        uart.writeByte(RBR_THR_DLL, 1);

        uart.writeByte(IIR_FCR, 0x01);
        assertThat(uart.readByte(LSR)).isEqualTo(0x60);

        uart.writeByte(RBR_THR_DLL, 2);
        uart.writeByte(IIR_FCR, 0x01);
        assertThat(uart.readByte(LSR)).isEqualTo(0x61);

        uart.writeByte(IIR_FCR, 0x00);
        assertThat(uart.readByte(LSR)).isEqualTo(0x60);
    }

    @Test
    void receiverFifoCanBeCleared() {
        uart.writeByte(IIR_FCR, 0x01);
        uart.writeByte(MCR, 0x10);
        uart.writeByte(RBR_THR_DLL, 1);

        uart.writeByte(IIR_FCR, 0x03);

        assertThat(uart.readByte(LSR)).isEqualTo(0x60);
    }

    @Test
    void thereIsNoNinthRegister() {
        assertThatIllegalArgumentException().isThrownBy(() -> uart.readByte(8)).withMessage("a UART has no register 8");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> uart.writeByte(8, 0))
                .withMessage("a UART has no register 8");
    }
}
