package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.IoDevice;
import java.util.function.IntConsumer;

/** Ends the run with the value written, of 1, 2 or 4 bytes, as QEMU's isa-debug-exit does. Reads as all ones. */
public final class DebugExit implements IoDevice {

    private final IntConsumer exit;

    /** Creates a device that hands the value to {@code exit}, 4-byte values as signed numbers. */
    public DebugExit(IntConsumer exit) {
        this.exit = exit;
    }

    @Override
    public int readByte(int offset) {
        return 0xff;
    }

    @Override
    public void writeByte(int offset, int value) {
        exit.accept(value);
    }

    @Override
    public boolean takesWhole(int width) {
        return true;
    }

    @Override
    public void write(int offset, int width, long value) {
        exit.accept((int) value);
    }
}
