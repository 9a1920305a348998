package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.Persistent;

/**
 * The counting element of an 8254's channel, with its gate and OUT. Times are clock pulses, and never go back from one
 * call to the next.
 *
 * <p>Nothing is moved by each pulse. {@link #origin} is the pulse at which the element was loaded with {@link #count};
 * what it has counted to and how OUT is follow from the pulses since then.
 *
 * <p>Source: Intel 8254 data sheet (1993), "Mode Definitions", for each mode's steps.
 */
final class PitCounter implements Persistent<PitCounter.State> {

    private static final long NEVER = PulseClock.NEVER;
    private static final int NOT_STOPPED = -1;

    private int mode;
    private int modulus;
    private boolean gate;

    /** What the element was loaded with, at least 1; 0 if there is nothing yet. */
    private int count;
    /** The pulse at which it was loaded or will be; {@link #NEVER} while it waits for a count or a trigger. */
    private long origin = NEVER;
    /** In mode 3, whether the half period that begins at the origin is the one with OUT low. */
    private boolean lowFirst;
    /** How far from the origin the gate stopped the count. */
    private long stopped = NOT_STOPPED;
    /** What the element has until it is loaded, and how OUT is. */
    private int valueBefore;

    private boolean outBefore = true;

    /** A count for later, or 0: for the next trigger, or for {@link #reloadAt} if that comes first. */
    private int next;

    private long reloadAt = NEVER;

    PitCounter(boolean gate) {
        this.gate = gate;
    }

    /**
     * Takes a control word: stops, and OUT is at its mode's initial level at once.
     *
     * @param mode 0 to 5
     * @param modulus 65,536, or 10,000 for BCD
     */
    void program(int mode, int modulus, long now) {
        waitForCount(now);
        this.mode = mode;
        this.modulus = modulus;
        count = 0;
        outBefore = mode != 0;
    }

    /** Takes the first of a count's two bytes, which in mode 0 stops the count that runs. */
    void expectSecondByte(long now) {
        if (mode == 0) {
            waitForCount(now);
        }
    }

    /**
     * Takes a new count when its mode says: at the next pulse, at the end of the period or with the next trigger.
     *
     * @param written at least 1
     */
    void load(int written, long now) {
        reloadIfDue(now);
        if (mode == 1 || mode == 5) {
            next = written;
        } else if (isPeriodic() && now >= origin) {
            next = written;
            reloadAt = stopped == NOT_STOPPED ? endOfTurn(now) : NEVER;
        } else {
            start(written, now);
            stopped = gate ? NOT_STOPPED : 0;
        }
    }

    /**
     * Sets the gate; in modes 1, 2, 3 and 5 its rise is a trigger, in the others but 1 and 5 it stops the count while
     * low.
     */
    void gate(boolean high, long now) {
        if (high == gate) {
            return;
        }
        reloadIfDue(now);
        if (mode == 0 || mode == 4) {
            if (high && stopped != NOT_STOPPED) {
                origin = now - stopped;
                stopped = NOT_STOPPED;
            } else if (!high && origin != NEVER) {
                stopped = elapsed(now);
            }
        } else if (high && (next != 0 || count != 0)) {
            outBefore = mode != 1 || out(now);
            start(next != 0 ? next : count, now);
        } else if (!high && isPeriodic()) {
            stopped = elapsed(now);
            reloadAt = NEVER;
        }
        gate = high;
    }

    /** Returns whether OUT goes low and rises again and again, as it does in modes 2 and 3. */
    boolean isPeriodic() {
        return mode == 2 || mode == 3;
    }

    /** Returns the level of OUT. */
    boolean out(long now) {
        reloadIfDue(now);
        if (now < origin) {
            return outBefore;
        }
        if (isPeriodic() && stopped != NOT_STOPPED) {
            return true;
        }
        long elapsed = elapsed(now);
        return switch (mode) {
            case 0, 1 -> elapsed >= count;
            case 2 -> count == 1 || elapsed % count != count - 1;
            case 3 -> isHighHalf(elapsed);
            default -> elapsed != count;
        };
    }

