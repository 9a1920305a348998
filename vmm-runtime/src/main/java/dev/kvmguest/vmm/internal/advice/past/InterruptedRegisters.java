package dev.kvmguest.vmm.internal.advice.past;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.engine.DeliveryLog.ChangedRegisters;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Recognizes a handler of a device's interrupt that returns with other registers than it was entered with, to code that
 * goes on with them.
 *
 * <p>Silent if the code waits for the handler, by HLT or in a loop that only looks, if it overwrites the registers
 * before it reads them, and if all that it reads has become one more or one less: there are handlers that count in a
 * register.
 */
final class InterruptedRegisters {

    private static final int LOOKED_AT = 16;
    private static final int LONGEST_WAIT = 4;
    private static final int HLT = 0xf4;

    /** What writes its first operand without reading it, if that is a register of full width. */
    private static final Set<Mnemonic> STORES =
            EnumSet.of(Mnemonic.MOV, Mnemonic.LEA, Mnemonic.MOVZX, Mnemonic.MOVSX, Mnemonic.POP);

    private static final Set<Mnemonic> LOOKS = EnumSet.of(Mnemonic.CMP, Mnemonic.TEST, Mnemonic.BT, Mnemonic.NOP);

    private InterruptedRegisters() {}

    /** The interrupted code goes on with what the handler has left in a register. */
    static Optional<String> byHandler(PastEvidence evidence) {
        return evidence.handlers()
                .changed()
                .filter(changed ->
                        !waits(evidence, changed.interrupt().registers().orElseThrow()))
                .filter(changed -> lives(evidence, changed))
                .map(changed -> sentence(evidence, changed));
    }

    private static String sentence(PastEvidence evidence, ChangedRegisters changed) {
        CpuState before = changed.interrupt().registers().orElseThrow();
        String registers = changed(changed).stream()
                .map(register -> name(before, register) + " " + hex(before.get(register)) + " became "
                        + hex(changed.after().get(register)))
                .collect(Collectors.joining(", "));
        long handler = changed.interrupt().handler();
        return "the handler of interrupt " + hex(changed.interrupt().event().vector()) + " at " + hex(handler)
                + evidence.symbol(handler)
                + " returned with other registers than it was entered with, the first time to "
                + hex(before.eip()) + evidence.symbol(before.instructionAddress()) + ": " + registers
                + "; what was interrupted goes on with them: save all registers that the handler changes, "
                + (before.code64()
                        ? "those that functions may change (RAX, RCX, RDX, RSI, RDI, R8 to R11) around a function in C"
                        : "by PUSHA and POPA around a function in C");
    }

    private static String name(CpuState registers, Register register) {
        return registers.nameOf(register).toUpperCase(Locale.ROOT);
    }

    private static List<Register> changed(ChangedRegisters changed) {
        CpuState before = changed.interrupt().registers().orElseThrow();
        return Register.byNumber().stream()
                .limit(before.code64() ? 16 : 8)
                .filter(register -> register != Register.RSP)
                .filter(register -> before.get(register) != changed.after().get(register))
                .toList();
    }

    private static boolean lives(PastEvidence evidence, ChangedRegisters changed) {
        CpuState before = changed.interrupt().registers().orElseThrow();
        return changed(changed).stream()
                .filter(register -> Math.abs(changed.after().get(register) - before.get(register)) != 1)
                .anyMatch(register ->
                        isReadFirst(evidence, before, Register.byNumber().indexOf(register)));
    }

