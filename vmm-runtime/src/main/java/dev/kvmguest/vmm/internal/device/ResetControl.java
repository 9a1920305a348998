package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.IoDevice;
import java.util.function.Consumer;

/**
 * The reset control register of PCI chipsets: bit 2 going from 0 to 1 resets the processor, bit 1 says whether the whole
 * system with it.
 *
 * <p>Source: Intel 82371AB (PIIX4) data sheet (1997), 4.1.4.1, "RC - Reset Control Register".
 */
public final class ResetControl implements IoDevice {

    private static final int SYSTEM_RESET = 0x02;
    private static final int RESET_CPU = 0x04;

    private final Consumer<String> reset;
    private int value;

    /** Creates the register; it calls {@code reset} with the cause, in words, when the guest resets the machine. */
    public ResetControl(Consumer<String> reset) {
        this.reset = reset;
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
            reset.accept(String.format("0x%02x to the reset control register asked for a %s reset", written, kind));
        }
    }
}
