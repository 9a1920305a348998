package dev.kvmguest.vmm.device;

import java.util.ArrayDeque;

/** What was typed for a guest and not read by it yet: filled by any thread, drained by the devices that have input. */
public final class InputQueue {

    /** Returned by {@link #take} when there is nothing. */
    public static final int NONE = -1;

    private final ArrayDeque<Byte> bytes = new ArrayDeque<>();

    /** Appends bytes. */
    public synchronized void add(byte[] typed) {
        for (byte octet : typed) {
            bytes.add(octet);
        }
    }

    /** Says whether there is nothing to take. */
    public synchronized boolean isEmpty() {
        return bytes.isEmpty();
    }

    /** Removes and returns the next byte, 0 to 255, or {@link #NONE}. */
    public synchronized int take() {
        Byte next = bytes.poll();
        return next == null ? NONE : Byte.toUnsignedInt(next);
    }
}
