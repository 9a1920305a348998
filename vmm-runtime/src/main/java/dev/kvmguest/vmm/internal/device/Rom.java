package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;

/** Memory that can only be read: writes are dropped. */
public final class Rom implements ByteDevice {

    private final byte[] bytes;

    /** Creates a ROM with a copy of {@code content}. */
    public Rom(byte[] content) {
        bytes = content.clone();
    }

    /** Returns the number of bytes. */
    public int size() {
        return bytes.length;
    }

    @Override
    public int readByte(int offset) {
        return Byte.toUnsignedInt(bytes[offset]);
    }

    @Override
    public void writeByte(int offset, int value) {
        // There is nothing to write to.
    }
}
