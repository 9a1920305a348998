package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import java.util.function.IntConsumer;

/**
 * The debug console of Bochs and QEMU: one port, every byte written is console output, reading it gives 0xE9, by which
 * a guest can tell that it is there.
 */
public final class DebugConsole implements ByteDevice {

    private static final int PRESENT = 0xe9;

    private final IntConsumer output;

    /** Creates a console that hands each byte, 0 to 255, to {@code output}. */
    public DebugConsole(IntConsumer output) {
        this.output = output;
    }

    @Override
    public int readByte(int offset) {
        return PRESENT;
    }

    @Override
    public void writeByte(int offset, int value) {
        output.accept(value);
    }
}
