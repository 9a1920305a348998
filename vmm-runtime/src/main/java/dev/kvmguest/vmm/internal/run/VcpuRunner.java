package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.device.InputQueue;
import dev.kvmguest.vmm.internal.device.VgaCrtc;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.VirtualClock;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.postmortem.PostMortem;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.vcpu.ExitHandler;
import dev.kvmguest.vmm.internal.vcpu.Interrupts;
import dev.kvmguest.vmm.internal.vcpu.TimeLimits;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.Console;
import dev.kvmguest.vmm.outcome.Ending;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** Runs one vCPU with its board and console until it ends or is ended. */
public final class VcpuRunner {

    private final int number;
    private final VcpuConfig config;
    private final Duration timeout;
    private final EngineSelection selection;
    private final VirtualCpu cpu;
    private final MemoryLayout layout;
    private final Supplier<Screen> screen;
    private final Console console = new Console();
    private final PcBoard board;
    private final Recording recording;
    private final ExitHandler exits;
    private final Interrupts interrupts;
    private final PostMortem postMortem;
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private final CountDownLatch over = new CountDownLatch(1);

    private volatile Ending endedByHost;
    private volatile Thread running;
    private boolean live;
    private VmExit last;
    private boolean halted;
    private boolean recorded;
    private Thread thread;

    public VcpuRunner(
            int number,
            MachineConfig machine,
            EngineSelection selection,
            VirtualCpu cpu,
            GuestMemory memory,
            MemoryLayout layout,
            Supplier<Screen> screen) {
        this.number = number;
        this.config = machine.vcpus().get(number);
        this.timeout = TimeFactor.stretch(machine.timeout());
        this.selection = selection;
        this.cpu = cpu;
        this.layout = layout;
        this.screen = screen;
        this.board = new PcBoard(
                this::print,
                () -> (int) cpu.register(Register.RBX) & 0xff,
                cpu.clock()::time,
                new PcBoard.Setup(machine.memorySize(), machine.date(), config.boot() == BootMode.MULTIBOOT));
        this.recording = new Recording(cpu);
        this.exits = new ExitHandler(cpu, board, recording);
        this.interrupts = new Interrupts(cpu, board, recording);
        this.postMortem = new PostMortem(number, machine, selection.engine(), cpu, memory, layout, board, recording);
        if (machine.watchExceptions()) {
            cpu.observer().ifPresent(ExecutionObserver::watchExceptions);
        }
        board.input().add(config.inputBytes());
        board.input().onInput(this::wake);
        config.guestTest().ifPresent(board.testPort()::ask);
    }

    public Console console() {
        return console;
    }

    /** Returns this vCPU's CRT controller. */
    public VgaCrtc crtc() {
        return board.crtc();
    }

    /** Returns what is typed for the guest, by any thread. */
    public InputQueue input() {
        return board.input();
    }

    /** Has the devices look at what has come from outside. */
    private void wake() {
        cpu.interrupt();
        LockSupport.unpark(running);
    }

    /** Starts a thread that calls {@link #run}, for a guest that somebody may type for while it runs. */
    public void start() {
        live = true;
        thread = new Thread(
                this::run, "kvmguest-vcpu-" + number + "-" + config.image().name());
        // A daemon, so that a machine that nobody closes doesn't keep the JVM alive.
        thread.setDaemon(true);
        thread.start();
    }

    /** Completes when the vCPU has ended. */
    public CompletableFuture<Outcome> outcome() {
        return outcome;
    }

    /** Ends the run from outside, unless it has ended already. */
    public void stop() {
        end(new Ending.Stopped());
    }

    /** Waits until a run that has been started is over, and its thread too, so that what it uses can be freed. */
    public void join() throws InterruptedException {
        over.await();
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

    /** Runs the vCPU on the calling thread; to be called once. */
    public void run() {
        running = Thread.currentThread();
        long start = System.nanoTime();
        TimeLimits.Limit limit = TimeLimits.SHARED.start(timeout, () -> end(new Ending.TimedOut(timeout)));
        Ending how;
        try {
            how = runToItsEnd(limit);
        } catch (RuntimeException | Error e) {
            // Whatever went wrong on this thread must become a verdict, or a test would wait for it in vain.
            how = new Ending.EngineError(e instanceof VmmException ? e.getMessage() : e.toString());
        }
        limit.cancel();
        try {
            outcome.complete(examined(how, record(Duration.ofNanos(System.nanoTime() - start))));
        } catch (RuntimeException | Error e) {
            outcome.completeExceptionally(e);
        } finally {
            cpu.finish();
            // Last, so that whoever sees that no more output will come finds the outcome there.
            console.close();
            over.countDown();
        }
    }

    private Ending runToItsEnd(TimeLimits.Limit limit) {
        while (endedByHost == null) {
            interrupts.beforeRun();
            VmExit exit = cpu.run();
            halted = exit instanceof VmExit.Halt;
            if (halted && wakes(limit)) {
                continue;
            }
            Optional<Ending> end = exits.handle(exit);
            if (end.isPresent()) {
                last = exit;
                return end.get();
            }
        }
        recording.stopHere();
        return endedByHost;
    }

    /** Returns whether the vCPU, which is halted, goes on, once it does. */
    private boolean wakes(TimeLimits.Limit limit) {
        long start = cpu.clock().time();
        boolean wakes = exits.interruptsEnabled() && interrupts.await(live, () -> endedByHost != null, limit::skip);
        recording.halt(cpu.clock() instanceof VirtualClock clock ? clock.time() - start : 0);
        return wakes;
    }

    private Outcome examined(Ending how, GuestRun run) {
        recorded = true;
        Outcome end = how.of(run);
        if (end.kind() != Outcome.Kind.TIMED_OUT) {
            // Others needn't wait while this one is examined, unless it goes on for that.
            cpu.finish();
        }
        return how.of(run.with(postMortem.examine(Optional.ofNullable(last), end, halted)));
    }

    /** Takes what the guest writes, but for what it writes while it is examined. */
    private void print(int octet) {
        if (!recorded) {
            console.append(octet);
        }
    }

    private GuestRun record(Duration wallTime) {
        return new GuestRun(
                config.image().name(),
                config.boot(),
                number,
                selection.engine().name(),
                selection.reason(),
                console.bytes(),
                board.ports().written(),
                board.ports().unclaimed(),
                exits.unclaimedMemory(),
                cpu.observer().map(seen -> OptionalLong.of(seen.instructions())).orElse(OptionalLong.empty()),
                wallTime,
                registers(),
                layout,
                screen.get(),
                board.testPort().result(),
                Diagnosis.NONE);
    }

    private Optional<CpuState> registers() {
        try {
            return Optional.of(cpu.state()).filter(state -> !state.isResetState());
        } catch (RuntimeException e) {
            // The engine's failure is what the outcome tells; that its registers can't be read adds nothing.
            return Optional.empty();
        }
    }
}
