package dev.kvmguest.vmm.internal.bus;

/**
 * A device behind I/O ports or in memory. It knows its registers by their offset from its first address and not where
 * the board put it, and takes each access whole. Where its registers are bytes, it is a {@link ByteDevice}.
 */
public interface IoDevice {

    /**
     * Carries out a read.
     *
     * @param offset from the device's first address
     * @param width 1, 2 or 4 bytes, in memory also 8
     * @return the value, zero-extended
     */
    long read(int offset, int width);

    /**
     * Carries out a write.
     *
     * @param offset from the device's first address
     * @param width 1, 2 or 4 bytes, in memory also 8
     * @param value the value, zero-extended
     */
    void write(int offset, int width, long value);

    /**
     * Returns whether an access of {@code width} bytes that begins at this device is its own as a whole, even where it
     * runs beyond the device's end. Otherwise, the device gets the bytes up to its end, one by one.
     */
    default boolean takesBeyondItsEnd(int width) {
        return false;
    }
}
