package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.internal.run.EngineMachine;
import dev.kvmguest.vmm.internal.run.EngineSelector;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Ending;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Finds out why a guest in QEMU died. The emulator runs the guest once more, and if it comes to the same end, what it
 * knows holds for both. If not, QEMU's log has the exceptions; a run that wasn't logged is made again for it.
 *
 * @param config the guest
 * @param process what ran it, whose log has been read
 * @param logged whether QEMU logged exceptions from the start
 * @param repeatable whether the guest had nothing from outside but what the configuration says
 */
record QemuDiagnosis(MachineConfig config, QemuProcess process, boolean logged, boolean repeatable) {

    private static final Duration LIMIT = Duration.ofSeconds(5);

    private static final int EXIT_BITS = 0x7f;

    private static final String DISAGREE = "QEMU and the emulator disagree: ";
    private static final String BOTH = "the emulator, which came to the same end as QEMU";

    /** Flags and results that the manual leaves undefined may differ; what else a guest works with doesn't. */
    private static final List<Register> COMPARED = Stream.concat(
                    Register.byNumber().stream(),
                    Stream.of(Register.RIP, Register.CR0, Register.CR3, Register.CR4, Register.EFER))
            .toList();

    Diagnosis of(Outcome end) {
        boolean died = end.kind() == Outcome.Kind.TRIPLE_FAULT;
        Optional<Fault> fault =
                died && logged ? exceptions(process.log(), process.memory()).fault() : Optional.empty();
        boolean wanted = !end.endedNormally() || config.watchExceptions();
        if (!wanted || end.kind() == Outcome.Kind.STOPPED || !repeatable) {
            return diagnosis(fault);
        }
        Outcome second = repeat();
        if (end.endedNormally()) {
            return ofNormalEnd(end, second);
        }
        if (agree(end, fault, second)) {
            return adopted(second.run().diagnosis());
        }
        Optional<Fault> seen = died && !logged ? faultOfAnotherRun(end) : fault;
        if (died && !logged && agree(end, seen, second)) {
            return adopted(second.run().diagnosis());
        }
        return diagnosis(seen).withParting(parting(end, seen, second));
    }

    /** What only the console tells apart is for whoever compares consoles. */
    private Diagnosis ofNormalEnd(Outcome end, Outcome second) {
        boolean wasTooSlow = second.kind() == Outcome.Kind.TIMED_OUT;
        if (wasTooSlow || agree(end, Optional.empty(), second) && wroteAlike(end, second)) {
            return Diagnosis.NONE;
        }
        return endAlike(end, second)
                ? firstException(end, Optional.empty(), second)
                        .map(first -> new Parting(DISAGREE + first.sentence(), first.at()))
                        .map(Diagnosis.NONE::withParting)
                        .orElse(Diagnosis.NONE)
                : Diagnosis.NONE.withParting(parting(end, Optional.empty(), second));
    }

    private static Diagnosis diagnosis(Optional<Fault> fault) {
        return fault.map(Diagnosis.NONE::withFault).orElse(Diagnosis.NONE);
    }

    private static Diagnosis adopted(Diagnosis found) {
        return found.fault().map(fault -> found.withFault(fault.seenBy(BOTH))).orElse(found);
    }

    private Parting parting(Outcome end, Optional<Fault> fault, Outcome second) {
        Optional<Parting> first = firstException(end, fault, second);
        return new Parting(
                DISAGREE + "in QEMU the guest " + words(end, fault) + ", and on the emulator it "
                        + words(second, second.fault())
                        + first.map(parting -> "; " + parting.sentence()).orElse(""),
                first.flatMap(Parting::at).or(() -> fault.map(Fault::at)));
    }

    private static String words(Outcome end, Optional<Fault> fault) {
        return end.describe()
                + fault.map(why -> ", by " + why.first() + " of " + why.at().inWords())
                        .orElse("");
    }

    private Outcome repeat() {
        MachineConfig again = config.withEngine(EngineChoice.EMULATOR).withTimeout(limit());
        EngineMachine machine = new EngineMachine(again, EngineSelector.OF_THIS_HOST.choose(again));
        try {
            machine.runHere();
            return machine.outcome(0).join();
        } finally {
            machine.close(true);
        }
    }

