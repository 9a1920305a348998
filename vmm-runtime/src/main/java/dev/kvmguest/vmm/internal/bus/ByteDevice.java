package dev.kvmguest.vmm.internal.bus;

/**
 * A device whose registers are bytes: a wider access reaches it as byte accesses at successive offsets, the lowest
 * first, as a PC's bus does it for 8-bit devices.
 */
public interface ByteDevice extends IoDevice {

    /** Returns the byte register at {@code offset}, 0 to 255. */
    int readByte(int offset);

    /** Writes the byte register at {@code offset}. */
    void writeByte(int offset, int value);

    @Override
    default long read(int offset, int width) {
        long value = 0;
        for (int i = 0; i < width; i++) {
            value |= (readByte(offset + i) & 0xffL) << 8 * i;
        }
        return value;
    }

    @Override
    default void write(int offset, int width, long value) {
        for (int i = 0; i < width; i++) {
            writeByte(offset + i, (int) (value >>> 8 * i) & 0xff);
        }
    }
}
