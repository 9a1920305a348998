package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Vector;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What QEMU's log tells of exceptions, with the instructions that raised them.
 *
 * @param log the log of a run that has ended
 * @param memory its memory, which has the instructions as they were at the end
 * @param image the image, for names
 */
record LoggedExceptions(QemuLog log, GuestMemory memory, GuestImage image) {

    /** An exception, one while it is delivered, and #DF. */
    private static final int LONGEST_CHAIN = 3;

    /** Returns the exceptions before the shutdown: all of one instruction. */
    Optional<Fault> fault() {
        List<QemuLog.Event> chain = new ArrayList<>();
        List<QemuLog.Event> events = log.events();
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
                        chain.stream().map(LoggedExceptions::event).toList(),
                        "its handler could not be entered",
                        List.of(),
                        registers.state(),
                        "QEMU, in its log of interrupts",
                        List.of()));
    }

    /**
     * Returns the first exceptions that were raised, whether or not a handler was entered for them; none of INT n.
     *
     * @param death what the guest died of, if it did: of its chain the list has only the first
     */
    List<HandledException> raised(Optional<Fault> death) {
        List<HandledException> raised = new ArrayList<>();
        for (QemuLog.Event event : log.firstExceptions()) {
            QemuRegisters.parse(event.dump())
                    .map(QemuRegisters::state)
                    .filter(state -> !event.software() || !isInt(state))
                    .ifPresent(state -> raised.add(new HandledException(event(event), instruction(state))));
        }
        boolean isWhole = log.firstExceptions().size() < QemuLog.MOST_EXCEPTIONS;
        int following = isWhole ? death.map(fault -> fault.chain().size() - 1).orElse(0) : 0;
        for (int last = raised.size() - 1; following > 0 && last > 0 && isSamePlace(raised, last); last--) {
            raised.remove(last);
            following--;
        }
        return raised;
    }

    private static boolean isSamePlace(List<HandledException> raised, int index) {
        return raised.get(index).at().eip() == raised.get(index - 1).at().eip();
    }

    /** INT3, INTO and INT1 raise exceptions; INT 3 of two bytes calls a handler. */
    private boolean isInt(CpuState registers) {
        return CodeReader.decode(code(registers), registers.eip(), CpuMode.of(registers))
                .filter(instruction -> instruction.mnemonic == Mnemonic.INT)
                .isPresent();
    }

    private GuestInstruction instruction(CpuState registers) {
        return CodeReader.read(code(registers), registers.eip(), CpuMode.of(registers))
                .orElseGet(() -> CodeReader.unread(registers.eip()))
                .namedBy(image);
    }

    private byte[] code(CpuState registers) {
        return new LinearMemory(memory, registers).code(registers.instructionAddress());
    }

    private static Fault.Event event(QemuLog.Event logged) {
        OptionalInt errorCode =
                Vector.hasErrorCode(logged.vector()) ? OptionalInt.of(logged.errorCode()) : OptionalInt.empty();
        OptionalLong cr2 = logged.vector() == Vector.PF.number() ? logged.cr2() : OptionalLong.empty();
        return new Fault.Event(logged.vector(), errorCode, cr2, Optional.empty());
    }
}
