package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.Persistent;

/**
 * The POST diagnostic port: keeps the last code and reads it back. The bus records the sequence, as for every port.
 */
public final class PostCode implements ByteDevice, Persistent<PostCode.State> {

    private int last;

    @Override
    public int readByte(int offset) {
        return last;
    }

    @Override
    public void writeByte(int offset, int value) {
        last = value;
    }

    @Override
    public State save() {
        return new State(last);
    }

    @Override
    public void restore(State state) {
        last = state.last;
    }

    /** State of the port: the last code. */
    public record State(int last) {}
}
