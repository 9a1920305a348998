package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The UART's interrupts against the PC16550D data sheet: table IV, and "FIFO Interrupt Mode Operation". */
class Uart16550InterruptTests {

    private static final int RBR_THR = 0;
    private static final int IER = 1;
    private static final int IIR_FCR = 2;
    private static final int LCR = 3;
    private static final int MCR = 4;
    private static final int LSR = 5;
    private static final int MSR = 6;

    private static final int RECEIVED_DATA = 0x01;
    private static final int TRANSMITTER_EMPTY = 0x02;
    private static final int LINE_STATUS = 0x04;
    private static final int MODEM_STATUS = 0x08;
    private static final int ALL = 0x0f;

    private static final int OUT2 = 0x08;
    private static final int LOOPBACK = 0x10;

    /** The line's level whenever it changed. */
    private final List<Boolean> levels = new ArrayList<>();

    private IrqState irq = IrqState.OPEN;
    private final InputQueue input = new InputQueue();
    private final Uart16550 uart = new Uart16550(octet -> {}, input, this::setLine, () -> irq);

    private void setLine(boolean high) {
        if (high != line()) {
            levels.add(high);
        }
    }

    private boolean line() {
        return !levels.isEmpty() && levels.get(levels.size() - 1);
    }

    private long rises() {
        return levels.stream().filter(high -> high).count();
    }

    private void enable(int sources) {
        uart.writeByte(MCR, OUT2);
        uart.writeByte(IER, sources);
    }

    /** Types, and lets the UART see it as the run loop does. */
    private void type(String text) {
        input.add(text.getBytes(StandardCharsets.ISO_8859_1));
        if (uart.nextEvent() != TimedDevice.NEVER) {
            uart.advanceTo(uart.nextEvent());
        }
    }

    private int identification() {
        return uart.readByte(IIR_FCR);
    }

    @Test
    void nothingIsPendingAtFirst() {
        enable(RECEIVED_DATA | LINE_STATUS | MODEM_STATUS);

        assertThat(identification()).isEqualTo(0x01);
        assertThat(levels).isEmpty();
    }

    @Test
    void typedByteRaisesTheLineUntilItIsRead() {
        enable(RECEIVED_DATA);

        type("x");
        assertThat(identification()).isEqualTo(0x04);
        assertThat(line()).isTrue();

        uart.readByte(RBR_THR);
        assertThat(identification()).isEqualTo(0x01);
        assertThat(line()).isFalse();
    }

    @Test
    void whatWasTypedBeforeRaisesTheLineWhenTheInterruptIsEnabled() {
        type("x");
        assertThat(levels).isEmpty();

        enable(RECEIVED_DATA);

        assertThat(line()).isTrue();
    }

    @Test
    void eachByteThatIsReadGivesTheNextAnEdge() {
        enable(RECEIVED_DATA);
        type("abc");
        assertThat(rises()).isEqualTo(1);

        uart.readByte(RBR_THR);
        assertThat(rises()).isEqualTo(2);
        uart.readByte(RBR_THR);
        assertThat(rises()).isEqualTo(3);
        uart.readByte(RBR_THR);
        assertThat(rises()).isEqualTo(3);
        assertThat(line()).isFalse();
    }

    @Test
    void typingIsAnEventUntilTheLineShowsIt() {
        enable(RECEIVED_DATA);
        assertThat(uart.nextEvent()).isEqualTo(TimedDevice.NEVER);

        input.add(new byte[] {'x'});
        assertThat(uart.nextEvent()).isZero();

        uart.advanceTo(5);
        assertThat(line()).isTrue();
        assertThat(uart.nextEvent()).isEqualTo(TimedDevice.NEVER);
    }

    @Test
    void typingIsNoEventWhereNoInterruptIsWanted() {
        uart.writeByte(MCR, OUT2);

        input.add(new byte[] {'x'});

        assertThat(uart.nextEvent()).isEqualTo(TimedDevice.NEVER);
    }

    @ParameterizedTest
    @CsvSource({"0x01, 1", "0x41, 4", "0x81, 8", "0xc1, 14"})
    void fifoTellsDataFromItsTriggerLevelOnAndATimeoutBelow(String control, int level) {
        enable(RECEIVED_DATA);
        uart.writeByte(IIR_FCR, Integer.decode(control));

        type("x".repeat(level));
        assertThat(identification()).isEqualTo(0xc4);

        uart.readByte(RBR_THR);
        assertThat(identification()).isEqualTo(level == 1 ? 0xc1 : 0xcc);
    }

