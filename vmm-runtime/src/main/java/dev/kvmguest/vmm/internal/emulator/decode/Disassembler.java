package dev.kvmguest.vmm.internal.emulator.decode;

import static java.util.Map.entry;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/**
 * Prints instructions as NASM writes them, for reports about crashes.
 *
 * <p>What the bytes say beyond that is left out: prefixes without effect, longer encodings than needed. NASM makes
 * something of the same meaning from the text, in code of the same size. Numbers below 10 are decimal, others and all
 * addresses are hexadecimal with {@code 0x}. Targets of jumps are absolute, as EIP. Conditions have the names that the
 * manual's pseudocode prefers for unsigned and signed comparisons: {@code jb jae je jne jbe ja}, {@code jl jge jle jg}.
 *
 * <p>An address relative to RIP is printed as the one it comes to, {@code [rel 0x401000]}, as by NASM's own
 * disassembler. For the assembler the number has to become a label.
 */
public final class Disassembler {

    private static final String[] LOW_BYTES = {"al", "cl", "dl", "bl"};
    private static final String[] HIGH_BYTES = {"ah", "ch", "dh", "bh"};
    private static final String[] WORD_REGISTERS = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    /** The first register whose name is a number. */
    private static final int R8 = 8;

    private static final String[] SEGMENT_REGISTERS = {"es", "cs", "ss", "ds", "fs", "gs"};
    private static final Map<Integer, String> SIZES = Map.ofEntries(
            entry(1, "byte "), entry(2, "word "), entry(4, "dword "), entry(8, "qword "), entry(10, "tword "));

    /** Numbers from here on are hexadecimal: below, both are the same. */
    private static final long FIRST_HEXADECIMAL = 10;
    /** A displacement is printed as negative if it is above this; below it is rather the address of a table. */
    private static final long FARTHEST_BACK_16 = -0x1000;

    private static final long FARTHEST_BACK_32 = -0x10_0000;
    /** AAM and AAD have an operand, but assemblers write this one as none. */
    private static final int DECIMAL_BASE = 10;

    // These sets are not traits: they are about what NASM's notation shows and hides, and about what reads well.

    /** The size of their memory operand follows from the name, or has none. */
    private static final Set<Mnemonic> SIZE_IN_NAME = sizeInName();

    /** Of these, what takes an integer of 32 bits if the text doesn't say 64. */
    private static final Set<Mnemonic> FROM_INTEGER = EnumSet.of(Mnemonic.CVTSI2SD, Mnemonic.CVTSI2SS);

    /** What the operand size changes, though neither name nor operands show it. */
    private static final Set<Mnemonic> HIDDEN_OPERAND_SIZE = EnumSet.of(
            Mnemonic.FLDENV,
            Mnemonic.FNSAVE,
            Mnemonic.FNSTENV,
            Mnemonic.FRSTOR,
            Mnemonic.IRET,
            Mnemonic.POPA,
            Mnemonic.PUSHA,
            Mnemonic.RETF);

    /** The same, where it is that of pushes unless a prefix changes it: 64 bits in 64-bit mode. */
    private static final Set<Mnemonic> HIDDEN_STACK_OPERAND_SIZE = EnumSet.of(
            Mnemonic.ENTER,
            Mnemonic.LEAVE,
            Mnemonic.LGDT,
            Mnemonic.LIDT,
            Mnemonic.POPF,
            Mnemonic.PUSHF,
            Mnemonic.RET,
            Mnemonic.SGDT,
            Mnemonic.SIDT);

    /** What the address size changes, though neither name nor operands show it. */
    private static final Set<Mnemonic> HIDDEN_ADDRESS_SIZE = EnumSet.of(
            Mnemonic.LOOP, Mnemonic.LOOPE, Mnemonic.LOOPNE, Mnemonic.XLATB, Mnemonic.MASKMOVQ, Mnemonic.MASKMOVDQU);

    /**
     * Where an immediate that is a small negative number is meant as one; elsewhere it is rather a mask or an address.
     */
    private static final Set<Mnemonic> SIGNED = EnumSet.of(
            Mnemonic.ADC, Mnemonic.ADD, Mnemonic.CMP, Mnemonic.IMUL, Mnemonic.PUSH, Mnemonic.SBB, Mnemonic.SUB);

    private final Instruction instruction;
    private final StringBuilder text = new StringBuilder();

    private Disassembler(Instruction instruction) {
        this.instruction = instruction;
    }

    /** Returns an instruction's text, such as {@code mov eax, [ebx+ecx*4+0x10]}; {@code (bad)} for no instruction. */
    public static String text(Instruction instruction) {
        Disassembler disassembler = new Disassembler(instruction);
        disassembler.prefixes();
        disassembler.text.append(instruction.mnemonic.text());
        disassembler.operands();
        return disassembler.text.toString();
    }

