package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Timeline.Kind;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.emulator.EmulatedVirtualCpu;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine.EmulatedMachine;
import dev.kvmguest.vmm.internal.engine.DeliveryLog;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.ExecutionPoint;
import dev.kvmguest.vmm.internal.engine.ExitData;
import dev.kvmguest.vmm.internal.engine.SavedRam;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.replay.EventLog.Cursor;
import dev.kvmguest.vmm.internal.replay.Recording.End;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedMap;

/**
 * A guest that the emulator runs from its {@link Origin} with what was recorded in the place of a machine: each port
 * reads as it did then, and interrupts come where they came. When the guest does something else than then, the replay
 * ends with a {@link Divergence}. It does the same each time. To be used by one thread.
 */
public final class Replay implements AutoCloseable {

    /** Some 10 ms: how often the time is looked at. */
    private static final long SLICE = 1_000_000;

    private static final int EXITS_A_LOOK = 1024;

    /** How long a place is looked for that may be behind billions of instructions, when nothing else is to come. */
    private static final Duration LAST_STRETCH = Duration.ofSeconds(10);

    private static final byte OPEN_BUS = (byte) 0xff;

    private final Recording recording;
    private final Duration limit;
    private final long start = System.nanoTime();
    private final Cursor next;
    private final EmulatedMachine machine;
    private final EmulatedVirtualCpu cpu;

    private Companion companion = Companion.NONE;
    private ExecutionPoint point;
    private boolean awaited;
    private long exits;
    private long events;
    private long quietFrom;
    private boolean over;
    private boolean ranOn;
    private long lastStretch;
    private boolean interruptsGuessed;
    private Divergence divergence;

    private Replay(Recording recording, Origin origin, Duration limit) {
        this.recording = recording;
        this.limit = limit;
        this.next = recording.cursor();
        for (events = 0; events < origin.events(); events++) {
            next.advance();
        }
        this.machine = origin.createMachine();
        this.cpu = machine.vcpu(0);
        this.quietFrom = instructions();
        lookAhead();
    }

    /**
     * Makes a replay that is yet to run.
     *
     * @param recording of a run that has ended, with all its exchanges
     * @param origin where to start
     * @param limit how long the replay may take in all
     * @throws IllegalArgumentException if the recording lacks its beginning, or ends before the origin
     * @throws dev.kvmguest.vmm.config.VmmException if the emulator can't have such a machine
     */
    public static Replay of(Recording recording, Origin origin, Duration limit) {
        if (recording.isTooLong()) {
            throw new IllegalArgumentException("the recording lacks its beginning: there were too many exchanges");
        }
        if (origin.events() > recording.events()) {
            throw new IllegalArgumentException("the origin is after " + origin.events()
                    + " exchanges, and the recording has " + recording.events());
        }
        return new Replay(recording, origin, limit);
    }

    /** Has something come along from now on. */
    public void accompany(Companion other) {
        companion = other;
    }

    /** Returns the vCPU, for what it tells. */
    public EmulatedVirtualCpu cpu() {
        return cpu;
    }

    /** Returns the RAM. */
    public GuestMemory memory() {
        return machine.memory();
    }

    /** Returns the present moment, from which another replay can start; {@code image} is the guest's. */
    public Origin here(GuestImage image) {
        return Origin.saved(image, cpu.save(), SavedRam.of(memory()), events);
    }

    /** Returns the number of instructions retired. */
    public long instructions() {
        return cpu.instructions();
    }

    /** Returns what led to the guest's shutdown, without symbols and advice; empty if it didn't shut down. */
    public Optional<Fault> fault() {
        return cpu.observer().flatMap(ExecutionObserver::fault);
    }

    /** Returns what the guest has entered handlers for since the origin. */
    DeliveryLog handlers() {
        return cpu.observer().map(ExecutionObserver::handlers).orElse(DeliveryLog.EMPTY);
    }

    /** Returns the model-specific registers as they are now. */
    public SortedMap<Integer, Long> msrs() {
        return cpu.observer().map(ExecutionObserver::msrs).orElseThrow();
    }

    /** Returns the number of instructions retired by which all exchanges so far were over and done. */
    long quietFrom() {
        return quietFrom;
    }

    /**
     * Runs to the recording's end.
     *
     * @return where the guest did something else; empty if it came to its end as recorded
     */
    public Optional<Divergence> run() {
        runTo(Long.MAX_VALUE);
        return Optional.ofNullable(divergence);
    }

    /** Returns whether the guest, which shut down after the last exchange, went on here. */
    boolean hasOutlivedShutdown() {
        return divergence != null && next.isAtEnd() && recording.end() == End.SHUTDOWN;
    }

    /**
     * Returns whether {@link #run} ended with the guest still running after all that was recorded: it didn't come by
     * the place at which the host ended it, which an engine that counts no instructions knows by the registers only.
     */
    public boolean ranOn() {
        return ranOn;
    }

