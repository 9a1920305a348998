package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.run.EngineMachine;
import dev.kvmguest.vmm.internal.run.EngineSelector;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Vector;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Finds out why a guest in QEMU died. QEMU's log has the exceptions; the emulator runs the guest once more, and if it
 * comes to the same end, what it knows holds for both.
 *
 * @param config the guest
 * @param process what ran it
 * @param layout what lay where at the entry
 * @param repeatable whether the guest had nothing from outside but what the configuration says
 */
record QemuDiagnosis(MachineConfig config, QemuProcess process, MemoryLayout layout, boolean repeatable) {

    private static final Duration LIMIT = Duration.ofSeconds(5);

    /** An exception, one while it is delivered, and #DF. */
    private static final int LONGEST_CHAIN = 3;

    private static final String BOTH = "the emulator, which came to the same end as QEMU";

    Diagnosis of(Outcome end) {
        Optional<Fault> logged = end.kind() == Outcome.Kind.TRIPLE_FAULT ? fault() : Optional.empty();
        Diagnosis own = logged.map(Diagnosis.NONE::withFault).orElse(Diagnosis.NONE);
        if (end.endedNormally() || end.kind() == Outcome.Kind.STOPPED || !repeatable) {
            return own;
        }
        Outcome second = repeat();
        if (agree(end, logged, second)) {
            Diagnosis found = second.run().diagnosis();
            return found.fault()
                    .map(fault -> found.withFault(fault.seenBy(BOTH)))
                    .orElse(found);
        }
        return own.withParting(Parting.of("QEMU and the emulator disagree: in QEMU the guest " + words(end, logged)
                + ", and on the emulator it " + words(second, second.fault())));
    }

    private static String words(Outcome end, Optional<Fault> fault) {
        return end.describe()
                + fault.map(why -> ", by " + why.first() + " of " + why.at().inWords())
                        .orElse("");
    }

    private Outcome repeat() {
        MachineConfig again = config.withEngine(EngineChoice.EMULATOR)
                .withTimeout(config.timeout().compareTo(LIMIT) < 0 ? config.timeout() : LIMIT);
        EngineMachine machine = new EngineMachine(again, EngineSelector.OF_THIS_HOST.choose(again));
        try {
            machine.runHere();
            return machine.outcome(0).join();
        } finally {
            machine.close(true);
        }
    }

    private static boolean agree(Outcome end, Optional<Fault> logged, Outcome second) {
        if (end.kind() != second.kind()) {
            return false;
        }
        return switch (end.kind()) {
            case TRIPLE_FAULT ->
                logged.isPresent()
                        && second.fault().isPresent()
                        && logged.get().at().eip() == second.fault().get().at().eip()
                        && logged.get().first().vector()
                                == second.fault().get().first().vector();
            case HALTED ->
                end.run()
                        .registers()
                        .map(CpuState::eip)
                        .equals(second.run().registers().map(CpuState::eip));
            default -> true;
        };
    }

    /** Returns the exceptions before the shutdown, as the log has them: all of one instruction. */
    private Optional<Fault> fault() {
        List<QemuLog.Event> chain = new ArrayList<>();
        List<QemuLog.Event> events = process.log().events();
        for (int i = events.size() - 1; i >= 0; i--) {
            QemuLog.Event event = events.get(i);
            boolean same = chain.isEmpty() || event.eip() == chain.get(0).eip() && event.vector() != Vector.DF.number();
            if (!same || chain.size() == LONGEST_CHAIN) {
                break;
            }
            chain.add(0, event);
        }
        if (chain.isEmpty()) {
            return Optional.empty();
        }
        return QemuRegisters.parse(chain.get(0).dump())
                .map(registers -> new Fault(
                        instruction(registers.state()),
                        chain.stream().map(QemuDiagnosis::event).toList(),
                        "its handler could not be entered",
                        List.of(),
                        registers.state(),
                        "QEMU, in its log of interrupts",
                        List.of()));
    }

    private GuestInstruction instruction(CpuState registers) {
        GuestImage image = config.vcpus().get(0).image();
        byte[] bytes = new LinearMemory(process.memory(), registers).code(registers.instructionAddress());
        return CodeReader.read(bytes, registers.eip(), CpuMode.of(registers))
                .orElseGet(() -> CodeReader.unread(registers.eip()))
                .namedBy(image);
    }

    private static Fault.Event event(QemuLog.Event logged) {
        OptionalInt errorCode =
                Vector.hasErrorCode(logged.vector()) ? OptionalInt.of(logged.errorCode()) : OptionalInt.empty();
        OptionalLong cr2 = logged.vector() == Vector.PF.number() ? logged.cr2() : OptionalLong.empty();
        return new Fault.Event(logged.vector(), errorCode, cr2, Optional.empty());
    }
}
