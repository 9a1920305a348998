package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.GuestClock;
import dev.kvmguest.vmm.internal.engine.VirtualClock;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.postmortem.PostMortem;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.vcpu.EndlessLoop;
import dev.kvmguest.vmm.internal.vcpu.ExitHandler;
import dev.kvmguest.vmm.internal.vcpu.FirmwareCalls;
import dev.kvmguest.vmm.internal.vcpu.Interrupts;
import dev.kvmguest.vmm.internal.vcpu.TimeLimits;
import dev.kvmguest.vmm.outcome.Ending;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** Runs one vCPU on its board until it ends or is ended. */
public final class VcpuRunner {

    /**
     * What a run is made of.
     *
     * @param cpu the vCPU
     * @param board the board that it is on
     * @param console what takes the board's console output
     * @param recording takes what the vCPU exchanges with the board
     * @param exits does what the vCPU's exits ask for
     * @param firmware knows what registers a guest had that needs firmware
     * @param interrupts brings the board's interrupts into the vCPU
     * @param keyRetry types a key again that came too early
     * @param postMortem finds out why the run ended
     * @param endless proves that the guest can never end, where that can be done
     * @param lastMoment says how long the guest goes on when nobody talks to it any more
     * @param limits has the time limit kept
     */
    record Parts(
            VirtualCpu cpu,
            PcBoard board,
            ConsoleOutput console,
            Recording recording,
            ExitHandler exits,
            FirmwareCalls firmware,
            Interrupts interrupts,
            KeyRetry keyRetry,
            PostMortem postMortem,
            Optional<EndlessLoop> endless,
            LastMoment lastMoment,
            TimeLimits limits) {}

    /** No time. */
    static final long NOT_YET = -1;

    /** How far a run is. */
    private enum Phase {
        READY,
        RUNNING,
        PAUSED,
        ENDED
    }

    private final RunDescription description;
    private final VirtualCpu cpu;
    private final PcBoard board;
    private final ConsoleOutput console;
    private final Recording recording;
    private final ExitHandler exits;
    private final FirmwareCalls firmware;
    private final Interrupts interrupts;
    private final KeyRetry keyRetry;
    private final PostMortem postMortem;
    private final Optional<EndlessLoop> endless;
    private final LastMoment lastMoment;
    private final TimeLimits limits;
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private final CountDownLatch over = new CountDownLatch(1);

    private long guestTimeLimit = Long.MAX_VALUE;
    private volatile Ending endedByHost;
    private volatile Thread running;
    /** Those who ask for something, and those who change the phase, hold the queue's lock meanwhile. */
    private final Queue<Task<?>> tasks = new ConcurrentLinkedQueue<>();

    private volatile Phase phase = Phase.READY;
    private long wallNanos;
    private boolean live;
    private VmExit last;
    private boolean halted;
    /** Whether the guest has executed HLT, and it has not been looked at yet what it waits for. */
    private boolean waits;
    /** The guest time in ns since when what it waits for is looked at; {@link #NOT_YET} while it isn't. */
    private long haltedSince = NOT_YET;

    private Thread thread;

    VcpuRunner(RunDescription description, Parts parts) {
        this.description = description;
        this.cpu = parts.cpu;
        this.board = parts.board;
        this.console = parts.console;
        this.recording = parts.recording;
        this.exits = parts.exits;
        this.firmware = parts.firmware;
        this.interrupts = parts.interrupts;
        this.keyRetry = parts.keyRetry;
        this.postMortem = parts.postMortem;
        this.endless = parts.endless;
        this.lastMoment = parts.lastMoment;
        this.limits = parts.limits;
    }

    /**
     * Has the time limit be reached when the guest's own time comes to {@code nanos}, if it isn't before. Where guest
     * time is counted in instructions, the run then ends at the same one on every host. To be called before the run.
     */
    public void limitGuestTime(long nanos) {
        guestTimeLimit = nanos;
    }

    /** Returns the guest's clock. */
    GuestClock clock() {
        return cpu.clock();
    }