    private void prefixes() {
        Mnemonic mnemonic = instruction.mnemonic;
        if (instruction.lock) {
            text.append("lock ");
        }
        if (hidesOperandSize()) {
            text.append('o').append(8 * instruction.operandSize).append(' ');
        }
        if (instruction.addressSize != instruction.mode.addressSize() && hidesAddressSize()) {
            text.append('a').append(8 * instruction.addressSize).append(' ');
        }
        if (instruction.repeat == Instruction.REPNE) {
            text.append("repne ");
        } else if (instruction.repeat == Instruction.REP) {
            text.append(mnemonic.is(Trait.STRING_COMPARISON) ? "repe " : "rep ");
        }
        if (instruction.segment != Cpu.DS && hasImplicitSource()) {
            text.append(SEGMENT_REGISTERS[instruction.segment]).append(' ');
        }
    }

    /** Returns whether the operand size is another than usual in this code and neither name nor operands show it. */
    private boolean hidesOperandSize() {
        Mnemonic mnemonic = instruction.mnemonic;
        boolean segmentOnStack =
                (mnemonic == Mnemonic.PUSH || mnemonic == Mnemonic.POP) && instruction.op0.kind == Operand.Kind.SEGMENT;
        if (segmentOnStack || HIDDEN_STACK_OPERAND_SIZE.contains(mnemonic)) {
            return instruction.operandSize != instruction.mode.stackOperandSize();
        }
        if (mnemonic == Mnemonic.SYSEXIT || mnemonic == Mnemonic.SYSRET) {
            // REX.W says what code they return to. Prefix 66 says nothing.
            return instruction.operandSize == 8;
        }
        return instruction.operandSize != instruction.mode.operandSize() && HIDDEN_OPERAND_SIZE.contains(mnemonic);
    }

    private boolean hidesAddressSize() {
        return HIDDEN_ADDRESS_SIZE.contains(instruction.mnemonic)
                || instruction.mnemonic.is(Trait.STRING)
                || instruction.mode.is64() && (isBare(instruction.op0) || isBare(instruction.op1));
    }

    /** Returns whether an operand is memory at an address without registers. */
    private static boolean isBare(Operand operand) {
        return operand != null
                && operand.isMemory()
                && operand.base == Registers.NONE
                && operand.index == Registers.NONE;
    }

    private boolean hasImplicitSource() {
        return instruction.mnemonic.is(Trait.STRING_SOURCE)
                || instruction.mnemonic == Mnemonic.XLATB
                || instruction.mnemonic == Mnemonic.MASKMOVQ
                || instruction.mnemonic == Mnemonic.MASKMOVDQU;
    }

    private void operands() {
        Operand[] operands = {instruction.op0, instruction.op1, instruction.op2};
        String separator = " ";
        for (Operand operand : operands) {
            if (operand != null && !isImplied(operand)) {
                text.append(separator);
                operand(operand);
                separator = ", ";
            }
        }
    }

    private boolean isImplied(Operand operand) {
        return (instruction.mnemonic == Mnemonic.AAM || instruction.mnemonic == Mnemonic.AAD)
                && operand.value == DECIMAL_BASE;
    }

    private void operand(Operand operand) {
        switch (operand.kind) {
            case REGISTER -> text.append(register(operand.number, operand.width));
            case MEMORY -> memory(operand);
            case IMMEDIATE -> immediate(operand);
            case RELATIVE -> {
                targetSize(instruction.mode.stackOperandSize());
                text.append(address(operand.value));
            }
            case FAR_POINTER -> {
                targetSize(instruction.mode.operandSize());
                text.append(address(operand.segment)).append(':').append(address(operand.value));
            }
            case SEGMENT -> text.append(SEGMENT_REGISTERS[operand.number]);
            case CONTROL -> text.append("cr").append(operand.number);
            case DEBUG -> text.append("dr").append(operand.number);
            case MMX -> text.append("mm").append(operand.number);
            case XMM -> text.append("xmm").append(operand.number);
            case X87 -> text.append("st").append(operand.number);
        }
    }

    /** Says how wide the new EIP is, where that isn't what the text means by itself. */
    private void targetSize(int usual) {
        if (instruction.operandSize != usual) {
            text.append(SIZES.get(instruction.operandSize));
        }
    }

    private void memory(Operand operand) {
        if (instruction.mnemonic == Mnemonic.CALL_FAR || instruction.mnemonic == Mnemonic.JMP_FAR) {
            // Assemblers take a far pointer for one of 64 bits in 64-bit code, though that needs a prefix.
            targetSize(instruction.mode.stackOperandSize());
            text.append("far ");
        } else if (needsSize(operand)) {
            text.append(SIZES.getOrDefault(operand.width, ""));
        }
        text.append('[');
        boolean bare = isBare(operand);
        int addressSize = instruction.addressSize;
        if (operand.ripRelative) {
            text.append("rel ");
        } else if (bare && needsAddressSize(operand)) {
            text.append(SIZES.get(addressSize));
        }
        if (operand.segment != defaultSegment(operand)) {
            text.append(SEGMENT_REGISTERS[operand.segment]).append(':');
        }
        if (bare) {
            text.append(address(operand.value & operand.addressMask));
        } else {
            registers(operand, addressSize);
            displacement(operand, addressSize);
        }
        text.append(']');
    }

