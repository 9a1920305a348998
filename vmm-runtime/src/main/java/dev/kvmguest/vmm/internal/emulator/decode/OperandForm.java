package dev.kvmguest.vmm.internal.emulator.decode;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import java.util.Locale;
import java.util.Map;

/**
 * How an operand is encoded, as one of the codes that the opcode map uses.
 *
 * @param source where it comes from
 * @param width its width: a number of bytes, or one of the negative constants
 * @param number the register, if the form always means the same
 */
record OperandForm(Source source, int width, int number) {

    /** As wide as the operand size. */
    static final int OPERAND_SIZE = -1;
    /** The operand size and a selector. */
    static final int FAR = -2;
    /** Twice the operand size. */
    static final int TWO_OPERANDS = -3;
    /** The operand size in a register and two bytes in memory. */
    static final int OPERAND_SIZE_OR_WORD = -4;
    /** Four bytes in a register and two in memory. */
    static final int DOUBLEWORD_OR_WORD = -5;
    /** The x87 environment: 14 or 28 bytes. */
    static final int X87_ENVIRONMENT = -6;
    /** The x87 state: 94 or 108 bytes. */
    static final int X87_STATE = -7;
    /** Four bytes in a register and one in memory. */
    static final int DOUBLEWORD_OR_BYTE = -8;
    /** Eight bytes with that operand size, else four. */
    static final int DOUBLEWORD_OR_QUADWORD = -9;
    /** As wide as the operand size, but no more than four bytes. */
    static final int OPERAND_SIZE_TO_DOUBLEWORD = -10;
    /** 16 bytes with an operand size of eight, else eight. */
    static final int QUADWORD_OR_TWO = -11;
    /** A limit and a base: ten bytes with an operand size of eight, else six. */
    static final int DESCRIPTOR_TABLE = -12;

    /** Where an operand comes from. */
    enum Source {
        REGISTER_OR_MEMORY(true),
        REGISTER(true),
        REGISTER_IN_RM(true),
        MEMORY(true),
        IMMEDIATE(false),
        SIGN_EXTENDED(false),
        ONE(false),
        RELATIVE(false),
        FAR_POINTER(false),
        OFFSET(false),
        SEGMENT(true),
        CONTROL(true),
        DEBUG(true),
        OPCODE(false),
        MMX(true),
        MMX_OR_MEMORY(true),
        MMX_IN_RM(true),
        XMM(true),
        XMM_OR_MEMORY(true),
        XMM_IN_RM(true),
        X87_IN_RM(true),
        X87_TOP(false),
        FIXED_REGISTER(false),
        FIXED_SEGMENT(false),
        FIXED_XMM(false);

        private final boolean modRm;

        Source(boolean modRm) {
            this.modRm = modRm;
        }
    }

    private static final Map<String, OperandForm> NAMED = Map.ofEntries(
            Map.entry("AL", new OperandForm(Source.FIXED_REGISTER, 1, Registers.RAX)),
            Map.entry("AX", new OperandForm(Source.FIXED_REGISTER, 2, Registers.RAX)),
            Map.entry("eAX", new OperandForm(Source.FIXED_REGISTER, OPERAND_SIZE, Registers.RAX)),
            Map.entry("CL", new OperandForm(Source.FIXED_REGISTER, 1, Registers.RCX)),
            Map.entry("DX", new OperandForm(Source.FIXED_REGISTER, 2, Registers.RDX)),
            Map.entry("ES", new OperandForm(Source.FIXED_SEGMENT, 2, Cpu.ES)),
            Map.entry("CS", new OperandForm(Source.FIXED_SEGMENT, 2, Cpu.CS)),
            Map.entry("SS", new OperandForm(Source.FIXED_SEGMENT, 2, Cpu.SS)),
            Map.entry("DS", new OperandForm(Source.FIXED_SEGMENT, 2, Cpu.DS)),
            Map.entry("FS", new OperandForm(Source.FIXED_SEGMENT, 2, Cpu.FS)),
            Map.entry("GS", new OperandForm(Source.FIXED_SEGMENT, 2, Cpu.GS)),
            Map.entry("XMM0", new OperandForm(Source.FIXED_XMM, 16, 0)),
            Map.entry("I1", new OperandForm(Source.ONE, 1, 0)),
            Map.entry("STi", new OperandForm(Source.X87_IN_RM, 10, 0)),
            Map.entry("ST0", new OperandForm(Source.X87_TOP, 10, 0)));

