package dev.kvmguest.vmm.internal.emulator.decode;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.OpcodeMap.Form;
import dev.kvmguest.vmm.internal.emulator.decode.OpcodeMap.Opcode;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.Arrays;

/**
 * Decodes instructions (Intel SDM volume 2, chapter 2 and appendix A). What is encoded how is in {@link OpcodeMap},
 * what memory ModRM means in {@link EffectiveAddress}; here are prefixes, registers and immediates. One thread at a
 * time may use a decoder.
 */
public final class Decoder {

    /** Where the bytes of an instruction come from. */
    @FunctionalInterface
    public interface Bytes {

        /**
         * Returns a byte.
         *
         * @param index from the start of the instruction, 0 to 14; asked for one after another
         * @throws dev.kvmguest.vmm.internal.emulator.core.CpuFault if it can't be fetched
         */
        int get(int index);
    }

    /** Thrown where the bytes turn out to be no instruction; it never leaves this class. */
    private static final class NoInstruction extends RuntimeException {

        private static final long serialVersionUID = 1;
        private static final NoInstruction INVALID = new NoInstruction();
        private static final NoInstruction TOO_LONG = new NoInstruction();

        private NoInstruction() {
            super(null, null, false, false);
        }
    }

    private static final int LONGEST = 15;
    private static final int TWO_BYTE_ESCAPE = 0x0f;
    private static final int REGISTER_FORM = 3;
    private static final int NOP = 0x90;
    private static final int XCHG = 0x91;

    private static final int NO_OVERRIDE = -1;

    private final OperationTable operations;
    private final EffectiveAddress address = new EffectiveAddress(this::number);

    private Bytes bytes;
    private final byte[] code = new byte[LONGEST];
    private int length;
    private long eip;
    private CpuMode mode;
    private boolean is64;
    private int rex;
    private boolean sizePrefix;
    private int operandSize;
    private int addressSize;
    private int override;
    private int modRm;
    private int opcodeByte;

    /** Creates a decoder whose instructions are bound to these operations. */
    public Decoder(OperationTable operations) {
        this.operations = operations;
    }

    /**
     * Decodes one instruction. No more bytes are asked for than it has.
     *
     * @param at where it is: its offset in the code segment, as EIP or RIP
     * @param inMode the mode that it is code of: how wide operands and addresses are unless a prefix says otherwise
     */
    public Instruction decode(Bytes from, long at, CpuMode inMode) {
        bytes = from;
        length = 0;
        eip = at;
        mode = inMode;
        is64 = mode.is64();
        rex = 0;
        sizePrefix = false;
        address.ripRelative = false;
        operandSize = mode.operandSize();
        addressSize = mode.addressSize();
        override = NO_OVERRIDE;
        Instruction.Builder builder = new Instruction.Builder(mode);
        try {
            decode(builder);
        } catch (NoInstruction e) {
            builder = new Instruction.Builder(mode);
            builder.mnemonic = e == NoInstruction.TOO_LONG ? Mnemonic.TOO_LONG : Mnemonic.INVALID;
        }
        builder.operandSize = operandSize;
        builder.addressSize = addressSize;
        return builder.build(at, Arrays.copyOf(code, length), operations);
    }

    private void decode(Instruction.Builder builder) {
        opcodeByte = next();
        while (true) {
            if (is64 && Rex.is(opcodeByte)) {
                rex = opcodeByte;
            } else if (isPrefix(builder)) {
                // REX counts only where nothing comes between it and the opcode.
                rex = 0;
            } else {
                break;
            }
            opcodeByte = next();
        }
        if ((rex & Rex.W) != 0) {
            operandSize = 8;
        }
        decodeOpcode(builder);
    }

    /** Returns whether a byte is a prefix, and if it is, notes what it says. */
    private boolean isPrefix(Instruction.Builder builder) {
        switch (opcodeByte) {
            case 0x26 -> overrideSegment(Cpu.ES);
            case 0x2e -> overrideSegment(Cpu.CS);
            case 0x36 -> overrideSegment(Cpu.SS);
            case 0x3e -> overrideSegment(Cpu.DS);
            case 0x64 -> override = Cpu.FS;
            case 0x65 -> override = Cpu.GS;
            case 0x66 -> {
                sizePrefix = true;
                operandSize = 6 - mode.operandSize();
            }
            case 0x67 -> addressSize = is64 ? 4 : 6 - mode.addressSize();
            case 0xf0 -> builder.lock = true;
            case 0xf2, 0xf3 -> builder.repeat = opcodeByte;
            default -> {
                return false;
            }
        }
        return true;
    }

    /** 64-bit mode ignores prefixes for these segments, after one for FS or GS too (volume 1, 3.3.7.1). */
    private void overrideSegment(int segment) {
        if (!is64) {
            override = segment;
        }
    }

