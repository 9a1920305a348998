package dev.kvmguest.vmm.memory;

import static dev.kvmguest.vmm.text.Notation.hex;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A guest's RAM: guest physical addresses 0 up to {@link #size()}.
 *
 * <p>Every access is checked against the size and against use after {@link #close()}, so a stray read in a test is an
 * exception and never a crash of the JVM. Multi-byte values are little-endian. Several threads may use it. A guest that
 * runs meanwhile sees single bytes change.
 */
public final class GuestMemory implements AutoCloseable {

    /** The size of RAM is a multiple of this. */
    private static final int PAGE = 4096;

    private final long size;
    private final Runnable release;
    private final WriteObserver observer;
    private ByteBuffer ram;

    /** Learns of writes through this class before they happen. */
    @FunctionalInterface
    public interface WriteObserver {

        /** Called by the writing thread; the range is inside RAM. */
        void beforeWrite(long address, int length);
    }

    /**
     * Wraps a direct buffer, from position 0 to its capacity.
     *
     * @param ram guest RAM; valid until {@code release} has been run
     * @param release gives the memory back; run once, by the first {@link #close()}
     */
    public GuestMemory(ByteBuffer ram, Runnable release) {
        this(ram, release, (address, length) -> {});
    }

    /**
     * Wraps a direct buffer, from position 0 to its capacity.
     *
     * @param ram guest RAM; valid until {@code release} has been run
     * @param release gives the memory back; run once, by the first {@link #close()}
     * @param observer learns of each write
     */
    public GuestMemory(ByteBuffer ram, Runnable release, WriteObserver observer) {
        this.ram = ram.order(ByteOrder.LITTLE_ENDIAN);
        this.size = ram.capacity();
        this.release = release;
        this.observer = observer;
    }

    /** Returns the size in bytes. */
    public long size() {
        return size;
    }

    /** Returns the byte at a guest physical address, 0 to 255. */
    public synchronized int readByte(long address) {
        return Byte.toUnsignedInt(ram.get(check(address, 1)));
    }

    /** Returns the two bytes at a guest physical address, 0 to 65535. */
    public synchronized int readShort(long address) {
        return Short.toUnsignedInt(ram.getShort(check(address, 2)));
    }

    /** Returns the four bytes at a guest physical address, as a signed number. */
    public synchronized int readInt(long address) {
        return ram.getInt(check(address, 4));
    }

    /** Returns the eight bytes at a guest physical address, as a signed number. */
    public synchronized long readLong(long address) {
        return ram.getLong(check(address, 8));
    }

    /** Returns a copy of {@code length} bytes from a guest physical address on. */
    public synchronized byte[] read(long address, int length) {
        int start = check(address, length);
        byte[] bytes = new byte[length];
        ram.get(start, bytes);
        return bytes;
    }

    /** Writes the lowest 8 bits of {@code value}. */
    public synchronized void writeByte(long address, int value) {
        ram.put(checkWrite(address, 1), (byte) value);
    }

    /** Writes the lowest 16 bits of {@code value}. */
    public synchronized void writeShort(long address, int value) {
        ram.putShort(checkWrite(address, 2), (short) value);
    }

    /** Writes 32 bits. */
    public synchronized void writeInt(long address, int value) {
        ram.putInt(checkWrite(address, 4), value);
    }

    /** Writes 64 bits. */
    public synchronized void writeLong(long address, long value) {
        ram.putLong(checkWrite(address, 8), value);
    }

    /**
     * Copies all of it into memory of the same size that is still all zero. Zeros are not written, so the host needs no
     * pages for them.
     */
    public void copyTo(GuestMemory fresh) {
        byte[] zeros = new byte[PAGE];
        for (long page = 0; page < size(); page += PAGE) {
            byte[] bytes = read(page, PAGE);
            if (!Arrays.equals(bytes, zeros)) {
                fresh.write(page, bytes);
            }
        }
    }

    /** Writes bytes from a guest physical address on. */
    public synchronized void write(long address, byte[] bytes) {
        ram.put(checkWrite(address, bytes.length), bytes);
    }

    /** Gives the memory back. Every later access throws {@link IllegalStateException}; a second call does nothing. */
    @Override
    public synchronized void close() {
        if (ram != null) {
            ram = null;
            release.run();
        }
    }

    private int checkWrite(long address, int length) {
        int start = check(address, length);
        observer.beforeWrite(address, length);
        return start;
    }

    private int check(long address, int length) {
        if (ram == null) {
            throw new IllegalStateException("guest memory is closed: its machine has been closed");
        }
        if (address < 0 || length < 0 || address > size - length) {
            throw new IndexOutOfBoundsException("guest physical address " + hex(address) + " + " + length
                    + " bytes is outside RAM, which ends at " + hex(size));
        }
        return (int) address;
    }
}