    @Test
    void bytesBelowTheTriggerLevelAreReceivedByTimeout() {
        enable(RECEIVED_DATA);
        uart.writeByte(IIR_FCR, 0xc1);

        type("ab");
        assertThat(identification()).isEqualTo(0xcc);
        assertThat(line()).isTrue();

        assertThat(uart.readByte(RBR_THR)).isEqualTo('a');
        assertThat(rises()).isEqualTo(2);
        assertThat(uart.readByte(RBR_THR)).isEqualTo('b');
        assertThat(identification()).isEqualTo(0xc1);
        assertThat(line()).isFalse();
    }

    @Test
    void withoutFifosThereIsNoTimeout() {
        enable(RECEIVED_DATA);
        uart.writeByte(IIR_FCR, 0xc0);

        type("ab");

        assertThat(identification()).isEqualTo(0x04);
    }

    @Test
    void emptyTransmitterInterruptsAsSoonAsThatIsEnabled() {
        enable(TRANSMITTER_EMPTY);

        assertThat(line()).isTrue();
        assertThat(identification()).isEqualTo(0x02);
    }

    @Test
    void readingTheIdentificationClearsTheTransmittersInterrupt() {
        enable(TRANSMITTER_EMPTY);

        assertThat(identification()).isEqualTo(0x02);
        assertThat(identification()).isEqualTo(0x01);
        assertThat(line()).isFalse();
    }

    @Test
    void readingTheIdentificationOfSomethingElseKeepsTheTransmittersInterrupt() {
        enable(TRANSMITTER_EMPTY | RECEIVED_DATA);
        type("x");

        assertThat(identification()).isEqualTo(0x04);
        uart.readByte(RBR_THR);

        assertThat(identification()).isEqualTo(0x02);
    }

    @Test
    void eachByteTransmittedInterruptsAnew() {
        enable(TRANSMITTER_EMPTY);
        assertThat(rises()).isEqualTo(1);

        uart.writeByte(RBR_THR, 'a');
        uart.writeByte(RBR_THR, 'b');

        assertThat(rises()).isEqualTo(3);
        assertThat(identification()).isEqualTo(0x02);
    }

    @Test
    void enablingTheTransmittersInterruptAgainRaisesItOnlyAfterItWasDisabled() {
        enable(TRANSMITTER_EMPTY);
        identification();

        uart.writeByte(IER, TRANSMITTER_EMPTY);
        assertThat(identification()).isEqualTo(0x01);

        uart.writeByte(IER, 0);
        uart.writeByte(IER, TRANSMITTER_EMPTY);
        assertThat(identification()).isEqualTo(0x02);
    }

    @Test
    void turningTheFifosOnBringsTheTransmittersInterruptAtOnce() {
        enable(TRANSMITTER_EMPTY);
        identification();

        uart.writeByte(IIR_FCR, 0x01);

        assertThat(identification()).isEqualTo(0xc2);
    }

    @Test
    void overrunIsALineStatusUntilThatIsRead() {
        uart.writeByte(MCR, LOOPBACK);
        uart.writeByte(IER, LINE_STATUS);
        uart.writeByte(RBR_THR, 'a');
        assertThat(identification()).isEqualTo(0x01);

        uart.writeByte(RBR_THR, 'b');
        assertThat(identification()).isEqualTo(0x06);

        uart.readByte(LSR);
        assertThat(identification()).isEqualTo(0x01);
    }

    @Test
    void sourcesAreToldInTheOrderOfTheirPriority() {
        uart.writeByte(MCR, LOOPBACK);
        uart.writeByte(IER, ALL);
        uart.writeByte(RBR_THR, 'a');
        uart.writeByte(RBR_THR, 'b');

        assertThat(identification()).isEqualTo(0x06);
        uart.readByte(LSR);
        assertThat(identification()).isEqualTo(0x04);
        uart.readByte(RBR_THR);
        assertThat(identification()).isEqualTo(0x02);
        assertThat(identification()).isEqualTo(0x00);
        uart.readByte(MSR);
        assertThat(identification()).isEqualTo(0x01);
    }

