package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.internal.engine.GuestClock;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The host's time, from the vCPU's making on. One thread watches the alarms of all vCPUs, and ends when there has been
 * nothing to do.
 */
final class HostClock implements GuestClock {

    private static final ScheduledThreadPoolExecutor ALARMS = alarms();

    private long start = System.nanoTime();
    private final Runnable atAlarm;
    private long alarm = NEVER;
    private Future<?> pending;

    /** Creates a clock without an alarm; {@code atAlarm} is called when one is due, by another thread. */
    HostClock(Runnable atAlarm) {
        this.atAlarm = atAlarm;
    }

    @Override
    public long time() {
        return System.nanoTime() - start;
    }

    /** Has it be a time now, in nanoseconds. No alarm may be set. */
    void restore(long time) {
        start = System.nanoTime() - time;
    }

    @Override
    public void setAlarm(long time) {
        if (time == alarm) {
            return;
        }
        alarm = time;
        if (pending != null) {
            pending.cancel(false);
        }
        pending = time == NEVER ? null : ALARMS.schedule(atAlarm, time - time(), TimeUnit.NANOSECONDS);
    }

    private static ScheduledThreadPoolExecutor alarms() {
        ScheduledThreadPoolExecutor alarms = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "kvmguest-alarm");
            thread.setDaemon(true);
            return thread;
        });
        alarms.setRemoveOnCancelPolicy(true);
        alarms.setKeepAliveTime(1, TimeUnit.SECONDS);
        alarms.allowCoreThreadTimeOut(true);
        return alarms;
    }
}
