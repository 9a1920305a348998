package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.outcome.Ending;
import java.util.function.Consumer;

/**
 * The reset control register of PCI chipsets: bit 2 going from 0 to 1 resets the processor, bit 1 says whether the
 * whole system with it.
 *
 * <p>Source: Intel 82371AB (PIIX4) data sheet (1997), 4.1.4.1, "RC - Reset Control Register".
 */
public final class ResetControl implements ByteDevice, Persistent<ResetControl.State> {

    private static final int SYSTEM_RESET = 0x02;
    private static final int RESET_CPU = 0x04;

    private final Consumer<Ending> end;
    private int value;

    /** Creates the register; {@code end} takes the reset of the machine. */
    public ResetControl(Consumer<Ending> end) {
        this.end = end;
    }

    @Override
    public int readByte(int offset) {
        return value;
    }

    @Override
    public void writeByte(int offset, int written) {
        boolean rising = (value & RESET_CPU) == 0 && (written & RESET_CPU) != 0;
        value = written;
        if (rising) {
            String kind = (written & SYSTEM_RESET) != 0 ? "hard" : "soft";
            end.accept(new Ending.Reset(
                    String.format("0x%02x to the reset control register asked for a %s reset", written, kind)));
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

    /** State of the register: what was written last. */
    public record State(int value) {}
}
