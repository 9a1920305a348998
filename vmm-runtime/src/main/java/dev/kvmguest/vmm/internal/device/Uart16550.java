package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.IrqLine;
import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.Supplier;

/**
 * A 16550A UART whose line is never busy: what the guest transmits is output at once, what was typed is ready to be
 * received.
 *
 * <p>Whoever types waits for the guest: a byte comes when the guest has read the one before, so that nothing typed
 * overruns, and each byte read gives the interrupt line a new edge while there are more. The character timeout is over
 * as soon as fewer bytes than the trigger level are left. Nor does anything come while the guest initializes the
 * interrupt controller, which forgets requests: a request that was there is made anew. Only what is looped back can
 * overrun.
 *
 * <p>The interrupt is wired as on a PC: OUT2 opens the gate between the UART and its line. In loopback the UART holds
 * OUT2 inactive, so that interrupts show in the identification register only.
 *
 * <p>Source: National Semiconductor PC16550D data sheet (1995), section 8, "Registers".
 */
public final class Uart16550 implements ByteDevice, TimedDevice, Persistent<Uart16550.State> {

    private static final int DATA = 0;
    private static final int INTERRUPT_ENABLE = 1;
    private static final int INTERRUPT_ID_FIFO_CONTROL = 2;
    private static final int LINE_CONTROL = 3;
    private static final int MODEM_CONTROL = 4;
    private static final int LINE_STATUS = 5;
    private static final int MODEM_STATUS = 6;
    private static final int SCRATCH = 7;

    private static final int IER_RECEIVED_DATA = 0x01;
    private static final int IER_TRANSMITTER_EMPTY = 0x02;
    private static final int IER_LINE_STATUS = 0x04;
    private static final int IER_MODEM_STATUS = 0x08;

    private static final int IIR_MODEM_STATUS = 0x00;
    private static final int IIR_NONE_PENDING = 0x01;
    private static final int IIR_TRANSMITTER_EMPTY = 0x02;
    private static final int IIR_RECEIVED_DATA = 0x04;
    private static final int IIR_LINE_STATUS = 0x06;
    private static final int IIR_CHARACTER_TIMEOUT = 0x0c;
    private static final int IIR_FIFOS_ENABLED = 0xc0;

    private static final int FCR_ENABLE = 0x01;
    private static final int FCR_CLEAR_RECEIVER = 0x02;
    private static final int LCR_DLAB = 0x80;
    private static final int LSR_DATA_READY = 0x01;
    private static final int LSR_OVERRUN = 0x02;
    private static final int LSR_TRANSMITTER_EMPTY = 0x60;
    private static final int MCR_OUT2 = 0x08;
    private static final int MCR_LOOPBACK = 0x10;
    private static final int MSR_CTS_DSR_DCD = 0xb0;
    private static final int MSR_RI = 0x40;
    /** From a line's bit to the bit that says that it changed; RI's says so only if the line fell. */
    private static final int MSR_CHANGE_SHIFT = 4;

    /** A 16550A's FIFO; what is looped back beyond it overruns. */
    private static final int FIFO_SIZE = 16;
    /** Bytes that raise the interrupt, by bits 6 and 7 of the FIFO control register. */
    private static final int[] TRIGGER_LEVELS = {1, 4, 8, 14};

    private final IntConsumer output;
    private final InputQueue input;
    private final IrqLine interrupt;
    private final Supplier<IrqState> irqState;
    private final ArrayDeque<Integer> loopback = new ArrayDeque<>();
    private int divisor = 12;
    private int interruptEnable;
    private boolean fifosEnabled;
    private int triggerLevel = 1;
    private boolean overrun;
    /** The transmitter has become empty, and no read of the identification register has told so. */
    private boolean transmitterEmptied;

    private int modemChanges;
    private int lineControl;
    private int modemControl;
    private int scratch;
    private boolean raised;

    /**
     * Creates a UART.
     *
     * @param output takes what is transmitted, bytes 0 to 255
     * @param input what is received
     * @param interrupt the line that the gate opened by OUT2 leads to
     * @param irqState what the interrupt controller does with that line
     */
    public Uart16550(IntConsumer output, InputQueue input, IrqLine interrupt, Supplier<IrqState> irqState) {
        this.output = output;
        this.input = input;
        this.interrupt = interrupt;
        this.irqState = irqState;
    }

