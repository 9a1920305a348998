package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.engine.GuestClock;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;

/**
 * How long a guest goes on after whoever talked to it has done so: {@value #GRACE} ns of guest time after the last that
 * both had to do with each other. So its end doesn't depend on how far it came meanwhile, which the host decides.
 *
 * <p>All methods but {@link #begin} and {@link #hasBegun} belong to the thread that runs the vCPU.
 */
final class LastMoment {

    /** Long enough for a kernel to fail at what it was asked last, and short for a person. */
    static final long GRACE = 100_000_000;

    private static final long NEVER = Long.MAX_VALUE;

    private final GuestClock clock;
    private final PcBoard board;
    private final ConsoleOutput console;

    private volatile boolean begun;
    private volatile boolean observed;
    private long lastRead = -1;
    private long from = NEVER;

    LastMoment(VirtualCpu cpu, PcBoard board, ConsoleOutput console) {
        this.clock = cpu.clock();
        this.board = board;
        this.console = console;
        board.input().onRead(() -> lastRead = clock.time());
    }

    /**
     * Says that nobody talks to the guest any more.
     *
     * @param looked whether its screen or memory was looked at, so that any moment until now may count
     */
    void begin(boolean looked) {
        observed = looked;
        begun = true;
    }

    /** Returns whether nobody talks to the guest any more. */
    boolean hasBegun() {
        return begun;
    }

    /** Returns the guest time, in ns, at which its time is over; one that never comes while somebody talks to it. */
    long end() {
        if (!begun) {
            return NEVER;
        }
        if (from == NEVER) {
            from = lastExchange();
        }
        return Math.max(from, lastRead) + GRACE;
    }

    /** Returns whether its time is over. */
    boolean isOver() {
        return begun && clock.time() >= end();
    }

    private long lastExchange() {
        int awaited = console.console().awaited();
        boolean unread = !board.input().isEmpty() || board.keyboard().hasUnreadKey();
        return observed || unread || awaited == 0 && lastRead < 0
                ? clock.time()
                : Math.max(lastRead, awaited == 0 ? -1 : console.timeOf(awaited));
    }
}
