package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.Persistent;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;

/** How a guest's mouse was moved and not reported to the guest yet: filled by any thread, drained by the mouse. */
public final class MouseQueue implements Persistent<MouseQueue.State> {

    private final ArrayDeque<MouseMove> moves = new ArrayDeque<>();
    private volatile Runnable listener = () -> {};

    /** Has {@code action} run, by the thread that moves the mouse, after something was added. */
    public void onInput(Runnable action) {
        listener = action;
    }

    /** Appends movements. */
    public void add(List<MouseMove> more) {
        synchronized (this) {
            moves.addAll(more);
        }
        listener.run();
    }

    /** Returns whether nothing is left. */
    public synchronized boolean isEmpty() {
        return moves.isEmpty();
    }

    /** Removes and returns the next movement, if there is one. */
    synchronized Optional<MouseMove> take() {
        return Optional.ofNullable(moves.poll());
    }

    @Override
    public synchronized State save() {
        return new State(List.copyOf(moves));
    }

    @Override
    public synchronized void restore(State state) {
        moves.clear();
        moves.addAll(state.moves);
    }

    /** State of the queue: what has not been reported. */
    public record State(List<MouseMove> moves) {}
}
