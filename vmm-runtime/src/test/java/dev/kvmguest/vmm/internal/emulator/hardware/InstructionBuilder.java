package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Set;

/** Encodes one instruction at random, and sets registers so that it has something to work on. */
final class InstructionBuilder {

    private static final int OPERAND_SIZE = 0x66;
    private static final int ADDRESS_SIZE = 0x67;
    private static final int LOCK = 0xf0;
    private static final int REX = 0x40;
    private static final int UPPER_BITS = 16;
    private static final long LOW_32 = 0xffff_ffffL;
    private static final List<Integer> SEGMENT_PREFIXES = List.of(0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65);
    private static final List<Integer> REPEAT_PREFIXES = List.of(0xf2, 0xf3);

    private static final int RM_SIB = 4;
    private static final int RM_DISPLACEMENT_32 = 5;
    private static final int RM_DISPLACEMENT_16 = 6;

    private static final Set<Mnemonic> DIVISIONS = Set.of(Mnemonic.DIV, Mnemonic.IDIV);

    private final Values values;
    private final Targets targets;
    private final CpuMode mode;
    private final ProcessorState start;
    private final boolean is64;
    private final long eip;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final long[] general = new long[ProcessorState.GENERAL];
    private int replaced;
    /** In bytes, by the mode and a prefix. */
    private int addressSize;

    /**
     * Begins an instruction.
     *
     * @param start the state of the sequence's start; segments are likely to be as they are there
     * @param eip where it will be
     */
    InstructionBuilder(Values values, Targets targets, CpuMode mode, ProcessorState start, long eip) {
        this.values = values;
        this.targets = targets;
        this.is64 = mode.is64();
        this.eip = eip;
        this.mode = mode;
        this.start = start;
    }

    int replaced() {
        return replaced;
    }

    long[] general() {
        return general;
    }

    /** Returns an instruction of this form and random bytes after it, as many as an instruction has at most. */
    byte[] encode(OpcodeForm form) {
        Mnemonic mnemonic = Mnemonic.valueOf(form.mnemonic());
        boolean isPrefixed = !form.prefix().isEmpty();
        addressSize = mode.addressSize();
        if (is64 && values.chance(0.02)) {
            // Mostly not right before the opcode, where it would count.
            addRex();
        }
        if (values.chance(isPrefixed && !form.hasOperandSize() ? 0.02 : 0.25)) {
            bytes.write(OPERAND_SIZE);
        }
        if (values.chance(0.15)) {
            bytes.write(ADDRESS_SIZE);
            addressSize = is64 ? Integer.BYTES : 6 - addressSize;
        }
        if (values.chance(0.2)) {
            bytes.write(values.oneOf(SEGMENT_PREFIXES));
        }
        if (values.chance(mnemonic.is(Trait.LOCKABLE) ? 0.2 : 0.02)) {
            bytes.write(LOCK);
        }
        if (values.chance(mnemonic.is(Trait.STRING) ? 0.5 : isPrefixed ? 0.01 : 0.03)) {
            bytes.write(values.oneOf(REPEAT_PREFIXES));
        }
        if (isPrefixed && !form.prefix().equals("np")) {
            bytes.write(Integer.parseInt(form.prefix(), 16));
        }
        if (is64 && values.chance(0.6)) {
            addRex();
        }
        for (int shift = 16; shift > 0; shift -= Byte.SIZE) {
            if (form.opcode() >> shift != 0) {
                bytes.write(form.opcode() >> shift);
            }
        }
        bytes.write(form.opcode());
        if (form.hasModRm()) {
            addModRm(form);
        }
        if (form.hasOffset() && is64) {
            long offset = address(Cpu.DS, addressSize);
            addNumber(Integer.BYTES, (int) offset);
            addNumber(addressSize - Integer.BYTES, (int) (offset >>> Integer.SIZE));
        }
        while (bytes.size() < CodeReader.LONGEST) {
            addNumber(Integer.BYTES, values.number());
        }
        return bytes.toByteArray();
    }

    private void addRex() {
        bytes.write(REX | values.below(0x10));
    }

    private void addModRm(OpcodeForm form) {
        boolean wide = addressSize != Short.BYTES;
        if (form.fixedModRm() >= 0) {
            bytes.write(form.fixedModRm());
            return;
        }
        int reg = form.extension() >= 0 ? form.extension() : values.below(8);
        boolean memory = form.isMemoryOnly() || !form.isRegisterOnly() && values.chance(0.6);
        int mod = memory ? values.below(3) : 3;
        int rm = values.below(8);
        bytes.write(mod << 6 | reg << 3 | rm);
        if (!memory) {
            return;
        }
        int sibBase = -1;
        if (wide && rm == RM_SIB) {
            int sib = values.below(0x100);
            bytes.write(sib);
            sibBase = sib & 7;
        }
        if (mod == 1) {
            bytes.write(values.below(0x100));
        } else if (mod == 2) {
            addNumber(wide ? Integer.BYTES : Short.BYTES, values.number());
        } else if (is64 && rm == RM_DISPLACEMENT_32) {
            // From the end of the instruction, if it has no immediate.
            long end = eip + bytes.size() + Integer.BYTES;
            addNumber(
                    Integer.BYTES, values.chance(0.8) ? (int) (Window.NEAR + targets.offset() - end) : values.number());
        } else if (wide && (rm == RM_DISPLACEMENT_32 || sibBase == RM_DISPLACEMENT_32)) {
            addNumber(Integer.BYTES, values.chance(0.5) ? Window.DATA + targets.offset() : targets.offset());
        } else if (!wide && rm == RM_DISPLACEMENT_16) {
            addNumber(Short.BYTES, targets.offset());
        }
    }