    /**
     * Runs until exactly so many instructions are retired.
     *
     * @return false if the guest has come to its end before, as recorded or not
     */
    public boolean runTo(long instructions) {
        while (!over && instructions() < instructions) {
            if (prepare()) {
                long end = Math.min(instructions, instructions() + SLICE);
                boolean ahead = point != null && point.retired() > instructions();
                handle(cpu.runTo(ahead ? Math.min(end, point.retired()) : end));
            }
        }
        return !over;
    }

    /**
     * Executes one instruction, or delivers one exception; a repeated instruction is one.
     *
     * @return false if the guest has come to its end
     */
    public boolean step() {
        cpu.setSingleStep(true);
        boolean stepped = false;
        while (!over && !stepped) {
            stepped = prepare() && handle(cpu.run());
        }
        cpu.setSingleStep(false);
        return !over;
    }

    /**
     * Executes the instruction at the place with which the recording ends, where another engine could not go on and to
     * which {@link #run} came.
     *
     * @return whether the guest shuts down by it
     */
    boolean shutsDownHere() {
        cpu.setSingleStep(true);
        VmExit exit;
        do {
            exit = cpu.run();
            if (exit instanceof VmExit.MemoryRead read) {
                answer(read.data());
            }
        } while ((exit instanceof VmExit.MemoryRead || exit instanceof VmExit.MemoryWrite) && !isTimeOver());
        cpu.setSingleStep(false);
        return exit instanceof VmExit.Shutdown;
    }

    /**
     * Executes on from the place with which the recording ends, up to the guest's next exchange. Where another engine
     * counted no instructions, {@link #run} comes to a place in a loop in its first round.
     *
     * @param most how many instructions
     */
    void runOn(long most) {
        if (divergence == null && recording.end() == End.PLACE) {
            cpu.runTo(instructions() + most);
        }
    }

    /** Does what is due before the guest runs on; false if it doesn't. */
    private boolean prepare() {
        while (!over && !next.isAtEnd() && isInterruptHere()) {
            interrupt();
        }
        if (next.isAtEnd() && recording.end() == End.EXCHANGE) {
            over = true;
        } else if (point != null && !awaited && point.retired() <= instructions()) {
            cpu.stopAt(point);
            awaited = true;
        }
        return !over;
    }

    private boolean isInterruptHere() {
        return IoEvent.kind(next.event()) == Kind.INTERRUPT && !IoEvent.hasPoint(next.event());
    }

    private void interrupt() {
        if (cpu.canInjectInterrupt()) {
            companion.interrupt(IoEvent.vector(next.event()), !IoEvent.hasPoint(next.event()));
            cpu.injectInterrupt(IoEvent.vector(next.event()));
            quietFrom = instructions() + 1;
            consume();
        } else {
            diverge("would not have taken it");
        }
    }

    private void consume() {
        events++;
        next.advance();
        lookAhead();
    }

    /** Finds the place that is to be come to before the next exchange. */
    private void lookAhead() {
        point = null;
        awaited = false;
        if (next.isAtEnd()) {
            point = recording.end() == End.PLACE ? recording.point() : null;
            lastStretch = System.nanoTime();
        } else if (IoEvent.hasPoint(next.event())) {
            point = Recording.placeOf(next);
        }
    }

    /** Does what the machine would; says whether the exit was a step. */
    private boolean handle(VmExit exit) {
        if (++exits % EXITS_A_LOOK == 0 || exit instanceof VmExit.Interrupted) {
            lookAtTheTime();
        }
        if (exit instanceof VmExit.PortOut out) {
            while (out.data().hasRemaining() && !isOver()) {
                written(out, ExitData.get(out.data(), out.width()));
            }
        } else if (exit instanceof VmExit.PortIn in) {
            while (in.data().hasRemaining() && !isOver()) {
                read(in).ifPresent(value -> companion.in(in.port(), in.width(), value));
            }
        } else if (exit instanceof VmExit.FpuError error) {
            read(new VmExit.PortIn(Recording.FPU_ERROR, 1, error.ignored()))
                    .ifPresent(ignored -> companion.fpuError(ignored != 0));
        } else if (exit instanceof VmExit.FpuErrorCleared) {
            companion.fpuErrorCleared();
            quietFrom = instructions();
        } else if (exit instanceof VmExit.MemoryWrite write) {
            int width = write.data().remaining();
            memory(IoEvent.memory(Kind.WRITE, write.address(), width));
            companion.write(write.address(), width, ExitData.get(write.data(), width));
            quietFrom = instructions();
        } else if (exit instanceof VmExit.MemoryRead read) {
            int width = read.data().remaining();
            memory(IoEvent.memory(Kind.READ, read.address(), width));
            companion.read(read.address(), width);
            answer(read.data());
            quietFrom = instructions() + 1;
        } else if (exit instanceof VmExit.Halt) {
            halted();
        } else if (exit instanceof VmExit.Shutdown) {
            shutDown();
        } else if (exit instanceof VmExit.UnsupportedInstruction unsupported) {
            diverge("can't go on: " + unsupported.reason());
        } else if (awaited && !cpu.isOnItsWay()) {
            arrived();
        } else if (awaited && point.retired() != ExecutionPoint.NOT_COUNTED && point.retired() < instructions()) {
            diverge("was elsewhere then");
        }
        return exit instanceof VmExit.SingleStep;
    }

