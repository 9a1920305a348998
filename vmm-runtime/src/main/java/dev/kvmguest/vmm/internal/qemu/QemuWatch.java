package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.outcome.Ending;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Lets the guest of a QEMU run, and finds out how it ends: QEMU says so of a shutdown or a reset, and not of a HLT. */
final class QemuWatch {

    private static final long FIRST_WAIT = 1_000_000;
    private static final long LONGEST_WAIT = 20_000_000;

    /** A guest that waits with interrupts on has come to its end if it got none for so long and its timer is masked. */
    private static final long QUIET = 300_000_000;

    /** A guest that nobody talks to any more goes on for so long. */
    private static final long GRACE = 1_000_000_000;

    private static final String GUEST_RESET = "guest-reset";
    /** The bit of the timer, IRQ 0, in the first controller's mask. */
    private static final int TIMER = 1;

    private final QemuProcess process;
    private final Duration timeout;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private volatile boolean live;
    private volatile long finishing;
    private boolean logged;
    private boolean counting;
    private Optional<CpuState> registers = Optional.empty();

    QemuWatch(QemuProcess process, Duration timeout) {
        this.process = process;
        this.timeout = timeout;
    }

    /** Says that somebody may type while the guest waits. */
    void setLive() {
        live = true;
    }

    /** Has exceptions logged from the start. To be called before the run; one for which somebody may type has them. */
    void logExceptions() {
        logged = true;
    }

    /** Returns whether exceptions have been logged from the start, once the run has begun. */
    boolean logsExceptions() {
        return logged;
    }

    /** Ends the run. */
    void stop() {
        stopped.countDown();
    }

    /** Says that nobody talks to the guest any more. */
    void finish() {
        finishing = System.nanoTime();
        live = false;
    }

    /** Returns the registers with which the guest ended; empty if QEMU ended with it. */
    Optional<CpuState> registersAtTheEnd() {
        return registers;
    }

    /**
     * Lets the guest run to its end, or the time limit.
     *
     * @throws IOException if QEMU doesn't answer though it runs
     */
    Ending toTheEnd() throws IOException {
        long start = System.nanoTime();
        begin();
        long wait = FIRST_WAIT;
        long quietSince = start;
        long interrupts = 0;
        while (true) {
            Optional<Ending> end = process.isAlive() ? ended() : Optional.of(exited());
            if (end.isPresent()) {
                return end.get();
            }
            long now = System.nanoTime();
            QemuRegisters found;
            try {
                found = registers();
            } catch (IOException e) {
                if (!awaitExit()) {
                    throw e;
                }
                continue;
            }
            if (stopped.getCount() == 0 || finishing != 0 && now - finishing > GRACE) {
                return new Ending.Stopped();
            }
            if (now - start >= timeout.toNanos()) {
                return finishing == 0 ? new Ending.TimedOut(timeout) : new Ending.Stopped();
            }
            if (found.halted() && !found.state().interruptsEnabled()) {
                return new Ending.Halted(false);
            }
            long got = process.log().interrupts();
            boolean waits = found.halted() && !live && isTimerMasked();
            if (waits != counting || got != interrupts) {
                count(waits);
                quietSince = now;
                interrupts = got;
            } else if (waits && now - quietSince > QUIET) {
                return finishing == 0 ? new Ending.Halted(true) : new Ending.Stopped();
            }
            await(wait);
            wait = Math.min(2 * wait, LONGEST_WAIT);
        }
    }

    /** Interrupts are known by the log alone, and it takes time: it is kept while the guest waits for one. */
    private void count(boolean on) throws IOException {
        if (on != counting && !logged) {
            process.log(on);
        }
        counting = on;
    }

    private void begin() throws IOException {
        logged |= live;
        process.log(logged);
        try {
            process.monitor().execute("cont", Map.of());
            process.input().open();
        } catch (IOException e) {
            // A guest that leaves at once may take the answer with it.
            if (!awaitExit()) {
                throw e;
            }
        }
    }

    private QemuRegisters registers() throws IOException {
        QemuRegisters found = QemuRegisters.parse(process.monitor().human("info registers"))
                .orElseThrow(() -> new IOException("QEMU prints no registers"));
        registers = Optional.of(found.state());
        return found;
    }

    /** Returns how the guest ended if QEMU says so; it waits then, so that registers and screen are as at the end. */
    private Optional<Ending> ended() throws IOException {
        Optional<QmpClient.Shutdown> shutdown = process.monitor().shutdown();
        if (shutdown.isEmpty()) {
            return Optional.empty();
        }
        registers();
        if (!shutdown.get().reason().equals(GUEST_RESET)) {
            return Optional.of(new Ending.Unsupported(
                    "powered its machine off",
                    "QEMU calls that " + shutdown.get().reason() + "; end a guest by the debug-exit port 0xf4",
                    new byte[0]));
        }
        return Optional.of(new Ending.Reset("QEMU calls that " + GUEST_RESET));
    }

    /**
     * Returns the end that a run had whose log has been read to its end: QEMU resets the machine after a triple fault,
     * and tells of the reset alone.
     */
    Ending told(Ending seen) {
        return seen instanceof Ending.Reset && process.log().isTripleFault() ? new Ending.TripleFault() : seen;
    }

    /** QEMU's isa-debug-exit ends it with twice the value and 1, of which the host's kernel keeps eight bits. */
    private Ending exited() {
        registers = Optional.empty();
        process.log().await();
        int status = process.status();
        String complaints = process.log().complaints();
        return status % 2 == 1 && status < 0x100 && complaints.isEmpty()
                ? new Ending.DebugExit(status >> 1)
                : new Ending.EngineError("QEMU ended with status " + status + ": " + complaints);
    }

    /** Returns whether QEMU ends, after it has closed its monitor. */
    private boolean awaitExit() {
        long until = System.nanoTime() + GRACE;
        while (process.isAlive() && System.nanoTime() < until) {
            await(FIRST_WAIT);
        }
        return !process.isAlive();
    }

    private boolean isTimerMasked() throws IOException {
        return process.monitor()
                .human("info pic")
                .lines()
                // The I/O APIC's line has a similar name.
                .filter(line -> line.startsWith("pic0:"))
                .anyMatch(line -> (QemuRegisters.value(line, "imr").orElse(0) & TIMER) != 0);
    }

    private void await(long nanos) {
        try {
            if (stopped.await(nanos, TimeUnit.NANOSECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stop();
        }
    }
}
