package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.Persistent;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * What was typed for a guest and not read by it yet: filled by any thread, drained by the devices that have input.
 *
 * <p>What is typed as bytes goes to whichever device the guest reads it from: COM1 and the hypercall port take bytes,
 * the keyboard makes keystrokes of those that its layout has and skips the others. The keyboard gets none while COM1's
 * received-data interrupt is enabled, nor once the guest has read one elsewhere, so that a guest with both finds what
 * is typed in one place. What is typed as keystrokes is the keyboard's only, and comes before the bytes.
 */
public final class InputQueue implements Persistent<InputQueue.State> {

    /** Returned by {@link #take} when there is nothing. */
    public static final int NONE = -1;

    private final ArrayDeque<Byte> bytes = new ArrayDeque<>();
    private final ArrayDeque<Keystroke> keystrokes = new ArrayDeque<>();
    private boolean used;
    private boolean reservedForBytes;
    private boolean readAsBytes;
    private volatile Runnable listener = () -> {};
    private Runnable reader = () -> {};

    /** Has {@code action} run, by the thread that types, after something was added. It replaces the one before. */
    public void onInput(Runnable action) {
        listener = action;
    }

    /** Has {@code action} run, by the thread that reads, when a device takes something. It replaces the one before. */
    public synchronized void onRead(Runnable action) {
        reader = action;
    }

    /** Appends bytes. */
    public void add(byte[] typed) {
        synchronized (this) {
            used |= typed.length > 0;
            for (byte octet : typed) {
                bytes.add(octet);
            }
        }
        listener.run();
    }

    /** Appends keystrokes. */
    public void add(Collection<Keystroke> typed) {
        synchronized (this) {
            used |= !typed.isEmpty();
            keystrokes.addAll(typed);
        }
        listener.run();
    }

    /** Returns whether nothing of what was typed is left. */
    public synchronized boolean isEmpty() {
        return bytes.isEmpty() && keystrokes.isEmpty();
    }

    /** Returns whether anything was typed, read or not. */
    public synchronized boolean wasUsed() {
        return used;
    }

    /** Returns the number of bytes to take. */
    public synchronized int size() {
        return bytes.size();
    }

    /** Removes and returns the next byte, 0 to 255, or {@link #NONE}. From the first on, bytes make no keystrokes. */
    public synchronized int take() {
        Byte next = bytes.poll();
        if (next == null) {
            return NONE;
        }
        readAsBytes = true;
        reader.run();
        return Byte.toUnsignedInt(next);
    }

    /** Returns whether bytes are to make no keystrokes, from now until it is called again. */
    synchronized void reserveForBytes(boolean reserved) {
        reservedForBytes = reserved;
    }

    /** Returns whether {@link #takeKeystroke} would return one. */
    synchronized boolean hasKeystroke() {
        return !keystrokes.isEmpty() || bytesMakeKeystrokes() && bytes.stream().anyMatch(InputQueue::isOnKeyboard);
    }

    /** Removes and returns the next keystroke, if there is one. Bytes that came before it and have no keys are lost. */
    synchronized Optional<Keystroke> takeKeystroke() {
        Optional<Keystroke> next = Optional.ofNullable(keystrokes.poll());
        if (next.isPresent()) {
            reader.run();
        }
        while (bytesMakeKeystrokes() && next.isEmpty() && !bytes.isEmpty()) {
            next = UsLayout.keystroke(Byte.toUnsignedInt(bytes.remove()));
            reader.run();
        }
        return next;
    }

    private boolean bytesMakeKeystrokes() {
        return !reservedForBytes && !readAsBytes;
    }

    private static boolean isOnKeyboard(Byte octet) {
        return UsLayout.keystroke(Byte.toUnsignedInt(octet)).isPresent();
    }

    @Override
    public synchronized State save() {
        return new State(List.copyOf(bytes), List.copyOf(keystrokes), used, reservedForBytes, readAsBytes);
    }

    @Override
    public synchronized void restore(State state) {
        bytes.clear();
        bytes.addAll(state.bytes);
        keystrokes.clear();
        keystrokes.addAll(state.keystrokes);
        used = state.used;
        reservedForBytes = state.reservedForBytes;
        readAsBytes = state.readAsBytes;
    }

    /** State of the queue: what has not been read, and who may read it. */
    public record State(
            List<Byte> bytes,
            List<Keystroke> keystrokes,
            boolean used,
            boolean reservedForBytes,
            boolean readAsBytes) {}
}
