package dev.kvmguest.vmm.internal.emulator.decode;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.CpuMode;

/**
 * A decoded instruction, tied to the EIP that it was decoded at.
 *
 * <p>The fields are final and read directly: they are looked at hundreds of millions of times a second.
 */
public final class Instruction {

    /** No repeat prefix. */
    public static final int NO_REPEAT = 0;
    /** REP or REPE, prefix F3. */
    public static final int REP = 0xf3;
    /** REPNE, prefix F2. */
    public static final int REPNE = 0xf2;

    public final Mnemonic mnemonic;
    /** The offset of its first byte in the code segment. */
    public final long eip;
    /** The EIP of the next one. It may be above 0xffff in 16-bit code too, where the limit of CS forbids to go on. */
    public final long nextEip;
    /** How many bytes it has, prefixes included: 1 to 15. */
    public final int length;
    /** The mode that it is code of. */
    public final CpuMode mode;
    /** The operand size in bytes, 2, 4 or 8, whether or not this instruction has an operand of that size. */
    public final int operandSize;
    /** The address size in bytes, 2, 4 or 8. */
    public final int addressSize;
    /** The bits of an offset that count, by the address size; the highest offset, as an unsigned number. */
    public final long addressMask;
    /** Bytes of an implicit operand: 1 for byte forms (MOVSB, IN AL), else {@link #operandSize}. */
    public final int width;
    /** The number of the segment register for implicit memory operands: DS, or what a prefix says. */
    public final int segment;
    /** Whether a LOCK prefix is there; the decoder has seen that it may be. */
    public final boolean lock;
    /**
     * {@link #NO_REPEAT}, {@link #REP} or {@link #REPNE}, for any instruction that has the prefix and doesn't need it.
     */
    public final int repeat;
    /** The condition of Jcc, SETcc, CMOVcc: the lowest four bits of the opcode. Else 0. */
    public final int condition;
    /** The first operand, usually the destination; null if there is none. */
    public final Operand op0;
    /** The second operand; null if there is none. */
    public final Operand op1;
    /** The third operand; null if there is none. */
    public final Operand op2;
    /** What it does. */
    public final Operation operation;

    private final byte[] bytes;

    // What FastPaths needs of the operands, one step nearer.
    public final int register0;
    public final int register1;
    public final long number0;
    public final long number1;

    private Instruction(Builder builder, long eip, byte[] bytes, OperationTable operations) {
        this.mnemonic = builder.mnemonic;
        this.eip = eip;
        this.bytes = bytes;
        this.length = bytes.length;
        this.nextEip = eip + bytes.length & AddressPolicy.offsetMask(builder.mode.instructionPointerSize());
        this.mode = builder.mode;
        this.operandSize = builder.operandSize;
        this.addressSize = builder.addressSize;
        this.addressMask = AddressPolicy.offsetMask(addressSize);
        this.width = builder.width;
        this.segment = builder.segment;
        this.lock = builder.lock;
        this.repeat = builder.repeat;
        this.condition = builder.condition;
        this.op0 = builder.op0;
        this.op1 = builder.op1;
        this.op2 = builder.op2;
        this.register0 = op0 == null ? 0 : op0.number;
        this.register1 = op1 == null ? 0 : op1.number;
        this.number0 = op0 == null ? 0 : op0.value;
        this.number1 = op1 == null ? 0 : op1.value;
        this.operation = operations.operation(this);
    }

    /** Returns a copy of its bytes, prefixes included, as they were decoded. */
    public byte[] bytes() {
        return bytes.clone();
    }

    /**
     * Returns whether it is two bytes of zero, what memory has that nobody has put code into: ADD [RAX], AL, ADD
     * [EAX], AL or ADD [BX+SI], AL.
     */
    public boolean isZeros() {
        return mnemonic == Mnemonic.ADD
                && length == 2
                && op0.isMemory()
                && op1.isRegister()
                && op1.width == 1
                && op1.number == Registers.RAX
                && (addressSize == 2
                        ? op0.base == Registers.RBX && op0.index == Registers.RSI
                        : op0.base == Registers.RAX);
    }

    /** What the decoder has found out so far. */
    public static final class Builder {
        public Mnemonic mnemonic = Mnemonic.INVALID;
        public int operandSize;
        public int addressSize;
        public int width;
        public int segment = Cpu.DS;
        public boolean lock;
        public int repeat;
        public int condition;
        public Operand op0;
        public Operand op1;
        public Operand op2;

        private final CpuMode mode;

        /** Begins an instruction of code of this mode. */
        public Builder(CpuMode mode) {
            this.mode = mode;
        }

        /** Makes the instruction, bound to what it does. */
        public Instruction build(long eip, byte[] bytes, OperationTable operations) {
            return new Instruction(this, eip, bytes, operations);
        }
    }
}
