package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.internal.engine.GuestClock;
import dev.kvmguest.vmm.outcome.Console;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntConsumer;

/**
 * Puts what a guest writes on its console, until its run is over: a guest that is examined afterwards may go on
 * writing. All methods but {@link #console} belong to the thread that runs the vCPU.
 */
final class ConsoleOutput implements IntConsumer {

    /** Times are noted no more often than this, in ns of guest time. */
    private static final long INTERVAL = 100_000;

    private final GuestClock clock;
    private final Console console;
    /** When bytes were written, in ns of guest time, by the number of bytes before them. */
    private final TreeMap<Integer, Long> times = new TreeMap<>();

    private int written;
    private long noted = -INTERVAL;
    private boolean stopped;

    ConsoleOutput(GuestClock clock) {
        this.clock = clock;
        this.console = new Console();
    }

    /** Creates one that goes on from what is in another one now. */
    ConsoleOutput(GuestClock clock, ConsoleOutput before) {
        this.clock = clock;
        this.console = new Console(before.console);
        this.times.putAll(before.times);
        this.written = before.written;
        this.noted = before.noted;
    }

    /** Takes a byte, 0 to 255. */
    @Override
    public void accept(int octet) {
        if (stopped) {
            return;
        }
        long now = clock.time();
        if (now - noted >= INTERVAL) {
            times.put(written, now);
            noted = now;
        }
        written++;
        console.append(octet);
    }

    /**
     * Returns the guest time in ns, to some 100 us, at which the last of so many bytes was written.
     *
     * @param bytes at least 1, and at most as many as were written
     */
    long timeOf(int bytes) {
        Map.Entry<Integer, Long> last = times.floorEntry(bytes - 1);
        return last.getValue();
    }

    /** Drops what comes from now on. */
    void stop() {
        stopped = true;
    }

    Console console() {
        return console;
    }
}
