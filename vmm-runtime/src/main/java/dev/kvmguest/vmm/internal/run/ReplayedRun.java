package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareRom;
import dev.kvmguest.vmm.internal.emulator.EmulatedVirtualCpu;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.ExitData;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.postmortem.PostMortem;
import dev.kvmguest.vmm.internal.replay.Companion;
import dev.kvmguest.vmm.internal.replay.Divergence;
import dev.kvmguest.vmm.internal.replay.Origin;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.replay.Replay;
import dev.kvmguest.vmm.internal.vcpu.ExitHandler;
import dev.kvmguest.vmm.internal.vcpu.FirmwareCalls;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.Ending;
import dev.kvmguest.vmm.outcome.Outcome;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;

/**
 * Runs a recorded guest once more, from its boot to its end, and finds out as much about it as about any other run.
 * What it gets from its machine is what was recorded; a board comes along, which takes what it gives.
 */
public final class ReplayedRun {

    /**
     * A run to be replayed.
     *
     * @param config the machine
     * @param vcpu the number of the vCPU that was recorded
     * @param recording what it exchanged with the machine, which must not be {@link Recording#isTooLong}
     * @param engine the name of the engine that ran it
     * @param reason why it is replayed, for the outcome
     * @param ending how it ended; it counts where the recording doesn't show it, as at a time limit
     */
    public record Source(
            MachineConfig config, int vcpu, Recording recording, String engine, String reason, Ending ending) {}

    /**
     * What came of it.
     *
     * @param outcome how the guest ended in the replay
     * @param divergence where it did something else than was recorded, as a sentence without a full stop
     */
    public record Result(Outcome outcome, Optional<String> divergence) {}

    private static final long NEVER = -1;

    private final Source source;
    private final Replay replay;
    private final EmulatedVirtualCpu cpu;
    private final VcpuConfig guest;
    private final MemoryLayout layout;
    private final Display display;
    private final ConsoleOutput console;
    private final PcBoard board;
    private final Recording recording;
    private final FirmwareCalls firmware;
    private final ExitHandler exits;
    private final long start = System.nanoTime();

    private Optional<Ending> ended = Optional.empty();
    /** The instructions that were retired when the guest halted, until it is given an interrupt. */
    private long halted = NEVER;

    private ReplayedRun(Source source, Replay replay) {
        MachineConfig config = source.config;
        this.source = source;
        this.replay = replay;
        cpu = replay.cpu();
        guest = config.vcpus().get(source.vcpu);
        BootLoader loader = new BootLoader(config);
        layout = loader.layout();
        display = new Display(loader.framebuffer(), replay.memory());
        console = new ConsoleOutput(cpu.clock());
        board = new PcBoard(
                console,
                new PcBoard.Setup(
                        config.memorySize(), config.date(), guest.boot().leavesInterruptsOpen()));
        board.input().add(guest.inputBytes());
        guest.guestTest().ifPresent(board.testPort()::ask);
        recording = new Recording(cpu);
        firmware = new FirmwareCalls(FirmwareRom.in(layout), replay.memory(), guest.boot());
        exits = new ExitHandler(cpu, board, recording, Optional.of(firmware));
    }

    /**
     * Replays a run.
     *
     * @param limit how long the guest may take to come to its end
     * @throws IllegalArgumentException if an image can't be placed as the configuration says
     * @throws dev.kvmguest.vmm.config.VmmException if the emulator can't have such a machine
     */
    public static Result of(Source source, Duration limit) {
        Origin origin = Origin.boot(source.config, source.vcpu);
        try (Replay replay = Replay.of(source.recording, origin, limit)) {
            return new ReplayedRun(source, replay).run();
        }
    }

