package dev.kvmguest.vmm.internal.postmortem;

import dev.kvmguest.vmm.internal.advice.hang.HangTrace;
import dev.kvmguest.vmm.internal.advice.hang.Read;
import dev.kvmguest.vmm.internal.advice.hang.Step;
import dev.kvmguest.vmm.internal.advice.hang.StepReader;
import dev.kvmguest.vmm.internal.board.Board;
import dev.kvmguest.vmm.internal.engine.ExitData;
import dev.kvmguest.vmm.internal.engine.GuestClock;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.vcpu.ExitHandler;
import dev.kvmguest.vmm.internal.vcpu.Interrupts;
import dev.kvmguest.vmm.internal.vcpu.TimeLimits;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Ending;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * Has a vCPU go on beyond the end of its run, to see what it does. Its devices go on with it. Whatever the guest does,
 * this ends by itself. All methods belong to the thread that ran the vCPU.
 */
final class ProbeRun {

    private static final long SETTLING_NANOS = 100_000;

    private final VirtualCpu cpu;
    private final GuestClock clock;
    private final Board board;
    private final StepReader reader;
    // Of its own, so that what is recorded of the run ends with the run.
    private final ExitHandler exits;
    private final Interrupts interrupts;

    private final List<Read> reads = new ArrayList<>();
    private Optional<Ending> ended = Optional.empty();
    private boolean sleepsForever;
    private long deadline;
    private volatile boolean over;

    /**
     * Prepares a vCPU.
     *
     * @param cpu the vCPU, which has run before, or a copy of it
     * @param memory its RAM
     * @param board its board
     */
    ProbeRun(VirtualCpu cpu, GuestMemory memory, Board board) {
        this.cpu = cpu;
        this.clock = cpu.clock();
        this.board = board;
        this.reader = new StepReader(memory);
        Recording own = new Recording(cpu);
        this.exits = new ExitHandler(cpu, board, own);
        this.interrupts = new Interrupts(cpu, board, own);
    }

    /** Returns how the guest came to an end; empty if it didn't. */
    Optional<Ending> ended() {
        return ended;
    }

    /**
     * Runs the guest instruction by instruction.
     *
     * @param most how many instructions
     * @param longest how long it may take on the host's clock
     * @param steps takes them
     */
    void step(int most, Duration longest, List<Step> steps) {
        limited(longest, () -> {
            cpu.setInterruptWindow(false);
            cpu.debug().setSingleStep(true);
            boolean woken = false;
            while (steps.size() < most && goesOn()) {
                enterHandler(woken);
                Step next = reader.next(cpu.state());
                VmExit exit;
                do {
                    exit = run(Long.MAX_VALUE);
                } while (goesOn() && exit.isAccess());
                woken = exit instanceof VmExit.Halt;
                if (woken || exit instanceof VmExit.SingleStep) {
                    steps.add(next.with(reads));
                    reads.clear();
                }
            }
        });
    }

    /**
     * Has the guest take the interrupt that is due, but not execute its handler yet, so that the handler's first
     * instruction is a step, too.
     */
    private void enterHandler(boolean woken) {
        boolean due = board.interruptRequested() && cpu.canInjectInterrupt();
        if (woken) {
            // The end of the HLT, which is a step of its own on the emulator.
            run(clock.time());
        }
        if (woken || due) {
            run(clock.time());
        }
    }

    /**
     * Looks from time to time where the guest is.
     *
     * @param most how often
     * @param distance the guest's time between two looks, in nanoseconds
     * @param longest how long it may take on the host's clock
     * @param samples takes what is seen
     */
    void sample(int most, long distance, Duration longest, List<HangTrace.Sample> samples) {
        limited(longest, () -> {
            cpu.debug().setSingleStep(false);
            long next = clock.time();
            while (samples.size() < most && goesOn()) {
                next = Math.max(next, clock.time()) + distance;
                VmExit exit;
                do {
                    exit = run(next);
                } while (goesOn() && !(exit instanceof VmExit.Halt) && clock.time() < next);
                samples.add(new HangTrace.Sample(cpu.state(), exit instanceof VmExit.Halt));
            }
        });
    }

    /**
     * Runs the guest on until an interrupt that it has been given, if there is one, has brought it into its handler.
     *
     * @param longest how long it may take on the host's clock
     */
    void settle(Duration longest) {
        limited(longest, () -> {
            cpu.debug().setSingleStep(false);
            while (goesOn() && exits.interruptsEnabled() && !cpu.canInjectInterrupt()) {
                run(clock.time() + SETTLING_NANOS);
            }
        });
    }

    private void limited(Duration longest, Runnable part) {
        Thread self = Thread.currentThread();
        over = false;
        deadline = System.nanoTime() + longest.toNanos();
        // For a guest that doesn't come back.
        TimeLimits.Limit limit = TimeLimits.SHARED.start(longest, () -> {
            over = true;
            cpu.interrupt();
            LockSupport.unpark(self);
        });
        try {
            part.run();
        } finally {
            limit.cancel();
        }
    }

    private boolean goesOn() {
        return !over && System.nanoTime() - deadline < 0 && !sleepsForever && ended.isEmpty();
    }

    /** Runs the guest to its next exit, at the latest to a guest time, and does what the exit asks for. */
    private VmExit run(long alarm) {
        interrupts.beforeRun(alarm);
        VmExit exit = cpu.run();
        if (exit instanceof VmExit.Halt && exits.interruptsEnabled()) {
            sleepsForever = !interrupts.await(false, () -> over, skipped -> {});
        } else if (exit instanceof VmExit.PortIn in) {
            read(exit, new Read.Port(in.port()), in.width(), in.data());
        } else if (exit instanceof VmExit.MemoryRead read) {
            read(exit, new Read.NoRam(read.address()), read.data().remaining(), read.data());
        } else {
            ended = exits.handle(exit);
        }
        return exit;
    }

    private void read(VmExit exit, Read.Source from, int width, ByteBuffer data) {
        int start = data.position();
        ended = exits.handle(exit);
        reads.add(new Read(from, width, ExitData.get(data.duplicate().position(start), width)));
    }
}