    private Duration limit() {
        return config.timeout().compareTo(LIMIT) < 0 ? config.timeout() : LIMIT;
    }

    private static boolean endAlike(Outcome end, Outcome second) {
        return end.kind() == second.kind()
                && (end.exitCode().orElse(0) & EXIT_BITS) == (second.exitCode().orElse(0) & EXIT_BITS);
    }

    private static boolean agree(Outcome end, Optional<Fault> fault, Outcome second) {
        if (!endAlike(end, second)) {
            return false;
        }
        return switch (end.kind()) {
            case TRIPLE_FAULT ->
                second.fault()
                        .filter(other -> fault.map(own -> isSameFault(own, other))
                                .orElseGet(() -> isSamePlace(end.run().registers(), other)))
                        .isPresent();
            case HALTED ->
                end.run()
                        .registers()
                        .map(CpuState::eip)
                        .equals(second.run().registers().map(CpuState::eip));
            default -> true;
        };
    }

    private static boolean wroteAlike(Outcome end, Outcome second) {
        return Arrays.equals(end.run().consoleBytes(), second.run().consoleBytes());
    }

    private static boolean isSameFault(Fault own, Fault other) {
        return own.at().eip() == other.at().eip()
                && own.first().vector() == other.first().vector();
    }

    /** Without its exceptions, a shutdown is known by the registers: those before the first of them. */
    private static boolean isSamePlace(Optional<CpuState> registers, Fault other) {
        return registers
                .filter(own -> COMPARED.stream()
                        .allMatch(register ->
                                own.get(register) == other.registers().get(register)))
                .isPresent();
    }

    private Optional<Parting> firstException(Outcome end, Optional<Fault> death, Outcome second) {
        boolean isLogged = config.watchExceptions()
                && config.vcpus().get(0).boot() != BootMode.REAL
                && !process.log().lacksExceptions();
        if (!isLogged) {
            return Optional.empty();
        }
        List<HandledException> emulated =
                new ArrayList<>(second.run().diagnosis().exceptions().orElse(List.of()));
        boolean all = emulated.size() < QemuLog.MOST_EXCEPTIONS;
        second.fault()
                .filter(fault -> all && !fault.first().interrupt())
                .ifPresent(fault -> emulated.add(new HandledException(fault.first(), fault.at())));
        List<HandledException> inQemu =
                exceptions(process.log(), process.memory()).raised(death);
        Optional<Parting> found = new ExceptionOrder(
                        inQemu,
                        isAtItsEnd(end) && process.log().firstExceptions().size() < QemuLog.MOST_EXCEPTIONS,
                        emulated,
                        isAtItsEnd(second) && all)
                .firstDifference();
        return process.log().interrupts() == 0
                ? found
                : found.map(parting -> new Parting(
                        parting.sentence() + "; interrupts of devices don't come at the same instruction in both",
                        parting.at()));
    }

    private static boolean isAtItsEnd(Outcome outcome) {
        return outcome.kind() != Outcome.Kind.TIMED_OUT;
    }

    private LoggedExceptions exceptions(QemuLog log, GuestMemory memory) {
        return new LoggedExceptions(log, memory, config.vcpus().get(0).image());
    }

    /** Runs the guest in another QEMU, which logs exceptions; empty if that doesn't die at the same instruction. */
    private Optional<Fault> faultOfAnotherRun(Outcome end) {
        try (QemuProcess again = QemuProcess.of(config)) {
            QemuWatch watch = new QemuWatch(again, TimeFactor.stretch(limit()));
            watch.logExceptions();
            again.input().type(config.vcpus().get(0).inputBytes());
            Ending ending = watch.toTheEnd();
            // QEMU's log, by which a triple fault is told from a reset, is read to its end only once QEMU has ended.
            again.end();
            Outcome second = watch.told(ending).of(end.run());
            boolean same = second.kind() == Outcome.Kind.TRIPLE_FAULT
                    && watch.registersAtTheEnd()
                            .map(CpuState::eip)
                            .equals(end.run().registers().map(CpuState::eip));
            return same ? exceptions(again.log(), again.memory()).fault() : Optional.empty();
        } catch (IOException | VmmException e) {
            // What is known without it stays true.
            return Optional.empty();
        }
    }
}
