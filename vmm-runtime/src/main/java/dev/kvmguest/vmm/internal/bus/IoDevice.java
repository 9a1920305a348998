package dev.kvmguest.vmm.internal.bus;

/**
 * A device behind I/O ports. It knows its registers by their offset from its first port and not where the board put it.
 *
 * <p>A device whose registers are bytes overrides the byte methods only: a wider access reaches it as byte accesses at
 * successive offsets, the lowest first, as a PC's bus does it for 8-bit devices.
 */
public interface IoDevice {

    /** Returns the byte register at {@code offset}, 0 to 255. */
    int readByte(int offset);

    /** Writes the byte register at {@code offset}. */
    void writeByte(int offset, int value);

    /** Returns whether the device takes accesses of {@code width} bytes (2 or 4) whole, at {@link #write}. */
    default boolean takesWhole(int width) {
        return false;
    }

    /**
     * Takes a whole access.
     *
     * @param value the value written, zero-extended
     */
    default void write(int offset, int width, long value) {
        throw new UnsupportedOperationException("device takes no accesses of " + width + " bytes");
    }
}
