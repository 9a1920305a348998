package dev.kvmguest.vmm.internal.engine;

import java.nio.ByteBuffer;

/** Numbers in the data of an exit: little-endian, whatever the buffer's order. */
public final class ExitData {

    private ExitData() {}

    /** Takes a number of 1 to 8 bytes from the buffer's position, zero-extended. */
    public static long get(ByteBuffer data, int width) {
        long value = 0;
        for (int i = 0; i < width; i++) {
            value |= Byte.toUnsignedLong(data.get()) << 8 * i;
        }
        return value;
    }

    /** Puts a number of 1 to 8 bytes at the buffer's position. */
    public static void put(ByteBuffer data, int width, long value) {
        for (int i = 0; i < width; i++) {
            data.put((byte) (value >>> 8 * i));
        }
    }
}
