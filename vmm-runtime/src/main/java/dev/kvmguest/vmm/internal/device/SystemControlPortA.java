package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.outcome.Ending;
import java.util.function.Consumer;

/**
 * System control port A of the PS/2: bit 0 resets the processor, bit 1 is the A20 gate. The gate only reads back: A20
 * is always open.
 *
 * <p>Source: IBM PS/2 Hardware Interface Technical Reference (1988), "System Control Port A".
 */
public final class SystemControlPortA implements ByteDevice, Persistent<SystemControlPortA.State> {

    private static final int FAST_RESET = 0x01;
    private static final int A20 = 0x02;

    private final Consumer<Ending> end;
    private int value = A20;

    /** Creates the port; {@code end} takes the reset of the processor. */
    public SystemControlPortA(Consumer<Ending> end) {
        this.end = end;
    }

    @Override
    public int readByte(int offset) {
        return value;
    }

    @Override
    public void writeByte(int offset, int written) {
        value = written & ~FAST_RESET;
        if ((written & FAST_RESET) != 0) {
            end.accept(new Ending.Reset("bit 0 of system control port A was set"));
        }
    }

    @Override
    public State save() {
        return new State(value);
    }

    @Override
    public void restore(State state) {
        value = state.value;
    }

    /** State of the port: what it reads as. */
    public record State(int value) {}
}
