package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** What instructions do to registers, for those who follow a value back. */
final class Effects {

    /** Those that write their first operand, and no general register besides. */
    private static final Set<Mnemonic> WRITES_FIRST = EnumSet.of(
            Mnemonic.ADC,
            Mnemonic.ADD,
            Mnemonic.AND,
            Mnemonic.BSF,
            Mnemonic.BSR,
            Mnemonic.BSWAP,
            Mnemonic.BTC,
            Mnemonic.BTR,
            Mnemonic.BTS,
            Mnemonic.CRC32,
            Mnemonic.DEC,
            Mnemonic.INC,
            Mnemonic.LEA,
            Mnemonic.MOV,
            Mnemonic.MOVBE,
            Mnemonic.MOVSX,
            Mnemonic.MOVSXD,
            Mnemonic.MOVZX,
            Mnemonic.MOV_CONTROL,
            Mnemonic.MOV_SEGMENT,
            Mnemonic.NEG,
            Mnemonic.NOT,
            Mnemonic.OR,
            Mnemonic.POP,
            Mnemonic.POPCNT,
            Mnemonic.RDRAND,
            Mnemonic.SBB,
            Mnemonic.SHLD,
            Mnemonic.SHRD,
            Mnemonic.SUB,
            Mnemonic.XOR);

    /** Those of SSE that write ECX. */
    private static final Set<Mnemonic> WRITES_INDEX = EnumSet.of(Mnemonic.PCMPESTRI, Mnemonic.PCMPISTRI);

    /** Those that write no general register but RSP. */
    private static final Set<Mnemonic> WRITES_NONE = EnumSet.of(
            Mnemonic.BT,
            Mnemonic.CALL,
            Mnemonic.CLAC,
            Mnemonic.CLC,
            Mnemonic.CLD,
            Mnemonic.CLI,
            Mnemonic.CLTS,
            Mnemonic.CMC,
            Mnemonic.CMP,
            Mnemonic.HLT,
            Mnemonic.INVLPG,
            Mnemonic.JMP,
            Mnemonic.LGDT,
            Mnemonic.LIDT,
            Mnemonic.LLDT,
            Mnemonic.LTR,
            Mnemonic.NOP,
            Mnemonic.OUT,
            Mnemonic.PUSH,
            Mnemonic.PUSHF,
            Mnemonic.PUSHFD,
            Mnemonic.PUSHFQ,
            Mnemonic.POPF,
            Mnemonic.POPFD,
            Mnemonic.POPFQ,
            Mnemonic.RET,
            Mnemonic.STAC,
            Mnemonic.STC,
            Mnemonic.STD,
            Mnemonic.STI,
            Mnemonic.SWAPGS,
            Mnemonic.TEST,
            Mnemonic.WRMSR);

    /** Those that write registers which none of their operands is. */
    private static final Map<Mnemonic, Set<Register>> IMPLICIT = new EnumMap<>(Map.ofEntries(
            Map.entry(Mnemonic.CBW, EnumSet.of(Register.RAX)),
            Map.entry(Mnemonic.CWDE, EnumSet.of(Register.RAX)),
            Map.entry(Mnemonic.CDQE, EnumSet.of(Register.RAX)),
            Map.entry(Mnemonic.IN, EnumSet.of(Register.RAX)),
            Map.entry(Mnemonic.CWD, EnumSet.of(Register.RDX)),
            Map.entry(Mnemonic.CDQ, EnumSet.of(Register.RDX)),
            Map.entry(Mnemonic.CQO, EnumSet.of(Register.RDX)),
            Map.entry(Mnemonic.DIV, EnumSet.of(Register.RAX, Register.RDX)),
            Map.entry(Mnemonic.IDIV, EnumSet.of(Register.RAX, Register.RDX)),
            Map.entry(Mnemonic.MUL, EnumSet.of(Register.RAX, Register.RDX)),
            Map.entry(Mnemonic.RDMSR, EnumSet.of(Register.RAX, Register.RDX)),
            Map.entry(Mnemonic.RDTSC, EnumSet.of(Register.RAX, Register.RDX)),
            Map.entry(Mnemonic.CPUID, EnumSet.of(Register.RAX, Register.RBX, Register.RCX, Register.RDX)),
            Map.entry(Mnemonic.LEAVE, EnumSet.of(Register.RBP)),
            Map.entry(Mnemonic.ENTER, EnumSet.of(Register.RBP)),
            Map.entry(Mnemonic.LOOP, EnumSet.of(Register.RCX)),
            Map.entry(Mnemonic.LOOPE, EnumSet.of(Register.RCX)),
            Map.entry(Mnemonic.LOOPNE, EnumSet.of(Register.RCX))));