    @ParameterizedTest
    @CsvSource({"0x01, 0x04", "0x02, 0x02", "0x04, 0x06", "0x08, 0x00"})
    void onlyWhatIsEnabledIsTold(String enabled, String identification) {
        uart.writeByte(MCR, LOOPBACK);
        uart.writeByte(RBR_THR, 'a');
        uart.writeByte(RBR_THR, 'b');

        uart.writeByte(IER, Integer.decode(enabled));

        assertThat(identification()).isEqualTo(Integer.decode(identification));
    }

    @ParameterizedTest
    @CsvSource({
        "0x11, 0x22", // DTR: DSR rose
        "0x12, 0x11", // RTS: CTS rose
        "0x18, 0x88", // OUT2: DCD rose
        "0x14, 0x40", // OUT1: RI rose, which is no change that is told
    })
    void loopbackTellsWhichModemLinesChanged(String control, String status) {
        uart.writeByte(MCR, LOOPBACK);
        uart.readByte(MSR);

        uart.writeByte(MCR, Integer.decode(control));

        assertThat(uart.readByte(MSR)).isEqualTo(Integer.decode(status));
    }

    @Test
    void trailingEdgeOfTheRingIndicatorIsTold() {
        uart.writeByte(MCR, LOOPBACK | 0x04);
        uart.readByte(MSR);

        uart.writeByte(MCR, LOOPBACK);

        assertThat(uart.readByte(MSR)).isEqualTo(0x04);
    }

    @Test
    void readingTheModemStatusClearsItsChangesAndTheirInterrupt() {
        uart.writeByte(MCR, LOOPBACK);
        uart.writeByte(IER, MODEM_STATUS);
        assertThat(identification()).isEqualTo(0x00);

        assertThat(uart.readByte(MSR)).isEqualTo(0x0b);

        assertThat(uart.readByte(MSR)).isZero();
        assertThat(identification()).isEqualTo(0x01);
    }

    @Test
    void out2OpensTheGateToTheLine() {
        uart.writeByte(IER, RECEIVED_DATA);
        type("x");
        assertThat(identification()).isEqualTo(0x04);
        assertThat(line()).isFalse();

        uart.writeByte(MCR, OUT2);
        assertThat(line()).isTrue();

        uart.writeByte(MCR, 0x07);
        assertThat(line()).isFalse();
    }

    @Test
    void loopbackClosesTheGate() {
        enable(RECEIVED_DATA);
        uart.writeByte(MCR, LOOPBACK | OUT2);

        uart.writeByte(RBR_THR, 'x');

        assertThat(identification()).isEqualTo(0x04);
        assertThat(line()).isFalse();
    }

    @Test
    void initializingTheInterruptControllerWhichForgetsTheRequestMakesItAnew() {
        enable(RECEIVED_DATA);
        type("x");

        irq = IrqState.INITIALIZING;
        assertThat(uart.nextEvent()).isZero();
        uart.advanceTo(0);
        assertThat(line()).isFalse();

        irq = IrqState.MASKED;
        assertThat(uart.nextEvent()).isZero();
        uart.advanceTo(0);
        assertThat(rises()).isEqualTo(2);
    }

    @Test
    void requestOfTheTransmitterThatIsForgottenStaysSo() {
        enable(TRANSMITTER_EMPTY);

        irq = IrqState.INITIALIZING;
        uart.advanceTo(0);

        assertThat(line()).isTrue();
    }

    @Test
    void divisorLatchLeavesTheInterruptsAlone() {
        enable(RECEIVED_DATA);
        uart.writeByte(LCR, 0x80);
        uart.writeByte(IER, 0x00);
        uart.writeByte(LCR, 0x03);

        type("x");

        assertThat(line()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"0x08, 0x01, true", "0x08, 0x0e, false", "0x07, 0x01, false", "0x18, 0x01, false"})
    void mayReceiveIfTypingWouldRaiseTheLine(String modemControl, String enabled, boolean expected) {
        uart.writeByte(MCR, Integer.decode(modemControl));
        uart.writeByte(IER, Integer.decode(enabled));
        uart.readByte(MSR);
        identification();
        assertThat(uart.mayReceive()).isEqualTo(expected);

        long before = rises();
        type("x");

        assertThat(rises() > before).isEqualTo(expected);
    }
}