    /**
     * Returns whether the text of an address alone would mean one of another size. In 64-bit code it means a number of
     * 32 bits that is sign-extended, and a size of 32 bits is said in front of the name.
     */
    private boolean needsAddressSize(Operand operand) {
        return instruction.mode.is64()
                ? instruction.addressSize == 8 && operand.value != (int) operand.value
                : instruction.addressSize != instruction.mode.addressSize();
    }

    private void registers(Operand operand, int addressSize) {
        String separator = "";
        if (operand.base != Registers.NONE) {
            text.append(register(operand.base, addressSize));
            separator = "+";
        }
        if (operand.index != Registers.NONE) {
            text.append(separator).append(register(operand.index, addressSize));
            // An index without a base is written with its scale always: [ebp*1] is in DS, [ebp] in SS.
            if (operand.scale != 0 || operand.base == Registers.NONE) {
                text.append('*').append(1 << operand.scale);
            }
        }
    }

    private void displacement(Operand operand, int addressSize) {
        long value = operand.value;
        if (value < 0 && value >= (addressSize == 2 ? FARTHEST_BACK_16 : FARTHEST_BACK_32)) {
            text.append('-').append(number(-value));
        } else if (value != 0) {
            text.append('+').append(number(value & operand.addressMask));
        }
    }

    /** Returns whether no other operand shows the size of a memory operand. */
    private boolean needsSize(Operand memory) {
        if (SIZE_IN_NAME.contains(instruction.mnemonic)) {
            // An integer of 64 bits is the only one that these names leave open.
            return memory.width == 8 && FROM_INTEGER.contains(instruction.mnemonic);
        }
        if (instruction.mnemonic.is(Trait.SHIFT) || instruction.mnemonic == Mnemonic.CRC32) {
            return true;
        }
        Operand other = memory == instruction.op0 ? instruction.op1 : instruction.op0;
        return other == null
                || other.kind == Operand.Kind.IMMEDIATE
                || other.kind == Operand.Kind.REGISTER && other.width != memory.width;
    }

    private void immediate(Operand operand) {
        if (instruction.mnemonic == Mnemonic.PUSH && operand.width != instruction.mode.stackOperandSize()) {
            text.append(SIZES.get(operand.width));
        }
        long signed = signed(operand);
        if (operand.width > 1 && signed < 0 && signed >= Byte.MIN_VALUE && SIGNED.contains(instruction.mnemonic)) {
            text.append('-').append(number(-signed));
        } else {
            text.append(number(operand.value));
        }
    }

    private static long signed(Operand operand) {
        int unused = Long.SIZE - 8 * operand.width;
        return operand.value << unused >> unused;
    }

    private static int defaultSegment(Operand operand) {
        return operand.base == Registers.RBP || operand.base == Registers.RSP ? Cpu.SS : Cpu.DS;
    }

    private static String register(int number, int width) {
        return switch (width) {
            case 1 -> byteRegister(number);
            case 2 -> number < R8 ? WORD_REGISTERS[number] : "r" + number + "w";
            case 4 -> number < R8 ? "e" + WORD_REGISTERS[number] : "r" + number + "d";
            default -> number < R8 ? "r" + WORD_REGISTERS[number] : "r" + number;
        };
    }

    private static String byteRegister(int number) {
        if ((number & Registers.HIGH_BYTE) != 0) {
            return HIGH_BYTES[number - Registers.HIGH_BYTE];
        }
        if (number < LOW_BYTES.length) {
            return LOW_BYTES[number];
        }
        return number < R8 ? WORD_REGISTERS[number] + "l" : "r" + number + "b";
    }

    private static String number(long value) {
        return Long.compareUnsigned(value, FIRST_HEXADECIMAL) < 0 ? Long.toString(value) : address(value);
    }

    /** Addresses and selectors are hexadecimal always. */
    private static String address(long value) {
        return "0x" + Long.toHexString(value);
    }

    private static Set<Mnemonic> sizeInName() {
        Set<Mnemonic> names = Trait.SIMD.mnemonics();
        names.addAll(EnumSet.of(
                Mnemonic.BOUND,
                Mnemonic.FLDCW,
                Mnemonic.FLDENV,
                Mnemonic.FNSAVE,
                Mnemonic.FNSTCW,
                Mnemonic.FNSTENV,
                Mnemonic.FNSTSW,
                Mnemonic.FRSTOR,
                Mnemonic.FXRSTOR,
                Mnemonic.FXRSTOR64,
                Mnemonic.FXSAVE,
                Mnemonic.FXSAVE64,
                Mnemonic.LDS,
                Mnemonic.LES,
                Mnemonic.LFS,
                Mnemonic.LGDT,
                Mnemonic.LGS,
                Mnemonic.LIDT,
                Mnemonic.LSS,
                Mnemonic.SGDT,
                Mnemonic.SIDT,
                Mnemonic.XRSTOR,
                Mnemonic.XRSTOR64,
                Mnemonic.XSAVE,
                Mnemonic.XSAVE64));
        return names;
    }
}