    /** Returns whether nothing comes after this exchange, such as after one of several of a string instruction. */
    private boolean isOver() {
        return over || next.isAtEnd() && recording.end() == End.EXCHANGE;
    }

    private static void answer(ByteBuffer data) {
        while (data.hasRemaining()) {
            data.put(OPEN_BUS);
        }
    }

    private void written(VmExit.PortOut out, long value) {
        long event = IoEvent.port(Kind.OUT, out.port(), out.width(), value);
        if (comesTo(event) && next.event() == event) {
            consume();
            quietFrom = instructions();
            companion.out(out.port(), out.width(), value);
        } else {
            if (looksForItsEnd()) {
                ranOn = true;
                companion.out(out.port(), out.width(), value);
            }
            diverge(IoEvent.describe(event), executed());
        }
    }

    /** Gives the guest what it read then, and returns that; empty if it read nothing then. */
    private OptionalLong read(VmExit.PortIn in) {
        long event = IoEvent.port(Kind.IN, in.port(), in.width(), 0);
        if (comesTo(event)) {
            long value = IoEvent.value(next.event());
            ExitData.put(in.data(), in.width(), value);
            consume();
            quietFrom = instructions() + 1;
            return OptionalLong.of(value);
        }
        diverge(IoEvent.describe(event));
        return OptionalLong.empty();
    }

    /**
     * Memory without RAM has no secrets, and engines differ in how many accesses they make of one: it isn't compared.
     */
    private void memory(long event) {
        if (!next.isAtEnd() && next.event() == event) {
            consume();
        }
    }

    private void halted() {
        long event = IoEvent.halt(0);
        if (comesTo(event)) {
            long nanos = IoEvent.nanos(next.event());
            cpu.clock().advance(nanos);
            consume();
            quietFrom = instructions();
            companion.halt(nanos);
        } else {
            if (looksForItsEnd()) {
                ranOn = true;
                companion.halt(0);
            }
            diverge(IoEvent.describe(event), executed());
        }
    }

    /** Returns whether that, but for its value, is what comes next, other than accesses to memory. */
    private boolean comesTo(long event) {
        skipMemory();
        return !next.isAtEnd() && IoEvent.subject(next.event()) == IoEvent.subject(event);
    }

    /** Goes past accesses to memory. A recording from elsewhere may say that there were as many as can be counted. */
    private void skipMemory() {
        for (long skipped = 1; !next.isAtEnd() && IoEvent.isMemory(next.event()); skipped++) {
            if (skipped % SLICE == 0 && isTimeOver()) {
                return;
            }
            consume();
        }
    }

    private void shutDown() {
        skipMemory();
        if (next.isAtEnd() && recording.end() == End.SHUTDOWN) {
            over = true;
        } else {
            diverge(
                    "shut down" + fault().map(fault -> " by " + fault.first()).orElse(""),
                    fault().map(Fault::at).orElseGet(cpu::nextInstruction));
        }
    }

    private void arrived() {
        if (next.isAtEnd()) {
            over = true;
        } else {
            interruptsGuessed |= point.retired() == ExecutionPoint.NOT_COUNTED;
            interrupt();
        }
    }

    private void lookAtTheTime() {
        boolean lost = looksForItsEnd() && System.nanoTime() - lastStretch > LAST_STRETCH.toNanos();
        if (!over && (lost || isTimeOver())) {
            ranOn = looksForItsEnd();
            long millis = (System.nanoTime() - start) / 1_000_000;
            diverge("had not come to that after " + millis + " ms of wall time and " + instructions()
                    + " instructions");
        }
    }

    private boolean looksForItsEnd() {
        return next.isAtEnd() && point != null && point.retired() == ExecutionPoint.NOT_COUNTED;
    }

    private boolean isTimeOver() {
        return System.nanoTime() - start > limit.toNanos();
    }

    private void diverge(String replayed) {
        diverge(replayed, cpu.nextInstruction());
    }

    private void diverge(String replayed, GuestInstruction at) {
        over = true;
        divergence = new Divergence(events, at, recorded(), replayed, interruptsGuessed);
    }

    /** Returns the instruction by which an exit came: EIP is after it, unless it is repeated. */
    private GuestInstruction executed() {
        List<GuestInstruction> last =
                cpu.observer().map(ExecutionObserver::lastInstructions).orElse(List.of());
        boolean goesOn = last.isEmpty() || cpu.save().progress().begun();
        return goesOn ? cpu.nextInstruction() : last.get(last.size() - 1);
    }

    private String recorded() {
        if (!next.isAtEnd()) {
            String where = point == null ? "" : " at " + hex(point.eip());
            return IoEvent.describe(next.event()) + where;
        }
        return switch (recording.end()) {
            case SHUTDOWN -> "shut down";
            case PLACE -> "came to " + hex(point.eip());
            case EXCHANGE -> "ended";
        };
    }

    /** Frees the emulated machine. */
    @Override
    public void close() {
        machine.close();
    }
}
