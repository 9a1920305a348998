package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.Persistent;
import java.util.function.LongSupplier;

/**
 * System control port B: bit 0 is the gate of the timer's channel 2, bit 1 lets its output to the speaker, which is not
 * there; bit 4 changes with every refresh of memory, each 15.086 us; bit 5 is the output of channel 2. Bits 2 and 3,
 * which disable checks that never fail here, read back; bits 6 and 7 would report these failures.
 *
 * <p>Source: IBM PS/2 Hardware Interface Technical Reference (1988), "System Control Port B".
 */
public final class SystemControlPortB implements ByteDevice, Persistent<SystemControlPortB.State> {

    private static final int GATE_2 = 0x01;
    private static final int WRITABLE = 0x0f;
    private static final int REFRESH = 0x10;
    private static final int OUT_2 = 0x20;
    /** Memory is refreshed with channel 1's firmware setting, whatever the guest does to it. */
    private static final int PULSES_PER_REFRESH = 18;

    private final Pit8254 pit;
    private final LongSupplier now;
    private int value;

    /**
     * Creates the port.
     *
     * @param pit the timer whose channel 2 it controls
     * @param now tells the guest time in ns
     */
    public SystemControlPortB(Pit8254 pit, LongSupplier now) {
        this.pit = pit;
        this.now = now;
    }

    @Override
    public int readByte(int offset) {
        boolean refresh = Pit8254.CLOCK.pulseAt(now.getAsLong()) / PULSES_PER_REFRESH % 2 != 0;
        return value | (refresh ? REFRESH : 0) | (pit.out2() ? OUT_2 : 0);
    }

    @Override
    public void writeByte(int offset, int written) {
        value = written & WRITABLE;
        pit.setGate2((value & GATE_2) != 0);
    }

    @Override
    public State save() {
        return new State(value);
    }

    @Override
    public void restore(State state) {
        value = state.value;
    }

    /** State of the port: the bits that can be written. The gate is the timer's. */
    public record State(int value) {}
}
