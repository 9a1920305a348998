package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.IrqLine;
import dev.kvmguest.vmm.internal.bus.Persistent;

/**
 * What a PC has between a processor's pins for x87 errors: FERR# raises IRQ 13 until the guest writes to the port, and
 * from then on IGNNE# has the error ignored until it is cleared, so that the handler can use the x87 unit.
 *
 * <p>Source: Intel SDM volume 1 (2023), appendix D.2.1.2 and figure D-1; Intel 82371AB data sheet (1997), "COPROCESSOR
 * ERROR REGISTER".
 */
public final class FpuErrorLatch implements ByteDevice, Persistent<FpuErrorLatch.State> {

    private static final int NOTHING_DRIVES_THE_BUS = 0xff;

    private final IrqLine line;
    private boolean error;
    private boolean ignored;

    /** Creates one whose interrupt request goes to a line. */
    public FpuErrorLatch(IrqLine line) {
        this.line = line;
    }

    /** FERR# is asserted; returns whether IGNNE# is. */
    public boolean asserted() {
        if (!error) {
            error = true;
            line.set(true);
        }
        return ignored;
    }

    /** FERR# is negated, and IGNNE# with it. An interrupt that has been requested still is. */
    public void negated() {
        error = false;
        ignored = false;
    }

    @Override
    public int readByte(int offset) {
        return NOTHING_DRIVES_THE_BUS;
    }

    @Override
    public void writeByte(int offset, int value) {
        line.set(false);
        ignored = error;
    }

    @Override
    public State save() {
        return new State(error, ignored);
    }

    @Override
    public void restore(State state) {
        error = state.error;
        ignored = state.ignored;
    }

    /** State of the latch. The line's level is the interrupt controller's. */
    public record State(boolean error, boolean ignored) {}
}