    private void decodeOpcode(Instruction.Builder builder) {
        Opcode opcode;
        if (opcodeByte == TWO_BYTE_ESCAPE) {
            opcodeByte = next();
            opcode = opcodeAfterEscape();
        } else {
            // 90 is XCHG of the accumulator with itself, unless REX.B makes it R8 (volume 2B, NOP).
            opcode = OpcodeMap.oneByte(opcodeByte == NOP && (rex & Rex.B) != 0 ? XCHG : opcodeByte);
        }
        Form form = require(opcode == null ? null : form(opcode, builder));
        if (is64) {
            operandSize = form.size64().apply(operandSize);
        }
        builder.mnemonic = mnemonic(form, builder);
        builder.condition = opcodeByte & 0xf;
        builder.segment = override == NO_OVERRIDE ? Cpu.DS : override;
        builder.op0 = operand(form, 0);
        builder.op1 = operand(form, 1);
        builder.op2 = operand(form, 2);
        if (address.ripRelative) {
            builder.op0 = relativeToEnd(builder.op0);
            builder.op1 = relativeToEnd(builder.op1);
        }
        builder.width = isByteForm(builder) ? 1 : operandSize;
        requireLegal(builder);
    }

    /** The distance counts from the end of the instruction, and an immediate is still to come when it is read. */
    private Operand relativeToEnd(Operand operand) {
        return operand != null && operand.isMemory() ? operand.relativeTo(eip + length) : operand;
    }

    private Opcode opcodeAfterEscape() {
        switch (opcodeByte) {
            case 0x38 -> {
                opcodeByte = next();
                return OpcodeMap.threeBytes38(opcodeByte);
            }
            case 0x3a -> {
                opcodeByte = next();
                return OpcodeMap.threeBytes3A(opcodeByte);
            }
            default -> {
                return OpcodeMap.twoBytes(opcodeByte);
            }
        }
    }

    private Form form(Opcode opcode, Instruction.Builder builder) {
        int column = OpcodeMap.NO_PREFIX;
        if (opcode.isPrefixed()) {
            if (builder.repeat != Instruction.NO_REPEAT) {
                column = builder.repeat == Instruction.REP ? OpcodeMap.PREFIX_F3 : OpcodeMap.PREFIX_F2;
                builder.repeat = Instruction.NO_REPEAT;
            } else if (sizePrefix) {
                column = OpcodeMap.PREFIX_66;
            }
        }
        if (is64) {
            column += OpcodeMap.IN_64_BIT_MODE;
        }
        if (opcode.isSelectedByModRm(column)) {
            modRm = next();
            Form form = require(opcode.form(column, modRm));
            decodeModRm(isRegisterOnly(form));
            return form;
        }
        Form form = require(opcode.form(column));
        if (form.needsModRm()) {
            modRm = next();
            decodeModRm(isRegisterOnly(form));
        }
        return form;
    }

    /** MOV to and from control and debug registers takes r/m for a register, whatever mod is (volume 2, MOV). */
    private static boolean isRegisterOnly(Form form) {
        return form.mnemonic() == Mnemonic.MOV_CONTROL || form.mnemonic() == Mnemonic.MOV_DEBUG;
    }

    private Mnemonic mnemonic(Form form, Instruction.Builder builder) {
        if (form.mnemonic() == Mnemonic.JCXZ) {
            return form.mnemonic(addressSize);
        }
        if (form.mnemonic() == Mnemonic.NOP && builder.repeat == Instruction.REP && form.operands().length == 0) {
            builder.repeat = Instruction.NO_REPEAT;
            return Mnemonic.PAUSE;
        }
        return form.mnemonic(operandSize);
    }

    private static boolean isByteForm(Instruction.Builder builder) {
        // The port comes first where OUT is written, and its number says nothing of the width.
        Operand operand = builder.mnemonic == Mnemonic.OUT ? builder.op1 : builder.op0;
        return builder.mnemonic.is(Trait.BYTE_STRING)
                || operand != null && operand.width == 1 && (operand.isRegister() || operand.isMemory());
    }

    private static void requireLegal(Instruction.Builder builder) {
        if (builder.lock && !(builder.mnemonic.is(Trait.LOCKABLE) && builder.op0.isMemory())) {
            throw NoInstruction.INVALID;
        }
        if (builder.mnemonic == Mnemonic.MOV_SEGMENT) {
            boolean load = builder.op0.kind == Operand.Kind.SEGMENT;
            int segment = load ? builder.op0.number : builder.op1.number;
            if (segment > Cpu.GS || load && segment == Cpu.CS) {
                throw NoInstruction.INVALID;
            }
        }
    }

