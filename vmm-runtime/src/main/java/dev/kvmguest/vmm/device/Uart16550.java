package dev.kvmguest.vmm.device;

import dev.kvmguest.vmm.bus.IoDevice;
import java.util.ArrayDeque;
import java.util.function.IntConsumer;

/**
 * A 16550A UART whose line is never busy: what the guest transmits is output at once, what was typed is ready to be
 * received. Interrupts are not raised; the guest polls the line status.
 *
 * <p>Source: National Semiconductor PC16550D data sheet (1995), section 8, "Registers".
 */
public final class Uart16550 implements IoDevice {

    private static final int DATA = 0;
    private static final int INTERRUPT_ENABLE = 1;
    private static final int INTERRUPT_ID_FIFO_CONTROL = 2;
    private static final int LINE_CONTROL = 3;
    private static final int MODEM_CONTROL = 4;
    private static final int LINE_STATUS = 5;
    private static final int MODEM_STATUS = 6;
    private static final int SCRATCH = 7;

    private static final int LCR_DLAB = 0x80;
    private static final int LSR_DATA_READY = 0x01;
    private static final int LSR_OVERRUN = 0x02;
    private static final int LSR_TRANSMITTER_EMPTY = 0x60;
    private static final int IIR_NONE_PENDING = 0x01;
    private static final int IIR_FIFOS_ENABLED = 0xc0;
    private static final int FCR_ENABLE = 0x01;
    private static final int FCR_CLEAR_RECEIVER = 0x02;
    private static final int MCR_LOOPBACK = 0x10;
    private static final int MSR_CTS_DSR_DCD = 0xb0;
    /** A 16550A's FIFO; what is looped back beyond it overruns. */
    private static final int FIFO_SIZE = 16;

    private final IntConsumer output;
    private final InputQueue input;
    private final ArrayDeque<Integer> loopback = new ArrayDeque<>();
    private int divisor = 12;
    private int interruptEnable;
    private boolean fifosEnabled;
    private boolean overrun;
    private int lineControl;
    private int modemControl;
    private int scratch;

    /** Creates a UART that transmits to {@code output}, bytes 0 to 255, and receives from {@code input}. */
    public Uart16550(IntConsumer output, InputQueue input) {
        this.output = output;
        this.input = input;
    }

    @Override
    public int readByte(int offset) {
        return switch (offset) {
            case DATA -> divisorLatched() ? divisor & 0xff : receive();
            case INTERRUPT_ENABLE -> divisorLatched() ? divisor >> 8 : interruptEnable;
            case INTERRUPT_ID_FIFO_CONTROL -> IIR_NONE_PENDING | (fifosEnabled ? IIR_FIFOS_ENABLED : 0);
            case LINE_CONTROL -> lineControl;
            case MODEM_CONTROL -> modemControl;
            case LINE_STATUS -> lineStatus();
            case MODEM_STATUS -> inLoopback() ? loopedModemStatus() : MSR_CTS_DSR_DCD;
            case SCRATCH -> scratch;
            default -> throw new IllegalArgumentException("a UART has no register " + offset);
        };
    }

    @Override
    public void writeByte(int offset, int value) {
        switch (offset) {
            case DATA -> {
                if (divisorLatched()) {
                    divisor = divisor & 0xff00 | value;
                } else {
                    transmit(value);
                }
            }
            case INTERRUPT_ENABLE -> {
                if (divisorLatched()) {
                    divisor = divisor & 0xff | value << 8;
                } else {
                    interruptEnable = value & 0x0f;
                }
            }
            case INTERRUPT_ID_FIFO_CONTROL -> {
                boolean enable = (value & FCR_ENABLE) != 0;
                if (enable != fifosEnabled || (value & FCR_CLEAR_RECEIVER) != 0) {
                    loopback.clear();
                }
                fifosEnabled = enable;
            }
            case LINE_CONTROL -> lineControl = value;
            case MODEM_CONTROL -> modemControl = value & 0x1f;
            case LINE_STATUS, MODEM_STATUS -> {
                // Read-only to all but factory tests.
            }
            case SCRATCH -> scratch = value;
            default -> throw new IllegalArgumentException("a UART has no register " + offset);
        }
    }

    private boolean divisorLatched() {
        return (lineControl & LCR_DLAB) != 0;
    }

    private boolean inLoopback() {
        return (modemControl & MCR_LOOPBACK) != 0;
    }

    private boolean dataReady() {
        return inLoopback() ? !loopback.isEmpty() : !input.isEmpty();
    }

    private void transmit(int value) {
        if (!inLoopback()) {
            output.accept(value);
        } else if (loopback.size() < (fifosEnabled ? FIFO_SIZE : 1)) {
            loopback.add(value);
        } else {
            overrun = true;
            if (!fifosEnabled) {
                // The receiver buffer takes the byte and loses the one before; a full FIFO loses the new one.
                loopback.clear();
                loopback.add(value);
            }
        }
    }

    /** Reading the line status clears its error bits. */
    private int lineStatus() {
        int status = LSR_TRANSMITTER_EMPTY | (dataReady() ? LSR_DATA_READY : 0) | (overrun ? LSR_OVERRUN : 0);
        overrun = false;
        return status;
    }

    private int receive() {
        if (inLoopback()) {
            Integer next = loopback.poll();
            return next == null ? 0 : next;
        }
        int next = input.take();
        return next == InputQueue.NONE ? 0 : next;
    }

    /** In loopback RTS, DTR, OUT1 and OUT2 appear as CTS, DSR, RI and DCD. */
    private int loopedModemStatus() {
        int dtr = modemControl & 1;
        int rts = modemControl >> 1 & 1;
        int out1 = modemControl >> 2 & 1;
        int out2 = modemControl >> 3 & 1;
        return rts << 4 | dtr << 5 | out1 << 6 | out2 << 7;
    }
}
