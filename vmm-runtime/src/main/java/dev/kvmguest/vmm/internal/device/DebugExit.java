package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.IoDevice;
import dev.kvmguest.vmm.outcome.Ending;
import java.util.function.Consumer;

/** Ends the run with the value written, of 1, 2 or 4 bytes, as QEMU's isa-debug-exit does. Reads as all ones. */
public final class DebugExit implements IoDevice {

    private final Consumer<Ending> end;

    /** Creates a device that hands the end to {@code end}, 4-byte values as signed numbers. */
    public DebugExit(Consumer<Ending> end) {
        this.end = end;
    }

    @Override
    public long read(int offset, int width) {
        return (1L << 8 * width) - 1;
    }

    @Override
    public void write(int offset, int width, long value) {
        end.accept(new Ending.DebugExit((int) value));
    }

    /** The value has more bytes than the device has ports. */
    @Override
    public boolean takesBeyondItsEnd(int width) {
        return true;
    }
}