    private void addNumber(int width, int number) {
        for (int i = 0; i < width; i++) {
            bytes.write(number >> 8 * i);
        }
    }

    /** Sets registers that hold addresses, counts, selectors and dividends, as a rule. */
    void setRegisters(Instruction instruction) {
        Mnemonic mnemonic = instruction.mnemonic;
        for (int i = 0; i < ProcessorState.generalOf(mode); i++) {
            if (values.chance(0.15)) {
                set(i, values.word());
            }
        }
        if (values.chance(0.7)) {
            set(Registers.RSP, address(Cpu.SS, is64 ? Long.BYTES : Integer.BYTES));
        }
        if (mnemonic.is(Trait.STRING)) {
            setString(instruction);
        } else if (mnemonic == Mnemonic.LEAVE || mnemonic == Mnemonic.ENTER) {
            set(Registers.RBP, address(Cpu.SS, is64 ? Long.BYTES : Integer.BYTES));
        } else if (mnemonic == Mnemonic.XLATB) {
            set(Registers.RBX, address(instruction.segment, instruction.addressSize));
        } else if (mnemonic == Mnemonic.MASKMOVQ || mnemonic == Mnemonic.MASKMOVDQU) {
            set(Registers.RDI, address(instruction.segment, instruction.addressSize));
        } else if (mnemonic == Mnemonic.PCMPESTRI || mnemonic == Mnemonic.PCMPESTRM) {
            setLengths();
        } else if (DIVISIONS.contains(mnemonic) && values.chance(0.5)) {
            set(Registers.RDX, values.below(2) - 1);
        }
        setOperand(instruction, instruction.op0);
        setOperand(instruction, instruction.op1);
        if (isOnSelectors(instruction) && instruction.op1.isRegister()) {
            set(instruction.op1.wholeRegister(), values.selector());
        }
        if (mnemonic.is(Trait.BIT_TEST) && instruction.op1.isRegister() && values.chance(0.8)) {
            set(instruction.op1.wholeRegister(), values.below(0x400) - 0x200);
        }
    }

    /** Makes RSP canonical in 64-bit code: PVM, a hypervisor, doesn't go back to code in which it isn't. */
    void setStackPointer() {
        if (is64) {
            long pointer = (replaced >> Registers.RSP & 1) != 0 ? general[Registers.RSP] : values.word();
            set(Registers.RSP, pointer << UPPER_BITS >> UPPER_BITS);
        }
    }

    private void setString(Instruction instruction) {
        if (values.chance(0.9)) {
            set(Registers.RSI, address(instruction.segment, instruction.addressSize));
            set(Registers.RDI, address(Cpu.ES, instruction.addressSize));
        }
        if (instruction.repeat != Instruction.NO_REPEAT && values.chance(0.9)) {
            set(Registers.RCX, values.chance(0.8) ? values.below(40) : values.below(0x2000));
        }
    }

    /** Sets lengths of strings; a negative one counts as its magnitude. */
    private void setLengths() {
        if (values.chance(0.8)) {
            set(Registers.RAX, values.below(40) - 20);
            set(Registers.RDX, values.below(40) - 20);
        }
    }

    private static boolean isOnSelectors(Instruction instruction) {
        return switch (instruction.mnemonic) {
            case LAR, LSL -> true;
            case MOV_SEGMENT -> instruction.op0.kind == Operand.Kind.SEGMENT;
            default -> false;
        };
    }

    private void setOperand(Instruction instruction, Operand operand) {
        if (operand == null) {
            return;
        }
        if (operand.isRegister() && (instruction.mnemonic == Mnemonic.VERR || instruction.mnemonic == Mnemonic.VERW)) {
            set(operand.wholeRegister(), values.selector());
        }
        if (!operand.isMemory() || values.chance(0.1)) {
            return;
        }
        long target = address(operand.segment, instruction.addressSize) - operand.value;
        if (operand.index != Registers.NONE && operand.index != operand.base) {
            long index = values.chance(0.8) ? values.below(64) : values.word();
            set(operand.index, index);
            target -= index << operand.scale;
        }
        if (operand.base != Registers.NONE) {
            set(operand.base, target);
        } else if (operand.index != Registers.NONE) {
            set(operand.index, target >> operand.scale);
        }
    }

    /** Returns an offset in a segment at which there is memory, if the segment is as at the sequence's start. */
    private long address(int segment, int size) {
        if (is64) {
            long base = segment == Cpu.FS ? start.fsBase : segment == Cpu.GS ? start.gsBase : 0;
            long offset = targets.linear() - base;
            boolean fits = size == Long.BYTES || offset >>> Integer.SIZE == 0;
            return fits ? offset : Window.DATA + targets.offset() - base;
        }
        int selector = start.selectors[segment];
        if (selector == Window.FLAT_DATA.selector() || selector == Window.FLAT_CODE.selector()) {
            return values.chance(0.03) ? Window.TOP + values.below(Window.PAGE) : Window.DATA + targets.offset();
        }
        return targets.offset();
    }

    private void set(int register, long value) {
        general[register] = is64 ? value : value & LOW_32;
        replaced |= 1 << register;
    }
}