    /**
     * Has something done between two instructions: at once if the run is paused or yet to begin, else soon, by the
     * thread that runs the vCPU. Completes with {@link IllegalStateException} if the run ends before, or that thread
     * itself asks.
     */
    <T> CompletableFuture<T> betweenInstructions(Supplier<T> task) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Task<T> asked = new Task<>(task, result);
        synchronized (tasks) {
            if (phase == Phase.ENDED) {
                asked.refuse("the guest has come to its end");
            } else if (phase == Phase.RUNNING && Thread.currentThread() == running) {
                asked.refuse("the thread that runs the guest, as it does for whoever listens to its console, would wait"
                        + " for itself");
            } else if (phase == Phase.RUNNING) {
                tasks.add(asked);
            } else {
                asked.run();
            }
        }
        wake();
        return result;
    }

    /** Something to be done between two instructions. */
    private record Task<T>(Supplier<T> work, CompletableFuture<T> result) {

        void run() {
            try {
                result.complete(work.get());
            } catch (RuntimeException e) {
                result.completeExceptionally(e);
            }
        }

        void refuse(String why) {
            result.completeExceptionally(new IllegalStateException(why));
        }
    }

    private void doTasks() {
        for (Task<?> task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    /**
     * Returns all of the run that is needed to go on elsewhere; to be called {@link #betweenInstructions}.
     *
     * @throws VmmException if the host can't say some of it; the message names what
     */
    SavedRun save() {
        return new SavedRun(
                cpu.save(),
                haltedSince,
                board.save(),
                new ConsoleOutput(cpu.clock(), console),
                recording.copy(null),
                cpu.observer().map(ExecutionObserver::seen));
    }

    /**
     * Has the guest be one that has executed HLT and waits; to be called before the run.
     *
     * @param since the guest time in ns since when, or {@link #NOT_YET}
     */
    void wasHalted(long since) {
        waits = true;
        haltedSince = since;
    }

    /** Has the devices look at what has come from outside. */
    void wake() {
        cpu.interrupt();
        LockSupport.unpark(running);
    }

    /** Starts a thread that calls {@link #run}, for a guest that somebody may type for while it runs. */
    public void start() {
        live = true;
        enter(Phase.RUNNING);
        String guest = description.config().image().name();
        thread = new Thread(this::run, "kvmguest-vcpu-" + description.vcpu() + "-" + guest);
        // A daemon, so that a machine that nobody closes doesn't keep the JVM alive.
        thread.setDaemon(true);
        thread.start();
    }

    /** Completes when the vCPU has ended. */
    public CompletableFuture<Outcome> outcome() {
        return outcome;
    }

    /** Returns what the vCPU exchanged with its board, once it has ended. */
    public Recording recording() {
        return recording;
    }

    /** Ends the run from outside, unless it has ended already. */
    public void stop() {
        end(new Ending.Stopped());
    }

    /**
     * Says that nobody talks to the guest any more: it ends itself, or is stopped when it waits for input, or a moment
     * of guest time after what it was last asked or answered.
     *
     * @param looked whether its screen or memory was looked at
     */
    public void finish(boolean looked) {
        lastMoment.begin(looked);
        wake();
    }

    /**
     * Waits until a run that has been started is over or paused, and its thread too, so that what it uses can be freed.
     */
    public void join() throws InterruptedException {
        if (phase != Phase.PAUSED) {
            over.await();
        }
        if (thread != null) {
            thread.join();
        }
    }

    private synchronized void end(Ending how) {
        if (endedByHost == null) {
            endedByHost = how;
        }
        wake();
    }

    /** Runs the vCPU on the calling thread to its end; to be called once. */
    public void run() {
        runUntil(Goal.NONE);
    }

    /**
     * Runs the vCPU on the calling thread until it has come to something. Then it is paused, between two instructions,
     * and may be run on by the same thread. The time limit counts from here.
     *
     * @return false if it has come to its end before
     */
    boolean runUntil(Goal goal) {
        running = Thread.currentThread();
        enter(Phase.RUNNING);
        long start = System.nanoTime();
        TimeLimits.Limit limit = limits.start(description.timeout(), this::timeOut);
        Optional<Ending> how;
        try {
            if (goal.breakpoint().isPresent()) {
                cpu.debug().setBreakpoint(goal.breakpoint());
            }
            how = runToItsEnd(limit, goal);
            if (goal.breakpoint().isPresent()) {
                cpu.debug().setBreakpoint(OptionalLong.empty());
            }
        } catch (RuntimeException | Error e) {
            // Whatever went wrong on this thread must become a verdict, or a test would wait for it in vain.
            how = Optional.of(new Ending.EngineError(e instanceof VmmException ? e.getMessage() : e.toString()));
        }
        limit.cancel();
        wallNanos += System.nanoTime() - start;
        how.ifPresentOrElse(this::complete, this::pause);
        return phase == Phase.PAUSED;
    }

    private void enter(Phase next) {
        synchronized (tasks) {
            phase = next;
        }
    }

    private void pause() {
        synchronized (tasks) {
            phase = Phase.PAUSED;
            doTasks();
        }
    }

    private void complete(Ending how) {
        synchronized (tasks) {
            phase = Phase.ENDED;
            tasks.forEach(task -> task.refuse("the guest has come to its end"));
            tasks.clear();
        }
        try {
            outcome.complete(examined(
                    how, description.record(cpu, board, console.console(), firmware, Duration.ofNanos(wallNanos))));
        } catch (RuntimeException | Error e) {
            outcome.completeExceptionally(e);
        } finally {
            cpu.finish();
            // Last, so that whoever sees that no more output will come finds the outcome there.
            console.console().close();
            over.countDown();
        }
    }

    private void timeOut() {
        // A guest whose test is over has been as long as it should.
        end(lastMoment.hasBegun() ? new Ending.Stopped() : new Ending.TimedOut(description.timeout()));
    }

    /** Returns how it ended; empty if it came to the goal. */
    private Optional<Ending> runToItsEnd(TimeLimits.Limit limit, Goal goal) {
        // Whoever may type for a guest may change it in other ways too, such as by its memory.
        EndlessLoop loop = live ? null : endless.orElse(null);
        while (endedByHost == null) {
            doTasks();
            long alarm =
                    Math.min(Math.min(guestTimeLimit, lastMoment.end()), Math.min(keyRetry.next(), goal.nextLook()));
            VmExit exit = waits ? new VmExit.Halt() : runUpTo(loop == null ? alarm : Math.min(loop.alarm(), alarm));
            waits = false;
            halted = exit instanceof VmExit.Halt;
            if (halted && goal.isReached(exit)) {
                waits = true;
                return Optional.empty();
            }
            if (halted && wakes(limit)) {
                if (loop != null) {
                    loop.isProved(exit);
                }
                endAtGuestTimeLimit();
                continue;
            }
            Optional<Ending> end = exits.handle(exit);
            if (end.isPresent()) {
                last = exit;
                return end;
            }
            if (goal.isReached(exit)) {
                return Optional.empty();
            }
            if (exit instanceof VmExit.Interrupted && cpu.clock().time() >= keyRetry.next()) {
                keyRetry.attempt(false);
            }
            if (loop != null && loop.isProved(exit)) {
                end(new Ending.TimedOut(
                        description.timeout(),
                        Optional.of(Duration.ofNanos(cpu.clock().time()))));
            }
            endAtGuestTimeLimit();
        }
        recording.stopHere();
        return Optional.of(endedByHost);
    }

    private VmExit runUpTo(long alarm) {
        interrupts.beforeRun(alarm);
        return cpu.run();
    }

    private void endAtGuestTimeLimit() {
        if (guestTimeLimit != Long.MAX_VALUE && cpu.clock().time() >= guestTimeLimit) {
            timeOut();
        } else if (lastMoment.isOver()) {
            stop();
        }
    }

    /** Returns whether the vCPU, which is halted, goes on, once it does. */
    private boolean wakes(TimeLimits.Limit limit) {
        if (haltedSince == NOT_YET) {
            haltedSince = cpu.clock().time();
        }
        if (board.keyboard().hasUnreadKey() && exits.interruptsEnabled() && interrupts.noneIsToCome()) {
            keyRetry.attempt(true);
        }
        boolean wakes = exits.interruptsEnabled() && interruptComes(limit);
        recording.halt(cpu.clock() instanceof VirtualClock clock ? clock.time() - haltedSince : 0);
        haltedSince = NOT_YET;
        return wakes;
    }

    private boolean interruptComes(TimeLimits.Limit limit) {
        if (!live) {
            return interrupts.await(false, this::isEndedByHost, limit::skip);
        }
        boolean comes = interrupts.await(true, () -> isEndedByHost() || lastMoment.hasBegun(), limit::skip);
        if (comes && lastMoment.hasBegun()) {
            // What is skipped now nobody waits for, and counts towards no limit.
            comes = interrupts.await(
                    false, () -> isEndedByHost() || lastMoment.isOver(), lastMoment.end(), skipped -> {});
            if (!comes) {
                stop();
            }
        }
        return comes || endedByHost != null;
    }

    /** Returns whether it is, asked while the guest waits, between two instructions. */
    private boolean isEndedByHost() {
        doTasks();
        return endedByHost != null;
    }

    private Outcome examined(Ending how, GuestRun run) {
        console.stop();
        Outcome end = how.of(run);
        if (end.kind() != Outcome.Kind.TIMED_OUT) {
            // Others needn't wait while this one is examined, unless it goes on for that.
            cpu.finish();
        }
        Ending told = postMortem.ofHost(end).orElse(how);
        return told.of(run.with(postMortem.examine(Optional.ofNullable(last), told.of(run), halted)));
    }
}
