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
    public int readByte(int offset) {
        return 0xff;
    }

    @Override
    public void writeByte(int offset, int value) {
        end.accept(new Ending.DebugExit(value));
    }

    @Override
    public boolean takesWhole(int width) {
        return true;
    }

    @Override
    public void write(int offset, int width, long value) {
        end.accept(new Ending.DebugExit((int) value));
    }
}