    private Result run() {
        if (source.config.watchExceptions()) {
            cpu.observer().ifPresent(ExecutionObserver::watchExceptions);
        }
        board.advanceTo(cpu.clock().time());
        replay.accompany(new Devices());
        // A guest that was to run until its time was over does so; where it was then is not known any better.
        Optional<Divergence> parting =
                replay.run().filter(any -> !(replay.ranOn() && source.ending instanceof Ending.TimedOut));
        Ending how = ending(parting.isPresent());
        console.stop();
        console.console().close();
        RunDescription description = new RunDescription(
                source.vcpu,
                guest,
                TimeFactor.stretch(source.config.timeout()),
                new EngineSelection(EmulatorEngine.instance(), source.reason),
                layout,
                () -> display.screen(board.crtc()));
        Outcome end = how.of(description.record(
                cpu, board, console.console(), firmware, Duration.ofNanos(System.nanoTime() - start)));
        Optional<Parting> divergence = parting.map(found -> found.parting(nameOfThen(), guest.image()));
        PostMortem postMortem = new PostMortem(
                source.vcpu, source.config, examiner(how), cpu, replay.memory(), layout, board, recording);
        boolean wasHalted = halted == cpu.instructions();
        Outcome outcome = how.of(end.run().with(postMortem.examine(last(how), end, wasHalted)));
        return new Result(
                divergence
                        .map(found -> how.of(
                                outcome.run().with(outcome.run().diagnosis().withParting(found))))
                        .orElse(outcome),
                divergence.map(Parting::sentence));
    }

    /** Two emulators may disagree too, if they are of different versions. */
    private String nameOfThen() {
        return source.engine.equals(EngineChoice.EMULATOR.id()) ? "the emulator of then" : source.engine;
    }

    /** Returns how the guest ended: what it did itself, or else what ended it from outside. */
    private Ending ending(boolean parted) {
        if (replay.fault().isPresent()) {
            recording.shutDown();
            return new Ending.TripleFault();
        }
        if (parted || source.recording.endsAtAPlace()) {
            recording.stopHere();
            return parted ? new Ending.Stopped() : source.ending;
        }
        return ended.orElseGet(
                () -> halted == cpu.instructions() ? new Ending.Halted(exits.interruptsEnabled()) : source.ending);
    }

    /** Returns the exit with which an engine gave up, which it did at a place. */
    private Optional<VmExit> last(Ending how) {
        if (!source.recording.endsAtAPlace()) {
            return Optional.empty();
        }
        if (how instanceof Ending.Unsupported unsupported) {
            return Optional.of(new VmExit.UnsupportedInstruction(unsupported.reason(), unsupported.bytes()));
        }
        return how instanceof Ending.EngineError error
                ? Optional.of(new VmExit.Failure(error.reason()))
                : Optional.empty();
    }

    /** Where another engine gave up, or never came back, the emulator may know more by going on. */
    private Engine examiner(Ending how) {
        boolean elsewhere = !source.engine.equals(EngineChoice.EMULATOR.id());
        return elsewhere && how == source.ending && source.recording.endsAtAPlace()
                ? new EngineOfThen(source.engine)
                : EmulatorEngine.instance();
    }

    /** An engine of another machine, of which only the name is here. */
    private record EngineOfThen(String name) implements Engine {

        @Override
        public Capabilities capabilities() {
            return EmulatorEngine.instance().capabilities();
        }

        @Override
        public VirtualMachine createMachine(long memorySize, int vcpus) {
            return EmulatorEngine.instance().createMachine(memorySize, vcpus);
        }
    }

    /** The board that comes along. Its interrupts come when they came, whenever it would have them come now. */
    private final class Devices implements Companion {

        @Override
        public void out(int port, int width, long value) {
            handle(new VmExit.PortOut(port, width, data(width, value)));
        }

        @Override
        public void in(int port, int width, long value) {
            exits.answered(port, width, value);
            passTime();
        }

        @Override
        public void fpuError(boolean ignored) {
            exits.answeredFpuError(ignored);
        }

        @Override
        public void fpuErrorCleared() {
            board.fpuErrorCleared();
        }

        @Override
        public void write(long address, int width, long value) {
            handle(new VmExit.MemoryWrite(address, data(width, value)));
        }

        @Override
        public void read(long address, int width) {
            handle(new VmExit.MemoryRead(address, data(width, 0)));
        }

        @Override
        public void halt(long nanos) {
            recording.halt(nanos);
            halted = cpu.instructions();
            passTime();
        }

        @Override
        public void interrupt(int vector, boolean atEvent) {
            if (!atEvent) {
                recording.ranOn();
            }
            halted = NEVER;
            passTime();
            recording.interrupt(vector);
            board.takeInterrupt(vector);
        }

        private void handle(VmExit exit) {
            Optional<Ending> end = exits.handle(exit);
            ended = ended.or(() -> end);
            passTime();
        }

        private void passTime() {
            board.advanceTo(cpu.clock().time());
        }

        private static ByteBuffer data(int width, long value) {
            ByteBuffer data = ByteBuffer.allocate(width);
            ExitData.put(data, width, value);
            return data.flip();
        }
    }
}
