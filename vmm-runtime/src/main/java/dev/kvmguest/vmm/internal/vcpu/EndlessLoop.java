package dev.kvmguest.vmm.internal.vcpu;

import dev.kvmguest.vmm.internal.board.Board;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import dev.kvmguest.vmm.internal.engine.StateReturn;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Proves that a guest can never end: its whole state has come round again, twice, and nothing from outside can change
 * what it does next. That holds if no interrupt can reach it, and if what it has exchanged with devices meanwhile is
 * decided by their state alone, which has come round too.
 *
 * <p>It tries so after {@value #FIRST} ns of guest time and whenever that has doubled, for a sixteenth of the time
 * until then. What costs time is done only if the rest is as before: what RAM holds is kept if the guest comes back to
 * the same instruction with the same general registers, and the whole state is remembered if RAM too has come round.
 * Most guests that will end don't come so far. A loop that takes longer is not proved.
 * Only for a vCPU whose RAM nobody else writes to, and for a guest for which nobody can type.
 */
public final class EndlessLoop {

    /** When it is first tried, in ns of guest time. */
    static final long FIRST = 10_000_000;

    /** A part of the time until now, inverted. */
    private static final int PART = 16;
    /** When it is tried again if the guest was amid an instruction, and then after twice the time. */
    private static final long SOON = 10;
    /** Processors have hidden state, such as cached translations: what came round twice stays. */
    private static final int ROUNDS = 2;
    /** After so many looks at a state that is another, a try has cost more than the rest of it would. */
    private static final int MOST_OTHERS = 4;

    private final VirtualCpu cpu;
    private final StateReturn states;
    private final Board board;
    private final LongSupplier retry;

    private long next = FIRST;
    private long soon = SOON;
    private boolean watching;
    private boolean memoryWatched;
    private Map<String, Object> devices;
    private int rounds;
    private int others;

    /**
     * Prepares the proof.
     *
     * @param cpu the vCPU
     * @param states what finds out whether it comes back to a state
     * @param board its board
     * @param retry says when an interrupt may be repeated that came too early; {@link TimedDevice#NEVER} if none will
     */
    public EndlessLoop(VirtualCpu cpu, StateReturn states, Board board, LongSupplier retry) {
        this.cpu = cpu;
        this.states = states;
        this.board = board;
        this.retry = retry;
    }

    /** Returns the guest time at which {@link #isProved} is to be asked next. */
    public long alarm() {
        return next;
    }

    /**
     * Looks at an exit that has been handled; to be called after each.
     *
     * @return whether the guest can never end
     */
    public boolean isProved(VmExit exit) {
        if (exit instanceof VmExit.Interrupted) {
            look(cpu.clock().time());
        } else if (devices != null && !isTimeless(exit)) {
            giveUp(cpu.clock().time());
        }
        if (rounds < ROUNDS) {
            return false;
        }
        states.forget();
        return true;
    }

    private void look(long now) {
        if (now >= next) {
            if (watching) {
                giveUp(now);
            } else {
                begin(now);
            }
        } else if (watching && !comesRound() && ++others > MOST_OTHERS) {
            giveUp(now);
        }
    }

    private void begin(long now) {
        if (!states.mark()) {
            next = now + soon;
            soon *= 2;
            return;
        }
        soon = SOON;
        watching = true;
        next = now + now / PART;
    }

    /** Returns whether the guest is where the mark is, and as far as it is known yet, in the same state as before. */
    private boolean comesRound() {
        if (!memoryWatched) {
            memoryWatched = states.watchMemory();
            return memoryWatched;
        }
        if (devices == null) {
            if (!states.remember()) {
                return false;
            }
            devices = board.timelessState();
            return true;
        }
        if (!states.isBack() || !board.timelessState().equals(devices) || states.wasInterruptible() && mayInterrupt()) {
            return false;
        }
        rounds++;
        return true;
    }

    /** Returns whether what the guest got by an exit will be the same at any other time. */
    private boolean isTimeless(VmExit exit) {
        if (exit instanceof VmExit.PortIn in) {
            return board.isTimeless(in.port());
        }
        if (exit instanceof VmExit.PortOut out) {
            return board.isTimeless(out.port());
        }
        if (exit instanceof VmExit.MemoryRead read) {
            return !board.memory().hasDevice(read.address());
        }
        if (exit instanceof VmExit.MemoryWrite write) {
            return !board.memory().hasDevice(write.address());
        }
        return false;
    }

    private boolean mayInterrupt() {
        return board.interruptIsToCome() || retry.getAsLong() != TimedDevice.NEVER;
    }

    private void giveUp(long now) {
        states.forget();
        watching = false;
        memoryWatched = false;
        devices = null;
        rounds = 0;
        others = 0;
        next = Math.max(FIRST, 2 * now);
    }
}
