package dev.kvmguest.vmm.internal.vcpu;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Ends runs at their time limits. One thread looks at all limits every few milliseconds while guests run, and rests
 * when none has run for a while: waking a thread for each guest costs a tenth of what a short guest takes, its
 * machine's making and closing included.
 */
public final class TimeLimits {

    /** The limits of all machines. */
    public static final TimeLimits SHARED = new TimeLimits(Duration.ofMillis(10), 100);

    private static final System.Logger LOG = System.getLogger(TimeLimits.class.getName());

    private final long periodNanos;
    private final int periodsUntilRest;
    private final Set<Limit> limits = ConcurrentHashMap.newKeySet();
    private final Thread watcher = new Thread(this::watch, "kvmguest-timer");
    private volatile boolean resting;

    /**
     * Starts watching.
     *
     * @param period between two looks; a limit is overrun by as much at most
     * @param periodsUntilRest how many looks may find nothing before the thread waits to be woken
     */
    public TimeLimits(Duration period, int periodsUntilRest) {
        this.periodNanos = period.toNanos();
        this.periodsUntilRest = periodsUntilRest;
        watcher.setDaemon(true);
        watcher.start();
    }

    /** One run's limit. */
    public final class Limit {

        private final long start = System.nanoTime();
        private final long nanos;
        private final Runnable atLimit;
        private final AtomicLong skipped = new AtomicLong();

        private Limit(long nanos, Runnable atLimit) {
            this.nanos = nanos;
            this.atLimit = atLimit;
        }

        /**
         * Has nanoseconds count that the guest would have waited for, and didn't because nothing could happen
         * meanwhile.
         */
        public void skip(long nanosSkipped) {
            skipped.addAndGet(nanosSkipped);
            look();
        }

        /** Forgets the limit. */
        public void cancel() {
            limits.remove(this);
        }

        private void look() {
            // The one that removes it acts, so that a limit that has been cancelled does nothing any more.
            if (System.nanoTime() - start + skipped.get() >= nanos && limits.remove(this)) {
                try {
                    atLimit.run();
                } catch (RuntimeException e) {
                    // Other guests' limits must hold all the same.
                    LOG.log(Level.ERROR, "a guest could not be stopped at its time limit", e);
                }
            }
        }
    }

    /** Calls {@code atLimit} on the watching thread once the time is over, unless it is cancelled before. */
    public Limit start(Duration limit, Runnable atLimit) {
        // Saturates: a limit of more than 292 years is no limit.
        Limit started = new Limit(TimeUnit.NANOSECONDS.convert(limit), atLimit);
        limits.add(started);
        if (resting) {
            LockSupport.unpark(watcher);
        }
        return started;
    }

    /** Returns whether the thread waits to be woken. */
    public boolean isResting() {
        return resting && watcher.getState() == Thread.State.WAITING;
    }

    private void watch() {
        int quietPeriods = 0;
        while (true) {
            LockSupport.parkNanos(this, periodNanos);
            limits.forEach(Limit::look);
            quietPeriods = limits.isEmpty() ? quietPeriods + 1 : 0;
            if (quietPeriods > periodsUntilRest) {
                rest();
                quietPeriods = 0;
            }
        }
    }

    private void rest() {
        resting = true;
        // Whoever adds a limit looks at the flag afterwards: either it is seen here, or the thread is woken.
        if (limits.isEmpty()) {
            LockSupport.park(this);
        }
        resting = false;
    }
}
