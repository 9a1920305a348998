package dev.kvmguest.vmm.internal.postmortem;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.internal.advice.linux.UnusableInit;
import dev.kvmguest.vmm.internal.advice.past.PastAdvice;
import dev.kvmguest.vmm.internal.board.Board;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareRom;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.DeliveryLog;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.host.KvmFitness;
import dev.kvmguest.vmm.internal.inspection.Constructors;
import dev.kvmguest.vmm.internal.inspection.Departure;
import dev.kvmguest.vmm.internal.inspection.Inspector;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.inspection.PlacedImage;
import dev.kvmguest.vmm.internal.replay.DeathReplay;
import dev.kvmguest.vmm.internal.replay.ExceptionReplay;
import dev.kvmguest.vmm.internal.replay.Origin;
import dev.kvmguest.vmm.internal.replay.PagingReplay;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.replay.ReplayedChanges;
import dev.kvmguest.vmm.internal.replay.ReplayedDeparture;
import dev.kvmguest.vmm.internal.trial.ConstructorTrial;
import dev.kvmguest.vmm.internal.trial.GuestEnd;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.Ending;
import dev.kvmguest.vmm.outcome.Outcome;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.stream.Stream;

/**
 * Finds out why a run ended as it did, while the vCPU and its memory are still there. To be used by the thread that ran
 * the vCPU.
 */
public final class PostMortem {

    private static final System.Logger LOG = System.getLogger(PostMortem.class.getName());

    /** What has died has done so within its own limit; nobody waits longer than this for the reason. */
    private static final Duration LONGEST_REPLAY = Duration.ofSeconds(5);

    private final MachineConfig machine;
    private final VcpuConfig config;
    private final Engine engine;
    private final VirtualCpu cpu;
    private final GuestMemory memory;
    private final MemoryLayout layout;
    private final Board board;
    private final Recording recording;
    private final Origin origin;

    public PostMortem(
            int number,
            MachineConfig machine,
            Engine engine,
            VirtualCpu cpu,
            GuestMemory memory,
            MemoryLayout layout,
            Board board,
            Recording recording) {
        this.machine = machine;
        this.config = machine.vcpus().get(number);
        this.engine = engine;
        this.cpu = cpu;
        this.memory = memory;
        this.layout = layout;
        this.board = board;
        this.recording = recording;
        this.origin = Origin.boot(machine, number);
    }

    /**
     * Returns what can be found out.
     *
     * @param last the exit with which the vCPU ended by itself; empty if the host ended it
     * @param end how it ended, with a run of which nothing has been found out yet
     * @param halted whether it was halted then
     */
    public Diagnosis examine(Optional<VmExit> last, Outcome end, boolean halted) {
        Optional<DeliveryLog> seen = cpu.observer().map(ExecutionObserver::handlers);
        Optional<List<HandledException>> watched = cpu.observer().map(ExecutionObserver::exceptions);
        DeathReplay death = death(last, end);
        Optional<DeliveryLog> known = seen.or(death::handlers);
        ExceptionReplay taken =
                machine.watchExceptions() && watched.isEmpty() || known.isEmpty() && mayHaveAnOrigin(end)
                        ? replayed()
                        : ExceptionReplay.NONE;
        DeliveryLog handlers = known.orElse(taken.handlers());
        PastFinder past = new PastFinder(
                config,
                layout,
                memory,
                end.run().unclaimedMemory(),
                handlers,
                departures(),
                new ReplayedChanges(recording, origin, replayLimit()),
                this::constructors);
        SortedMap<Integer, Long> msrs =
                cpu.observer().map(ExecutionObserver::msrs).orElse(known.isPresent() ? death.msrs() : taken.msrs());
        FaultAdvice advice = new FaultAdvice(machine, config, layout, memory, msrs, recording, origin, replayLimit());
        Optional<Fault> first =
                origin(handlers, end, death.fault()).map(advice::ofOrigin).map(past::addTo);
        Optional<Fault> fault = death.fault()
                .map(dead -> first.isEmpty()
                        ? past.addTo(advice.of(dead))
                        : FaultAdvice.isStorm(first.get()) ? advice.none(dead) : advice.ofConsequence(dead));
        Optional<Inspection> inspection = inspection(first, fault, end);
        Optional<List<HandledException>> exceptions = watched.or(taken::exceptions)
                .filter(any -> machine.watchExceptions())
                .map(this::named);
        List<String> saidSo = UnusableInit.of(config, end.run()).stream().toList();
        List<String> ledThere = concat(saidSo, past.of(end, first.isPresent()));
        List<String> warned = warnings(fault, end);
        // Last, since a guest that hangs goes on for it: what others look at must be as its end left it.
        Optional<Standstill> standstill = new StandstillFinder(machine, config, cpu, memory, board)
                .find(end, halted)
                .map(found -> found.withAdvice(PastAdvice.before(ledThere, found.advice())));
        List<String> warnings = standstill.isPresent() ? warned : concat(saidSo, warned);
        return new Diagnosis(
                first,
                fault,
                standstill,
                inspection,
                recording.timeline(),
                handlers.counts().stream()
                        .map(one -> one.namedBy(config.image()))
                        .toList(),
                exceptions,
                end instanceof Outcome.Unsupported unsupported && unsupported.isOfHost()
                        ? Optional.empty()
                        : death.parting().or(() -> taken.parting().filter(any -> machine.watchExceptions())),
                warnings);
    }

