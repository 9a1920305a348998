package dev.kvmguest.vmm;

import dev.kvmguest.vmm.board.PcBoard;
import dev.kvmguest.vmm.device.InputQueue;
import dev.kvmguest.vmm.device.VgaCrtc;
import dev.kvmguest.vmm.diagnosis.Advice;
import dev.kvmguest.vmm.engine.VirtualCpu;
import dev.kvmguest.vmm.engine.VmExit;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.Supplier;

/** Runs one vCPU with its board and console until it ends or is ended. */
final class VcpuRunner {

    private final int number;
    private final MachineConfig machine;
    private final VcpuConfig config;
    private final Duration timeout;
    private final EngineSelection selection;
    private final VirtualCpu cpu;
    private final GuestMemory memory;
    private final MemoryLayout layout;
    private final Supplier<Screen> screen;
    private final Console console = new Console();
    private final PcBoard board;
    private final ExitHandler exits;
    private final Interrupts interrupts;
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private final CountDownLatch over = new CountDownLatch(1);

    private volatile Function<GuestRun, Outcome> endedByHost;
    private volatile Thread running;
    private boolean live;
    private boolean shutDown;
    private Thread thread;

    VcpuRunner(
            int number,
            MachineConfig machine,
            EngineSelection selection,
            VirtualCpu cpu,
            GuestMemory memory,
            MemoryLayout layout,
            Supplier<Screen> screen) {
        this.number = number;
        this.machine = machine;
        this.config = machine.vcpus().get(number);
        this.timeout = TimeFactor.stretch(machine.timeout());
        this.selection = selection;
        this.cpu = cpu;
        this.memory = memory;
        this.layout = layout;
        this.screen = screen;
        this.board = new PcBoard(
                console::append,
                () -> (int) cpu.register(Register.RBX) & 0xff,
                cpu::time,
                new PcBoard.Setup(machine.memorySize(), machine.date(), config.boot() == BootMode.MULTIBOOT));
        this.exits = new ExitHandler(cpu, board);
        this.interrupts = new Interrupts(cpu, board);
        board.input().add(config.inputBytes());
        board.input().onInput(this::wake);
        config.guestTest().ifPresent(board.testPort()::ask);
    }

    Console console() {
        return console;
    }

    /** Returns this vCPU's CRT controller. */
    VgaCrtc crtc() {
        return board.crtc();
    }

    /** Returns what is typed for the guest, by any thread. */
    InputQueue input() {
        return board.input();
    }

    /** Has the devices look at what has come from outside. */
    private void wake() {
        cpu.interrupt();
        LockSupport.unpark(running);
    }

    /** Starts a thread that calls {@link #run}, for a guest that somebody may type for while it runs. */
    void start() {
        live = true;
        thread = new Thread(
                this::run, "kvmguest-vcpu-" + number + "-" + config.image().name());
        // A daemon, so that a machine that nobody closes doesn't keep the JVM alive.
        thread.setDaemon(true);
        thread.start();
    }

    /** Completes when the vCPU has ended. */
    CompletableFuture<Outcome> outcome() {
        return outcome;
    }

    /** Ends the run from outside, unless it has ended already. */
    void stop() {
        end(Outcome.Stopped::new);
    }

    /** Waits until a run that has been started is over, and its thread too, so that what it uses can be freed. */
    void join() throws InterruptedException {
        over.await();
        if (thread != null) {
            thread.join();
        }
    }

    private synchronized void end(Function<GuestRun, Outcome> how) {
        if (endedByHost == null) {
            endedByHost = how;
        }
        wake();
    }

    /** Runs the vCPU on the calling thread; to be called once. */
    void run() {
        running = Thread.currentThread();
        long start = System.nanoTime();
        TimeLimits.Limit limit = TimeLimits.SHARED.start(timeout, () -> end(run -> new Outcome.TimedOut(timeout, run)));
        Function<GuestRun, Outcome> how;
        try {
            how = runToItsEnd(limit);
        } catch (RuntimeException | Error e) {
            // Whatever went wrong on this thread must become a verdict, or a test would wait for it in vain.
            how = run -> new Outcome.EngineError(e instanceof VmmException ? e.getMessage() : e.toString(), run);
        }
        limit.cancel();
        cpu.leave();
        try {
            outcome.complete(how.apply(record(Duration.ofNanos(System.nanoTime() - start))));
        } catch (RuntimeException | Error e) {
            outcome.completeExceptionally(e);
        } finally {
            // Last, so that whoever sees that no more output will come finds the outcome there.
            console.close();
            over.countDown();
        }
    }

    private Function<GuestRun, Outcome> runToItsEnd(TimeLimits.Limit limit) {
        while (endedByHost == null) {
            interrupts.beforeRun();
            VmExit exit = cpu.run();
            if (exit instanceof VmExit.Halt
                    && exits.interruptsEnabled()
                    && interrupts.await(live, () -> endedByHost != null, limit::skip)) {
                continue;
            }
            shutDown = exit instanceof VmExit.Shutdown;
            Optional<Function<GuestRun, Outcome>> end = exits.handle(exit);
            if (end.isPresent()) {
                return end.get();
            }
        }
        return endedByHost;
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
                cpu.instructions(),
                wallTime,
                registers(),
                layout,
                screen.get(),
                board.testPort().result(),
                fault());
    }

    private Optional<Fault> fault() {
        if (!shutDown) {
            return Optional.empty();
        }
        Optional<Fault> seen = cpu.fault().map(this::explained);
        // With several vCPUs the others may have had a part in it, which a run alone would not show.
        return seen.isPresent() || machine.vcpus().size() > 1
                ? seen
                : board.input().typed().flatMap(typed -> SecondRun.faultOf(machine, typed, console.bytes()));
    }

    private Fault explained(Fault fault) {
        try {
            Fault named = fault.namedBy(config.image());
            return named.withAdvice(Advice.of(named, layout, memory));
        } catch (RuntimeException e) {
            // The facts must not be lost with an explanation that stumbles over what a guest has left behind.
            return fault;
        }
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
