package dev.kvmguest.vmm.internal.bus;

import java.util.Arrays;

/** The first bytes of a stream, up to a limit; the rest is counted and dropped. Not safe for several threads. */
public final class ByteLog implements Persistent<ByteLog.State> {

    private static final int SMALLEST = 16;

    private final int limit;
    private byte[] bytes = new byte[SMALLEST];
    private int size;
    private long dropped;

    /** Creates an empty log that keeps {@code limit} bytes. */
    public ByteLog(int limit) {
        this.limit = limit;
    }

    /** Appends a byte, or counts it as dropped. */
    public void append(int octet) {
        if (size == limit) {
            dropped++;
            return;
        }
        if (size == bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.min(limit, 2 * size));
        }
        bytes[size++] = (byte) octet;
    }

    /** Returns the number of bytes kept. */
    public int size() {
        return size;
    }

    /** Returns the number of bytes that were not kept. */
    public long dropped() {
        return dropped;
    }

    /** Returns a copy of the bytes kept. */
    public byte[] toByteArray() {
        return Arrays.copyOf(bytes, size);
    }

    /** Returns a copy of the bytes kept from {@code start}, inclusive, to {@code end}, exclusive. */
    public byte[] toByteArray(int start, int end) {
        return Arrays.copyOfRange(bytes, start, Math.min(end, size));
    }

    @Override
    public State save() {
        return new State(toByteArray(), dropped);
    }

    @Override
    public void restore(State state) {
        bytes = Arrays.copyOf(state.kept, Math.max(SMALLEST, state.kept.length));
        size = state.kept.length;
        dropped = state.dropped;
    }

    /** State of a log: the bytes kept, not to be changed, and how many were dropped. */
    public record State(byte[] kept, long dropped) {}
}
