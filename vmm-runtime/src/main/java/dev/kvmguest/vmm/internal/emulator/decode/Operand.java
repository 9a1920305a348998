package dev.kvmguest.vmm.internal.emulator.decode;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;

/** An explicit operand of an instruction. */
public final class Operand {

    /** What an operand is. */
    public enum Kind {
        /** A general register. */
        REGISTER,
        MEMORY,
        /** A number in the instruction, extended to the operand's width. */
        IMMEDIATE,
        /** The target of a near jump or call, as the EIP or RIP to go to. */
        RELATIVE,
        /** A selector and an offset in the instruction. */
        FAR_POINTER,
        SEGMENT,
        CONTROL,
        DEBUG,
        MMX,
        XMM,
        X87
    }

    public final Kind kind;
    /** Bytes: 1, 2, 4, 8, 10, 16, or more for FXSAVE and the like; 0 for memory that isn't accessed (LEA, INVLPG). */
    public final int width;
    /** A register's number; that of AH to BH has {@link Registers#HIGH_BYTE}. Unused for other kinds. */
    public final int number;
    /**
     * An immediate, sign-extended to the operand's width where the instruction has fewer bytes of it, and zero-extended
     * from there; an EIP or RIP; the offset of a far pointer; the displacement of a memory operand, sign-extended, or
     * its offset if it is {@link #ripRelative}.
     */
    public final long value;
    /** The selector of a far pointer; the number of the segment register of a memory operand. */
    public final int segment;

    /** The base register, or {@link Registers#NONE}. */
    public final int base;
    /** The index register, or {@link Registers#NONE}. */
    public final int index;
    /** The index register is shifted left by this: 0 to 3. */
    public final int scale;
    /** Cuts an effective address to the address size. */
    public final long addressMask;
    /** Whether the instruction has the offset as a distance from its end. It is added already, and cut. */
    public final boolean ripRelative;

    private Operand(
            Kind kind,
            int width,
            int number,
            long value,
            int segment,
            int base,
            int index,
            int scale,
            long mask,
            boolean ripRelative) {
        this.kind = kind;
        this.width = width;
        this.number = number;
        this.value = value;
        this.segment = segment;
        this.base = base;
        this.index = index;
        this.scale = scale;
        this.addressMask = mask;
        this.ripRelative = ripRelative;
    }

    private static Operand simple(Kind kind, int width, int number, long value, int segment) {
        return new Operand(kind, width, number, value, segment, Registers.NONE, Registers.NONE, 0, 0, false);
    }

    /** A register of any file: general, segment, control, debug, MMX, XMM or x87. */
    public static Operand register(Kind kind, int width, int number) {
        return simple(kind, width, number, 0, 0);
    }

    /** A number; its bits beyond the width are dropped. */
    public static Operand immediate(int width, long value) {
        return simple(Kind.IMMEDIATE, width, 0, width == 8 ? value : value & (1L << 8 * width) - 1, 0);
    }

    /** The target of a near transfer. */
    public static Operand relative(int width, long target) {
        return simple(Kind.RELATIVE, width, 0, target, 0);
    }

    /** A far pointer; {@code width} is that of its offset. */
    public static Operand farPointer(int width, int selector, long offset) {
        return simple(Kind.FAR_POINTER, width, 0, offset, selector);
    }

    /**
     * A memory operand.
     *
     * @param width bytes accessed
     * @param segment the number of the segment register
     * @param base a register's number or {@link Registers#NONE}
     * @param index a register's number or {@link Registers#NONE}
     * @param scale 0 to 3
     * @param displacement sign-extended
     * @param addressSize bytes: 2, 4 or 8
     */
    public static Operand memory(
            int width, int segment, int base, int index, int scale, long displacement, int addressSize) {
        long mask = AddressPolicy.offsetMask(addressSize);
        return new Operand(Kind.MEMORY, width, 0, displacement, segment, base, index, scale, mask, false);
    }

    /**
     * Returns the memory operand that this one is, if its displacement counts from the end of the instruction.
     *
     * @param end the offset of the next instruction
     */
    Operand relativeTo(long end) {
        long offset = end + value & addressMask;
        return new Operand(kind, width, number, offset, segment, Registers.NONE, Registers.NONE, 0, addressMask, true);
    }

    public boolean isMemory() {
        return kind == Kind.MEMORY;
    }

    public boolean isRegister() {
        return kind == Kind.REGISTER;
    }

    /** Returns whether this is AH, CH, DH or BH. */
    public boolean isHighByte() {
        return isRegister() && (number & Registers.HIGH_BYTE) != 0;
    }

    /** Returns the number of the general register that a register is, or is a part of. */
    public int wholeRegister() {
        return number & ~Registers.HIGH_BYTE;
    }

    /** Returns the effective address of a memory operand: its offset in the segment. */
    public long offset(Cpu cpu) {
        long[] gpr = cpu.registers.gpr;
        return value + gpr[base] + (gpr[index] << scale) & addressMask;
    }

    /** Returns the same for registers looked at after the guest has run. */
    public long offset(CpuState state) {
        return value + register(state, base) + (register(state, index) << scale) & addressMask;
    }

    private static long register(CpuState state, int number) {
        return number == Registers.NONE ? 0 : state.get(Register.byNumber().get(number));
    }

    /** Returns the linear address of a memory operand, its segment's base included, for these registers. */
    public long linear(CpuState state) {
        return state.linear(SegmentRegister.byNumber().get(segment), offset(state));
    }

    /** Reads a general register, memory or an immediate of 1, 2, 4 or 8 bytes, zero-extended. */
    public long read(Cpu cpu) {
        if (kind == Kind.REGISTER) {
            return cpu.registers.get(number, width);
        }
        if (kind == Kind.MEMORY) {
            return cpu.memory.read(segment, offset(cpu), width);
        }
        return value;
    }

    /** Reads an operand that is written afterwards: memory must be writable, or the fault is that of a write. */
    public long readForUpdate(Cpu cpu) {
        if (kind == Kind.REGISTER) {
            return cpu.registers.get(number, width);
        }
        return cpu.memory.readForUpdate(segment, offset(cpu), width);
    }

    /** Writes a general register or memory of 1, 2, 4 or 8 bytes. */
    public void write(Cpu cpu, long newValue) {
        if (kind == Kind.REGISTER) {
            cpu.registers.set(number, width, newValue);
        } else {
            cpu.memory.write(segment, offset(cpu), width, newValue);
        }
    }
}