    /** Returns whether code reads a register before it writes it, as far as no jump is taken. */
    private static boolean isReadFirst(PastEvidence evidence, CpuState at, int register) {
        long eip = at.eip();
        for (int i = 0; i < LOOKED_AT; i++) {
            Optional<Instruction> decoded = instruction(evidence, at, eip);
            if (decoded.isEmpty()) {
                return false;
            }
            Instruction one = decoded.get();
            boolean stored = STORES.contains(one.mnemonic) && isWhole(one.op0, register);
            if (addresses(one.op0, register)
                    || reads(one.op1, register)
                    || reads(one.op2, register)
                    || !stored && isRegister(one.op0, register)) {
                return !clears(one);
            }
            if (stored || one.mnemonic.is(Trait.CALL) || one.mnemonic.is(Trait.RETURN) || one.mnemonic.is(Trait.FAR)) {
                return false;
            }
            boolean jumps = one.mnemonic.is(Trait.JUMP);
            if (jumps && one.op0.kind != Operand.Kind.RELATIVE) {
                return false;
            }
            eip = jumps ? one.op0.value : one.nextEip;
        }
        return false;
    }

    /** XOR and SUB of a register with itself don't depend on it. */
    private static boolean clears(Instruction one) {
        return (one.mnemonic == Mnemonic.XOR || one.mnemonic == Mnemonic.SUB)
                && one.op0.isRegister()
                && one.op1.isRegister()
                && one.op0.number == one.op1.number;
    }

    private static boolean reads(Operand operand, int register) {
        return isRegister(operand, register) || addresses(operand, register);
    }

    private static boolean isRegister(Operand operand, int register) {
        return operand != null && operand.kind == Operand.Kind.REGISTER && operand.wholeRegister() == register;
    }

    /** Returns whether all of a register is written: in 64-bit code, 32 bits clear the upper half. */
    private static boolean isWhole(Operand operand, int register) {
        return isRegister(operand, register) && operand.width >= Integer.BYTES;
    }

    private static boolean addresses(Operand operand, int register) {
        return operand != null && operand.isMemory() && (operand.base == register || operand.index == register);
    }

    /** Returns whether code has executed HLT, or is in a loop of a few instructions that change nothing. */
    private static boolean waits(PastEvidence evidence, CpuState at) {
        boolean halted = evidence.memory()
                .read(at.linear(SegmentRegister.CS, at.eip() - 1), 1)
                .filter(before -> (before[0] & 0xff) == HLT)
                .isPresent();
        long eip = at.eip();
        long back = -1;
        for (int i = 0; i < LONGEST_WAIT && back < 0; i++) {
            Optional<Instruction> one = instruction(evidence, at, eip);
            if (one.isEmpty() || !looks(one.get())) {
                return halted;
            }
            boolean jumps =
                    one.get().mnemonic.is(Trait.JUMP) || one.get().mnemonic.is(Trait.CONDITIONAL_JUMP);
            back = jumps && one.get().op0.value <= at.eip() ? one.get().op0.value : -1;
            eip = one.get().nextEip;
        }
        return halted || back >= 0 && onlyLooks(evidence, at, back);
    }

    private static boolean onlyLooks(PastEvidence evidence, CpuState at, long from) {
        long eip = from;
        for (int i = 0; i < LONGEST_WAIT && eip < at.eip(); i++) {
            Optional<Instruction> one = instruction(evidence, at, eip);
            if (one.isEmpty() || !looks(one.get())) {
                return false;
            }
            eip = one.get().nextEip;
        }
        return eip >= at.eip();
    }

    private static boolean looks(Instruction one) {
        boolean jumps = one.mnemonic.is(Trait.JUMP) || one.mnemonic.is(Trait.CONDITIONAL_JUMP);
        return LOOKS.contains(one.mnemonic)
                || one.mnemonic == Mnemonic.HLT
                || one.mnemonic == Mnemonic.STI
                || jumps && one.op0.kind == Operand.Kind.RELATIVE && one.mnemonic != Mnemonic.LOOP;
    }

    private static Optional<Instruction> instruction(PastEvidence evidence, CpuState at, long eip) {
        byte[] code = evidence.memory().code(at.linear(SegmentRegister.CS, eip));
        return CodeReader.decode(code, eip, CpuMode.of(at));
    }
}