    /** Returns whether something typed now would raise the interrupt. */
    @Override
    public boolean mayReceive() {
        return (interruptEnable & IER_RECEIVED_DATA) != 0 && gateOpen();
    }

    /** Returns 0 if something was typed that the interrupt line doesn't show yet, else {@link #NEVER}. */
    @Override
    public long nextEvent() {
        return requested() == raised ? NEVER : 0;
    }

    @Override
    public void advanceTo(long now) {
        updateInterrupt();
    }

    @Override
    public int readByte(int offset) {
        return switch (offset) {
            case DATA -> divisorLatched() ? divisor & 0xff : receive();
            case INTERRUPT_ENABLE -> divisorLatched() ? divisor >> 8 : interruptEnable;
            case INTERRUPT_ID_FIFO_CONTROL -> identifyInterrupt() | (fifosEnabled ? IIR_FIFOS_ENABLED : 0);
            case LINE_CONTROL -> lineControl;
            case MODEM_CONTROL -> modemControl;
            case LINE_STATUS -> lineStatus();
            case MODEM_STATUS -> modemStatus();
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
                    enableInterrupts(value & 0x0f);
                }
            }
            case INTERRUPT_ID_FIFO_CONTROL -> controlFifos(value);
            case LINE_CONTROL -> lineControl = value;
            case MODEM_CONTROL -> controlModem(value & 0x1f);
            case LINE_STATUS, MODEM_STATUS -> {
                // Read-only to all but factory tests.
            }
            case SCRATCH -> scratch = value;
            default -> throw new IllegalArgumentException("a UART has no register " + offset);
        }
        updateInterrupt();
    }

    private boolean divisorLatched() {
        return (lineControl & LCR_DLAB) != 0;
    }

    private boolean inLoopback() {
        return (modemControl & MCR_LOOPBACK) != 0;
    }

    private boolean gateOpen() {
        return (modemControl & (MCR_OUT2 | MCR_LOOPBACK)) == MCR_OUT2;
    }

    private void enableInterrupts(int value) {
        if ((value & ~interruptEnable & IER_TRANSMITTER_EMPTY) != 0) {
            transmitterEmptied = true;
        }
        interruptEnable = value;
        input.reserveForBytes((value & IER_RECEIVED_DATA) != 0);
    }

    private void controlFifos(int value) {
        boolean enable = (value & FCR_ENABLE) != 0;
        boolean changed = enable != fifosEnabled;
        if (changed || (value & FCR_CLEAR_RECEIVER) != 0) {
            loopback.clear();
        }
        if (changed) {
            // The data sheet has the transmitter's interrupt come at once when the FIFOs are turned on or off.
            transmitterEmptied = true;
        }
        fifosEnabled = enable;
        triggerLevel = TRIGGER_LEVELS[value >> 6];
    }

    private void controlModem(int value) {
        int before = modemLines();
        modemControl = value;
        int changed = before ^ modemLines();
        modemChanges |= (changed & ~MSR_RI | before & changed & MSR_RI) >> MSR_CHANGE_SHIFT;
    }

    private void transmit(int value) {
        transmitterEmptied = false;
        updateInterrupt();
        if (inLoopback()) {
            loopBack(value);
        } else {
            output.accept(value);
        }
        transmitterEmptied = true;
    }

    private void loopBack(int value) {
        if (loopback.size() < (fifosEnabled ? FIFO_SIZE : 1)) {
            loopback.add(value);
            return;
        }
        overrun = true;
        if (!fifosEnabled) {
            // The receiver buffer takes the byte and loses the one before; a full FIFO loses the new one.
            loopback.clear();
            loopback.add(value);
        }
    }

    private int receive() {
        int next = InputQueue.NONE;
        if (!inLoopback()) {
            next = input.take();
        } else if (!loopback.isEmpty()) {
            next = loopback.remove();
        }
        // The next byte comes after this one was read: the line falls between the two.
        setInterrupt(gateOpen() && pendingBut(IER_RECEIVED_DATA) != IIR_NONE_PENDING);
        updateInterrupt();
        return next == InputQueue.NONE ? 0 : next;
    }

    /** Reading the line status clears its error bits. */
    private int lineStatus() {
        int status = LSR_TRANSMITTER_EMPTY | (received() > 0 ? LSR_DATA_READY : 0) | (overrun ? LSR_OVERRUN : 0);
        overrun = false;
        updateInterrupt();
        return status;
    }

    /** Reading the modem status clears what it says of changes. */
    private int modemStatus() {
        int status = modemLines() | modemChanges;
        modemChanges = 0;
        updateInterrupt();
        return status;
    }

    /** In loopback RTS, DTR, OUT1 and OUT2 appear as CTS, DSR, RI and DCD. */
    private int modemLines() {
        if (!inLoopback()) {
            return MSR_CTS_DSR_DCD;
        }
        int dtr = modemControl & 1;
        int rts = modemControl >> 1 & 1;
        int out1 = modemControl >> 2 & 1;
        int out2 = modemControl >> 3 & 1;
        return rts << 4 | dtr << 5 | out1 << 6 | out2 << 7;
    }

    /** Reading the identification register clears the transmitter's interrupt, if that is what it tells. */
    private int identifyInterrupt() {
        int pending = pendingBut(0);
        if (pending == IIR_TRANSMITTER_EMPTY) {
            transmitterEmptied = false;
            updateInterrupt();
        }
        return pending;
    }

    /** Returns what is pending and enabled, the first in the order of priority, without what {@code source} enables. */
    private int pendingBut(int source) {
        int enabled = interruptEnable & ~source;
        if ((enabled & IER_LINE_STATUS) != 0 && overrun) {
            return IIR_LINE_STATUS;
        }
        if ((enabled & IER_RECEIVED_DATA) != 0) {
            int count = received();
            if (count > 0) {
                return fifosEnabled && count < triggerLevel ? IIR_CHARACTER_TIMEOUT : IIR_RECEIVED_DATA;
            }
        }
        if ((enabled & IER_TRANSMITTER_EMPTY) != 0 && transmitterEmptied) {
            return IIR_TRANSMITTER_EMPTY;
        }
        if ((enabled & IER_MODEM_STATUS) != 0 && modemChanges != 0) {
            return IIR_MODEM_STATUS;
        }
        return IIR_NONE_PENDING;
    }

    /** Returns how many bytes there are to be read. */
    private int received() {
        return inLoopback() ? loopback.size() : input.size();
    }

    private boolean requested() {
        int held = irqState.get() == IrqState.INITIALIZING ? IER_RECEIVED_DATA : 0;
        return gateOpen() && pendingBut(held) != IIR_NONE_PENDING;
    }

    private void updateInterrupt() {
        setInterrupt(requested());
    }

    private void setInterrupt(boolean high) {
        raised = high;
        interrupt.set(high);
    }

    @Override
    public State save() {
        return new State(
                List.copyOf(loopback),
                divisor,
                interruptEnable,
                fifosEnabled,
                triggerLevel,
                overrun,
                transmitterEmptied,
                modemChanges,
                lineControl,
                modemControl,
                scratch,
                raised);
    }

    @Override
    public void restore(State state) {
        loopback.clear();
        loopback.addAll(state.loopback);
        divisor = state.divisor;
        interruptEnable = state.interruptEnable;
        fifosEnabled = state.fifosEnabled;
        triggerLevel = state.triggerLevel;
        overrun = state.overrun;
        transmitterEmptied = state.transmitterEmptied;
        modemChanges = state.modemChanges;
        lineControl = state.lineControl;
        modemControl = state.modemControl;
        scratch = state.scratch;
        raised = state.raised;
    }

    /** State of the UART; what is yet to be received is in the queue of what was typed. */
    public record State(
            List<Integer> loopback,
            int divisor,
            int interruptEnable,
            boolean fifosEnabled,
            int triggerLevel,
            boolean overrun,
            boolean transmitterEmptied,
            int modemChanges,
            int lineControl,
            int modemControl,
            int scratch,
            boolean raised) {}
}