    private static final Map<String, Source> SOURCES = Map.ofEntries(
            Map.entry("E", Source.REGISTER_OR_MEMORY),
            Map.entry("G", Source.REGISTER),
            Map.entry("R", Source.REGISTER_IN_RM),
            Map.entry("M", Source.MEMORY),
            Map.entry("I", Source.IMMEDIATE),
            Map.entry("sI", Source.SIGN_EXTENDED),
            Map.entry("J", Source.RELATIVE),
            Map.entry("A", Source.FAR_POINTER),
            Map.entry("O", Source.OFFSET),
            Map.entry("S", Source.SEGMENT),
            Map.entry("C", Source.CONTROL),
            Map.entry("D", Source.DEBUG),
            Map.entry("Z", Source.OPCODE),
            Map.entry("P", Source.MMX),
            Map.entry("Q", Source.MMX_OR_MEMORY),
            Map.entry("N", Source.MMX_IN_RM),
            Map.entry("V", Source.XMM),
            Map.entry("W", Source.XMM_OR_MEMORY),
            Map.entry("U", Source.XMM_IN_RM));

    private static final Map<String, Integer> WIDTHS = Map.ofEntries(
            Map.entry("0", 0),
            Map.entry("b", 1),
            Map.entry("w", 2),
            Map.entry("d", 4),
            Map.entry("s", DESCRIPTOR_TABLE),
            Map.entry("q", 8),
            Map.entry("t", 10),
            Map.entry("x", 16),
            Map.entry("512", 512),
            Map.entry("576", 576),
            Map.entry("v", OPERAND_SIZE),
            Map.entry("y", DOUBLEWORD_OR_QUADWORD),
            Map.entry("z", OPERAND_SIZE_TO_DOUBLEWORD),
            Map.entry("qx", QUADWORD_OR_TWO),
            Map.entry("p", FAR),
            Map.entry("a", TWO_OPERANDS),
            Map.entry("vw", OPERAND_SIZE_OR_WORD),
            Map.entry("dw", DOUBLEWORD_OR_WORD),
            Map.entry("db", DOUBLEWORD_OR_BYTE),
            Map.entry("env", X87_ENVIRONMENT),
            Map.entry("save", X87_STATE));

    /** Returns the form that a code of the opcode map stands for. */
    static OperandForm of(String code) {
        OperandForm named = NAMED.get(code);
        if (named != null) {
            return named;
        }
        int letters = code.startsWith("s") ? 2 : 1;
        Source source = SOURCES.get(code.substring(0, letters));
        Integer width = WIDTHS.get(code.substring(letters));
        if (source == null || width == null) {
            throw new IllegalArgumentException(String.format(Locale.ROOT, "operand code %s is unknown", code));
        }

        return new OperandForm(source, width, 0);
    }

    boolean needsModRm() {
        return source.modRm;
    }

    /** Returns the width in bytes for this operand size, in memory or in a register. */
    int width(int operandSize, boolean memory) {
        return switch (width) {
            case OPERAND_SIZE -> operandSize;
            case FAR -> operandSize + 2;
            case TWO_OPERANDS -> 2 * operandSize;
            case OPERAND_SIZE_OR_WORD -> memory ? 2 : operandSize;
            case DOUBLEWORD_OR_WORD -> memory ? 2 : 4;
            case DOUBLEWORD_OR_BYTE -> memory ? 1 : 4;
            case DOUBLEWORD_OR_QUADWORD -> operandSize == 8 ? 8 : 4;
            case X87_ENVIRONMENT -> operandSize == 4 ? 28 : 14;
            case X87_STATE -> operandSize == 4 ? 108 : 94;
            case OPERAND_SIZE_TO_DOUBLEWORD -> Math.min(operandSize, 4);
            case QUADWORD_OR_TWO -> operandSize == 8 ? 16 : 8;
            case DESCRIPTOR_TABLE -> operandSize == 8 ? 10 : 6;
            default -> width;
        };
    }
}
