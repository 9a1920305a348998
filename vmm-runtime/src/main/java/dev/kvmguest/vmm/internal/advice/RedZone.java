package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.LastChange.Change;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes a function that keeps variables in the red zone, the 128 bytes below RSP that a leaf function may use
 * (System V ABI for x86-64, 3.2.2), and read one that an interrupt had overwritten: a handler's frame begins right
 * below RSP.
 *
 * <p>Silent unless the frame is there, of an interrupt that came in this function with this RSP, and what was read is
 * of the frame, or was changed last by something else than the function.
 */
final class RedZone {

    /** The bytes of the red zone. */
    private static final int SIZE = 128;

    private static final int WORD = 8;
    private static final long ALIGNMENT = -16;
    /** RIP, CS, RFLAGS, RSP and SS. */
    private static final int FRAME = 5 * WORD;

    private RedZone() {}

    /**
     * Returns whether what was executed last reads memory below RSP, where a frame that the exception itself pushed
     * hides what was there before.
     */
    static boolean isUsed(Fault fault) {
        CpuState registers = fault.registers();
        CpuMode mode = CpuMode.of(registers);
        return mode.is64()
                && fault.lastInstructions().stream()
                        .map(shown -> Executed.of(shown, mode))
                        .anyMatch(executed -> read(executed, registers).isPresent());
    }

    /** A variable below RSP was overwritten and read. */
    static Optional<String> overwritten(Evidence evidence) {
        CpuState registers = evidence.registers();
        long frame = (registers.get(Register.RSP) & ALIGNMENT) - FRAME;
        if (!evidence.mode().is64() || evidence.cpl() != 0 || !isFrame(evidence, frame)) {
            return Optional.empty();
        }
        List<Executed> path = evidence.path();
        for (int i = path.size() - 1; i >= 0; i--) {
            Executed executed = path.get(i);
            boolean fails = i == path.size() - 1;
            if (!fails && movesStack(executed) || !isInSameFunction(evidence, executed)) {
                return Optional.empty();
            }
            Optional<Operand> slot = read(executed, registers);
            if (slot.filter(found -> isOverwritten(evidence, found, frame)).isPresent()) {
                return Optional.of(sentence(evidence, executed, slot.get(), frame));
            }
        }
        return Optional.empty();
    }

    private static String sentence(Evidence evidence, Executed load, Operand slot, long frame) {
        long place = slot.linear(evidence.registers());
        long interrupted = evidence.memory().readLong(frame).orElseThrow();
        String function = evidence.image()
                .image()
                .symbolAt(evidence.address())
                .map(Symbol::name)
                .orElse("the code");
        return load.inWords() + " read a variable at " + hex(place) + ", "
                + (evidence.registers().get(Register.RSP) - place) + " bytes below RSP, that an interrupt at "
                + hex(interrupted) + evidence.symbol(interrupted)
                + " had overwritten, since a handler's frame begins right below RSP: " + function
                + " keeps variables in the red zone, which a kernel can't have; compile it, and all libraries in it, with"
                + " -mno-red-zone (in a target of Rust \"disable-redzone\": true)";
    }

    /** Returns whether an interrupt's frame is below RSP that came in this function, with this RSP. */
    private static boolean isFrame(Evidence evidence, long frame) {
        OptionalLong rip = evidence.memory().readLong(frame);
        OptionalLong code = evidence.memory().readLong(frame + WORD);
        OptionalLong flags = evidence.memory().readLong(frame + 2 * WORD);
        OptionalLong pointer = evidence.memory().readLong(frame + 3 * WORD);
        OptionalLong stack = evidence.memory().readLong(frame + 4 * WORD);
        return rip.isPresent()
                && code.isPresent()
                && flags.isPresent()
                && pointer.isPresent()
                && stack.equals(OptionalLong.of(
                        evidence.registers().segment(SegmentRegister.SS).selector()))
                && rip.getAsLong() != evidence.at().eip()
                && isInSameFunction(evidence, rip.getAsLong())
                && code.getAsLong()
                        == evidence.registers().segment(SegmentRegister.CS).selector()
                && Flag.mayBeSaved(flags.getAsLong())
                && pointer.getAsLong() == evidence.registers().get(Register.RSP);
    }

    private static boolean isOverwritten(Evidence evidence, Operand slot, long frame) {
        long place = slot.linear(evidence.registers());
        if (place >= frame && place < frame + FRAME) {
            return true;
        }
        return evidence.memory().physical(place).stream()
                .mapToObj(physical -> evidence.changes()
                        .in(new Range(Kind.STACK, "a variable at " + hex(place), physical, physical + slot.width)))
                .flatMap(Optional::stream)
                .anyMatch(change -> place < frame && !isOwn(evidence, change, slot));
    }

    /** Returns whether it was the function that changed its variable. */
    private static boolean isOwn(Evidence evidence, Change change, Operand slot) {
        return isInSameFunction(evidence, change.by().eip())
                && CodeReader.decode(change.by(), evidence.mode())
                        .map(by -> by.op0)
                        .filter(written -> written != null
                                && written.isMemory()
                                && (written.base != slot.base || written.value == slot.value))
                        .isPresent();
    }

    private static boolean isInSameFunction(Evidence evidence, Executed executed) {
        return isInSameFunction(evidence, executed.eip());
    }

    private static boolean isInSameFunction(Evidence evidence, long linear) {
        Optional<Symbol> function = evidence.image().image().symbolAt(evidence.address());
        return function.isPresent() && function.equals(evidence.image().image().symbolAt(linear));
    }

    /** Returns the memory below RSP that an instruction reads. */
    private static Optional<Operand> read(Executed executed, CpuState registers) {
        return executed.decoded()
                .filter(one -> one.mnemonic != Mnemonic.LEA)
                .map(one -> one.op1 != null && one.op1.isMemory() ? one.op1 : readsFirst(one) ? one.op0 : null)
                .filter(operand -> operand.isMemory()
                        && operand.index == Registers.NONE
                        && (operand.base == Registers.RSP || operand.base == Registers.RBP))
                .filter(operand -> {
                    long below = registers.get(Register.RSP) - operand.linear(registers);
                    return below > 0 && below <= SIZE;
                });
    }

    private static boolean readsFirst(Instruction one) {
        return switch (one.mnemonic) {
            case JMP, CALL, PUSH, CMP, TEST, DIV, IDIV, MUL, IMUL, INC, DEC, ADD, SUB -> true;
            default -> false;
        };
    }

    private static boolean movesStack(Executed executed) {
        return executed.is(Trait.PUSH)
                || executed.is(Trait.POP)
                || executed.is(Trait.CALL)
                || executed.is(Trait.RETURN)
                || executed.is(Trait.INTERRUPT_RETURN)
                || executed.is(Mnemonic.LEAVE)
                || executed.decoded()
                        .filter(one -> one.op0 != null
                                && one.op0.isRegister()
                                && (one.op0.number == Registers.RSP || one.op0.number == Registers.RBP))
                        .isPresent();
    }
}
