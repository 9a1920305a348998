package dev.kvmguest.vmm.internal.kvm;

import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Brings a vCPU out of KVM_RUN at a time; one thread does it for all, and ends when there has been nothing to do. */
final class Alarm {

    static final long NEVER = Long.MAX_VALUE;

    private static final ScheduledThreadPoolExecutor CLOCK = clock();

    private final Runnable action;
    private long setTo = NEVER;
    private Future<?> pending;

    /** Creates an alarm that isn't set. */
    Alarm(Runnable action) {
        this.action = action;
    }

    /** Sets the alarm to a time, given what time it is now, both in nanoseconds; {@link #NEVER} takes it back. */
    void set(long time, long now) {
        if (time == setTo) {
            return;
        }
        setTo = time;
        if (pending != null) {
            pending.cancel(false);
        }
        pending = time == NEVER ? null : CLOCK.schedule(action, time - now, TimeUnit.NANOSECONDS);
    }

    private static ScheduledThreadPoolExecutor clock() {
        ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "kvmguest-alarm");
            thread.setDaemon(true);
            return thread;
        });
        clock.setRemoveOnCancelPolicy(true);
        clock.setKeepAliveTime(1, TimeUnit.SECONDS);
        clock.allowCoreThreadTimeOut(true);
        return clock;
    }
}