    /**
     * Returns the end of a guest whose shutdown is this host's doing and not its own: it turned on paging, on a KVM
     * that can't page. Empty if it isn't known to be.
     *
     * @param end how it seems to have ended
     */
    public Optional<Ending> ofHost(Outcome end) {
        if (end.kind() != Outcome.Kind.TRIPLE_FAULT || cpu.observer().isPresent()) {
            return Optional.empty();
        }
        try {
            return KvmFitness.whyNoPaging(engine.capabilities())
                    .flatMap(why -> PagingReplay.find(recording, origin, replayLimit())
                            .map(at -> new Ending.Unsupported(
                                    "turned on paging by " + at.inWords(),
                                    "this host's KVM can't page 32-bit guests, which shut down there; " + why
                                            + "; choose engine emulator, which runs it on from there",
                                    at.bytes(),
                                    true)));
        } catch (RuntimeException e) {
            stumbled(e);
            return Optional.empty();
        }
    }

    private List<String> warnings(Optional<Fault> fault, Outcome end) {
        try {
            List<String> ofLoader = LoaderWarnings.of(
                    config, fault.map(Fault::registers).or(() -> end.run().registers()), memory, layout);
            return concat(
                    ofLoader,
                    StrayOuts.before(end, recording.timeline()).stream().toList());
        } catch (RuntimeException e) {
            stumbled(e);
            return List.of();
        }
    }

    private static List<String> concat(List<String> first, List<String> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }

    private Optional<ExceptionOrigin.Found> origin(DeliveryLog handlers, Outcome end, Optional<Fault> death) {
        try {
            return ExceptionOrigin.of(handlers, end, death, memory)
                    .map(first ->
                            cpu.observer().isPresent() ? first : first.seenBy(DeathReplay.replayed(engine.name())));
        } catch (RuntimeException e) {
            stumbled(e);
            return Optional.empty();
        }
    }

    /**
     * A replay takes the time of the run, and more. A guest that came to its end by itself gets one only if it was in a
     * handler then.
     */
    private boolean mayHaveAnOrigin(Outcome end) {
        return switch (end.kind()) {
            case TRIPLE_FAULT, TIMED_OUT, UNSUPPORTED, ENGINE_ERROR -> true;
            case HALTED -> !end.endedNormally() || isInHandler(end);
            case DEBUG_EXIT -> end.exitCode().orElse(0) != 0 && isInHandler(end);
            case RESET -> isInHandler(end);
            case UNHANDLED_EXCEPTION, HYPERCALL_EXIT, STOPPED -> false;
        };
    }

    private boolean isInHandler(Outcome end) {
        return end.run()
                .registers()
                .map(registers -> atItsEnd(registers, end))
                .map(registers -> Inspector.inspect(registers, List.of(), memory, layout, config.image()))
                .filter(found -> found.callChain().stream().anyMatch(Inspection.Frame::interrupted))
                .isPresent();
    }

    private ExceptionReplay replayed() {
        try {
            return ExceptionReplay.of(recording, origin, engine.name(), replayLimit());
        } catch (RuntimeException e) {
            stumbled(e);
            return ExceptionReplay.failed(Parting.of("what " + engine.name() + " ran can't be replayed: " + e));
        }
    }

    private List<HandledException> named(List<HandledException> exceptions) {
        return exceptions.stream()
                .map(exception -> exception.namedBy(config.image()))
                .toList();
    }

    private DeathReplay withoutHandler(FirmwareDeath death) {
        Optional<ExecutionObserver> observer = cpu.observer();
        return observer.isPresent()
                ? death.seen(observer.get(), "the " + engine.name())
                : death.replayed(recording, origin, engine.name(), replayLimit());
    }