    /** Returns what the element has counted to, 0 to modulus - 1. */
    int value(long now) {
        reloadIfDue(now);
        if (now < origin) {
            return valueBefore;
        }
        long elapsed = elapsed(now);
        long value =
                switch (mode) {
                    case 2 -> count - elapsed % count;
                    // By two, from the count or from one less if that is odd.
                    case 3 -> (count & ~1) - 2 * (elapsed - startOfHalf(elapsed));
                    default -> count - elapsed;
                };
        return (int) Math.floorMod(value, (long) modulus);
    }

    /** Returns whether a count or a control word was written and the element has not been loaded since. */
    boolean isNullCount(long now) {
        reloadIfDue(now);
        return next != 0 || now < origin;
    }

    /**
     * Returns the first pulse after {@code now} at which OUT rises if nobody touches the counter, or
     * {@link PulseClock#NEVER}.
     */
    long nextRise(long now) {
        reloadIfDue(now);
        if (origin == NEVER || stopped != NOT_STOPPED) {
            return NEVER;
        }
        int following = next != 0 ? next : count;
        long rise =
                switch (mode) {
                    case 0, 1 -> origin + count;
                    case 2 -> count > 1 ? endOfTurn(now) : afterFirst(following, now);
                    case 3 -> out(now) ? afterLowHalf(following, now) : endOfTurn(now);
                    default -> origin + count + 1;
                };
        return rise > now ? rise : NEVER;
    }

    /** Mode 2 has no period of one pulse: OUT stays high until a count that has one has been counted. */
    private long afterFirst(int following, long now) {
        return following > 1 ? endOfTurn(now) + following : NEVER;
    }

    /** Mode 3 has no period of one pulse either: there is no low half then. */
    private long afterLowHalf(int following, long now) {
        return following > 1 ? endOfTurn(now) + following / 2 : NEVER;
    }

    private void waitForCount(long now) {
        valueBefore = modulus == 0 ? 0 : value(now);
        origin = NEVER;
        stopped = NOT_STOPPED;
        next = 0;
        reloadAt = NEVER;
    }

    /** Has the element loaded at the next pulse. */
    private void start(int loaded, long now) {
        valueBefore = value(now);
        count = loaded;
        origin = now + 1;
        lowFirst = false;
        stopped = NOT_STOPPED;
        next = 0;
        reloadAt = NEVER;
    }

    private void reloadIfDue(long now) {
        if (now >= reloadAt) {
            lowFirst = mode == 3 && isHighHalf(reloadAt - 1 - origin);
            origin = reloadAt;
            count = next;
            next = 0;
            reloadAt = NEVER;
        }
    }

    private long elapsed(long now) {
        return stopped != NOT_STOPPED ? stopped : Math.max(0, now - origin);
    }

    /** Returns the pulse at which the period of mode 2 or the half period of mode 3 ends. */
    private long endOfTurn(long now) {
        long elapsed = elapsed(now);
        if (mode == 2) {
            return origin + elapsed - elapsed % count + count;
        }
        long half = isHighHalf(elapsed) ? count - count / 2 : count / 2;
        return origin + startOfHalf(elapsed) + half;
    }

    private boolean isHighHalf(long elapsed) {
        return elapsed % count < firstHalf() != lowFirst;
    }

    private long startOfHalf(long elapsed) {
        long inPeriod = elapsed % count;
        return elapsed - inPeriod + (inPeriod < firstHalf() ? 0 : firstHalf());
    }

    /** An odd count's high half is a pulse longer. */
    private int firstHalf() {
        return lowFirst ? count / 2 : count - count / 2;
    }

    @Override
    public State save() {
        return new State(mode, modulus, gate, count, origin, lowFirst, stopped, valueBefore, outBefore, next, reloadAt);
    }

    @Override
    public void restore(State state) {
        mode = state.mode;
        modulus = state.modulus;
        gate = state.gate;
        count = state.count;
        origin = state.origin;
        lowFirst = state.lowFirst;
        stopped = state.stopped;
        valueBefore = state.valueBefore;
        outBefore = state.outBefore;
        next = state.next;
        reloadAt = state.reloadAt;
    }

    /** State of a counter; {@code origin}, {@code stopped} and {@code reloadAt} are clock pulses. */
    record State(
            int mode,
            int modulus,
            boolean gate,
            int count,
            long origin,
            boolean lowFirst,
            long stopped,
            int valueBefore,
            boolean outBefore,
            int next,
            long reloadAt) {}
}