    private void decodeModRm(boolean registerOnly) {
        if (registerOnly) {
            modRm |= REGISTER_FORM << 6;
        } else if (modRm >> 6 != REGISTER_FORM) {
            address.decode(modRm, rex, addressSize, is64);
        }
    }

    private Operand operand(Form form, int position) {
        return position < form.operands().length ? operand(form.operands()[position]) : null;
    }

    private Operand operand(OperandForm form) {
        // A REX prefix says nothing of segment, MMX and x87 registers (volume 2A, 2.2.1.2).
        int reg = Rex.extend(rex, Rex.R, modRm >> 3 & 7);
        int rm = Rex.extend(rex, Rex.B, modRm & 7);
        boolean memory = modRm >> 6 != REGISTER_FORM;
        int width = form.width(operandSize, memory && form.needsModRm());
        return switch (form.source()) {
            case REGISTER -> general(width, reg);
            case REGISTER_OR_MEMORY -> memory ? memory(width) : general(width, rm);
            case REGISTER_IN_RM -> general(width, rm);
            case MEMORY -> memory(requireMemory(width));
            case IMMEDIATE -> Operand.immediate(width, number(width));
            case SIGN_EXTENDED -> Operand.immediate(operandSize, number(width));
            case ONE -> Operand.immediate(1, 1);
            case RELATIVE -> relative(width);
            case FAR_POINTER -> farPointer();
            case OFFSET -> offset(width);
            case SEGMENT -> Operand.register(Operand.Kind.SEGMENT, width, reg & 7);
            case CONTROL -> Operand.register(Operand.Kind.CONTROL, width, reg);
            case DEBUG -> Operand.register(Operand.Kind.DEBUG, width, reg);
            case OPCODE -> general(width, Rex.extend(rex, Rex.B, opcodeByte & 7));
            case MMX -> Operand.register(Operand.Kind.MMX, 8, reg & 7);
            case MMX_OR_MEMORY -> memory ? memory(width) : Operand.register(Operand.Kind.MMX, 8, rm & 7);
            case MMX_IN_RM -> Operand.register(Operand.Kind.MMX, requireRegister(8), rm & 7);
            case XMM -> Operand.register(Operand.Kind.XMM, 16, reg);
            case XMM_OR_MEMORY -> memory ? memory(width) : Operand.register(Operand.Kind.XMM, 16, rm);
            case XMM_IN_RM -> Operand.register(Operand.Kind.XMM, requireRegister(16), rm);
            case X87_IN_RM -> Operand.register(Operand.Kind.X87, width, rm & 7);
            case X87_TOP -> Operand.register(Operand.Kind.X87, width, 0);
            case FIXED_REGISTER -> Operand.register(Operand.Kind.REGISTER, width, form.number());
            case FIXED_SEGMENT -> Operand.register(Operand.Kind.SEGMENT, width, form.number());
            case FIXED_XMM -> Operand.register(Operand.Kind.XMM, width, form.number());
        };
    }

    private Operand general(int width, int encoded) {
        int number = width == 1 ? Registers.byteRegister(encoded, rex != 0) : encoded;
        return Operand.register(Operand.Kind.REGISTER, width, number);
    }

    private Operand memory(int width) {
        int segment = override == NO_OVERRIDE ? address.defaultSegment : override;
        return Operand.memory(
                width, segment, address.base, address.index, address.scale, address.displacement, addressSize);
    }

    private Operand offset(int width) {
        int segment = override == NO_OVERRIDE ? Cpu.DS : override;
        return Operand.memory(width, segment, Registers.NONE, Registers.NONE, 0, number(addressSize), addressSize);
    }

    private Operand relative(int width) {
        long distance = number(width);
        return Operand.relative(width, eip + length + distance & AddressPolicy.offsetMask(operandSize));
    }

    private Operand farPointer() {
        long offset = number(operandSize) & AddressPolicy.offsetMask(operandSize);
        return Operand.farPointer(operandSize, (int) number(2) & 0xffff, offset);
    }

    private int requireMemory(int width) {
        if (modRm >> 6 == REGISTER_FORM) {
            throw NoInstruction.INVALID;
        }
        return width;
    }

    private int requireRegister(int width) {
        if (modRm >> 6 != REGISTER_FORM) {
            throw NoInstruction.INVALID;
        }
        return width;
    }

    private static Form require(Form form) {
        if (form == null) {
            throw NoInstruction.INVALID;
        }
        return form;
    }

    /** Reads a number, sign-extended. */
    private long number(int width) {
        long value = 0;
        for (int i = 0; i < width; i++) {
            value |= (long) next() << 8 * i;
        }
        int unused = 64 - 8 * width;
        return value << unused >> unused;
    }

    private int next() {
        if (length == LONGEST) {
            throw NoInstruction.TOO_LONG;
        }
        int value = bytes.get(length);
        code[length] = (byte) value;
        length++;
        return value;
    }
}