    /**
     * The emulator executes what a processor does, or says that it can't. KVM also gives up where a processor would
     * fault, or never comes back from there.
     */
    private boolean mayBeDeath(Optional<VmExit> last, Outcome end) {
        if (engine == EmulatorEngine.instance()) {
            return end.kind() == Outcome.Kind.TRIPLE_FAULT;
        }
        return switch (end.kind()) {
            case TRIPLE_FAULT -> true;
            case UNSUPPORTED ->
                last.filter(VmExit.UnsupportedInstruction.class::isInstance).isPresent();
            case ENGINE_ERROR -> last.isPresent();
            case TIMED_OUT -> isWithoutCode(end);
            case HALTED, DEBUG_EXIT, HYPERCALL_EXIT, UNHANDLED_EXCEPTION, RESET, STOPPED -> false;
        };
    }

    private boolean isWithoutCode(Outcome end) {
        return end.run()
                .registers()
                .filter(registers ->
                        new LinearMemory(memory, registers).code(registers.instructionAddress()).length == 0)
                .isPresent();
    }

    private DeathReplay death(Optional<VmExit> last, Outcome end) {
        try {
            if (end.kind() == Outcome.Kind.UNHANDLED_EXCEPTION) {
                return FirmwareDeath.of(FirmwareRom.in(layout), cpu, memory)
                        .map(this::withoutHandler)
                        .orElse(DeathReplay.NONE);
            }
            return mayBeDeath(last, end)
                    ? cpu.observer()
                            .flatMap(ExecutionObserver::fault)
                            .map(DeathReplay::seen)
                            .orElseGet(() -> DeathReplay.of(recording, origin, engine, replayLimit()))
                    : DeathReplay.NONE;
        } catch (RuntimeException e) {
            // What the run has found out must not be lost because nothing can be added to it.
            stumbled(e);
            return DeathReplay.NONE;
        }
    }

    private Departure.Finder departures() {
        return new ReplayedDeparture(recording, origin, layout, replayLimit());
    }

    private Constructors.Trial constructors(GuestEnd end) {
        return new ConstructorTrial(
                machine,
                recording,
                origin,
                replayLimit(),
                PlacedImage.of(config.image(), layout),
                memory,
                departures(),
                end);
    }

    private Duration replayLimit() {
        return TimeFactor.stretch(machine.timeout().compareTo(LONGEST_REPLAY) < 0 ? machine.timeout() : LONGEST_REPLAY);
    }

    private Optional<Inspection> inspection(Optional<Fault> origin, Optional<Fault> fault, Outcome end) {
        if (isClear(end) && origin.isEmpty()) {
            return Optional.empty();
        }
        List<Fault.Event> chain = origin.filter(PostMortem::hasAddress)
                .or(() -> fault)
                .map(Fault::chain)
                .orElse(List.of());
        try {
            return fault.map(Fault::registers)
                    .or(() -> end.run().registers().map(registers -> atItsEnd(registers, end)))
                    .map(registers -> Inspector.inspect(registers, chain, memory, layout, config.image()));
        } catch (RuntimeException e) {
            // Nor with what the rest of its memory tells.
            stumbled(e);
            return Optional.empty();
        }
    }

    private static boolean hasAddress(Fault fault) {
        return fault.first().cr2().isPresent();
    }

    /**
     * Whoever stopped a guest knows why, and those that ended in order are many. But a kernel's panic is a halt like
     * any other: one that is in a function may have callers.
     */
    private boolean isClear(Outcome end) {
        boolean inFunction =
                end.kind() == Outcome.Kind.HALTED && !config.image().symbols().isEmpty();
        return end instanceof Outcome.Stopped || end.endedNormally() && !inFunction;
    }

    /** EIP of a guest that halted is past its HLT. Where another function begins there, it was not in that one. */
    private CpuState atItsEnd(CpuState registers, Outcome end) {
        long hlt = registers.eip() - 1;
        boolean leads = end.kind() == Outcome.Kind.HALTED
                && !config.image().symbolAt(hlt).equals(config.image().symbolAt(registers.eip()));
        return leads ? registers.with(state -> state.set(Register.RIP, hlt)) : registers;
    }

    /** Takes note of what must not happen, and is no reason to fail a run. */
    static void stumbled(RuntimeException e) {
        LOG.log(
                Level.WARNING,
                "a guest's end could not be explained in full; that is a bug of kvmguest, not the guest's",
                e);
    }
}