    private Effects() {}

    /** Returns the general registers, RSP aside, that an instruction may write; empty if that isn't known here. */
    static Optional<Set<Register>> written(Instruction instruction) {
        Mnemonic mnemonic = instruction.mnemonic;
        Set<Register> written = EnumSet.noneOf(Register.class);
        if (IMPLICIT.containsKey(mnemonic)) {
            written.addAll(IMPLICIT.get(mnemonic));
        } else if (mnemonic == Mnemonic.IMUL && instruction.op1 == null) {
            written.addAll(IMPLICIT.get(Mnemonic.MUL));
        } else if (mnemonic == Mnemonic.XCHG || mnemonic == Mnemonic.XADD) {
            add(written, instruction.op0);
            add(written, instruction.op1);
        } else if (mnemonic.is(Trait.STRING)) {
            written.addAll(ofString(instruction));
        } else if (writesFirst(mnemonic)) {
            add(written, instruction.op0);
        } else if (!WRITES_NONE.contains(mnemonic) && !mnemonic.is(Trait.CONDITIONAL_JUMP)) {
            return Optional.empty();
        }
        return Optional.of(written);
    }

    private static Set<Register> ofString(Instruction instruction) {
        Set<Register> written = EnumSet.of(Register.RSI, Register.RDI);
        if (instruction.repeat != Instruction.NO_REPEAT) {
            written.add(Register.RCX);
        }
        if (instruction.mnemonic.name().startsWith("LODS")) {
            written.add(Register.RAX);
        }
        return written;
    }

    private static boolean writesFirst(Mnemonic mnemonic) {
        return WRITES_FIRST.contains(mnemonic)
                || mnemonic == Mnemonic.IMUL
                || mnemonic.is(Trait.SHIFT)
                || mnemonic.is(Trait.X87)
                || mnemonic.is(Trait.SIMD) && !WRITES_INDEX.contains(mnemonic)
                || isConditionalMove(mnemonic)
                || mnemonic.name().startsWith("SET");
    }

    /** Returns whether an instruction moves its operand on a condition. */
    static boolean isConditionalMove(Mnemonic mnemonic) {
        return mnemonic.name().startsWith("CMOV");
    }

    private static void add(Set<Register> written, Operand operand) {
        if (operand != null && operand.isRegister()) {
            written.add(Register.byNumber().get(operand.wholeRegister()));
        }
    }

    /** Returns what an instruction adds to RSP, negative for a push; empty if its bytes don't tell. */
    static OptionalLong stackChange(Instruction instruction) {
        int word = instruction.operandSize;
        Operand to = instruction.op0;
        return switch (instruction.mnemonic) {
            case PUSH, PUSHF, PUSHFD, PUSHFQ, CALL -> OptionalLong.of(-word);
            case POPF, POPFD, POPFQ -> OptionalLong.of(word);
            case POP -> isStackPointer(to) ? OptionalLong.empty() : OptionalLong.of(word);
            case RET -> OptionalLong.of(word + (to == null ? 0 : to.value));
            case SUB -> moved(instruction, -1);
            case ADD -> moved(instruction, 1);
            case LEA ->
                !isStackPointer(to)
                        ? OptionalLong.of(0)
                        : instruction.op1.base == Registers.RSP && instruction.op1.index == Registers.NONE
                                ? OptionalLong.of(instruction.op1.value)
                                : OptionalLong.empty();
            case CMP, TEST -> OptionalLong.of(0);
            default ->
                written(instruction).isEmpty()
                                || isStackPointer(to)
                                || instruction.mnemonic == Mnemonic.XCHG && isStackPointer(instruction.op1)
                                || instruction.mnemonic == Mnemonic.LEAVE
                                || instruction.mnemonic == Mnemonic.ENTER
                        ? OptionalLong.empty()
                        : OptionalLong.of(0);
        };
    }

    private static OptionalLong moved(Instruction instruction, int sign) {
        if (!isStackPointer(instruction.op0)) {
            return OptionalLong.of(0);
        }
        return instruction.op1.kind == Operand.Kind.IMMEDIATE
                ? OptionalLong.of(
                        sign * (instruction.op1.width == 8 ? instruction.op1.value : (int) instruction.op1.value))
                : OptionalLong.empty();
    }

    static boolean isStackPointer(Operand operand) {
        return operand != null
                && operand.isRegister()
                && operand.wholeRegister() == Registers.RSP
                && !operand.isHighByte();
    }
}
