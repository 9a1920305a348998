package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;

/**
 * The POST diagnostic port: keeps the last code and reads it back. The bus records the sequence, as for every port.
 */
public final class PostCode implements ByteDevice {

    private int last;

    @Override
    public int readByte(int offset) {
        return last;
    }

    @Override
    public void writeByte(int offset, int value) {
        last = value;
    }
}
