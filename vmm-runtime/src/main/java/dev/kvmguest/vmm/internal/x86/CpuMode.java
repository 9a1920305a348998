package dev.kvmguest.vmm.internal.x86;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;

/**
 * The mode that code is executed in: what a processor takes its bytes for, and how wide its addresses and pushes are
 * (Intel SDM volume 1, 3.1 and 3.6; volume 3A, 2.2). All that differs between 16, 32 and 64 bits is asked of this.
 *
 * <p>Sizes are bytes. The two modes of long mode will be two more values, COMPATIBILITY and LONG64, which {@link #of}
 * will choose by EFER.LMA and CS.L.
 */
public enum CpuMode {
    /** Real mode. */
    REAL16(false, 2),
    /** Real mode with the D bit that CS still has from protected mode: it stays until CS is loaded there again. */
    REAL32(false, 4),
    /** Protected mode, 16-bit code. */
    PROTECTED16(true, 2),
    /** Protected mode, 32-bit code. */
    PROTECTED32(true, 4),
    /** Virtual-8086 mode: code and segments as in real mode, in ring 3 of protected mode. */
    VIRTUAL8086(false, 2);

    private final boolean usesDescriptors;
    private final int size;

    CpuMode(boolean usesDescriptors, int size) {
        this.usesDescriptors = usesDescriptors;
        this.size = size;
    }

    /**
     * Returns a mode outside long mode and virtual-8086 mode.
     *
     * @param isProtected whether CR0.PE is set
     * @param default32 whether the D bit of CS is set
     */
    public static CpuMode of(boolean isProtected, boolean default32) {
        if (isProtected) {
            return default32 ? PROTECTED32 : PROTECTED16;
        }
        return default32 ? REAL32 : REAL16;
    }

    /** Returns the mode that a vCPU with these registers is in. */
    public static CpuMode of(CpuState state) {
        return state.virtual8086Mode()
                ? VIRTUAL8086
                : of(state.protectedMode(), state.segment(SegmentRegister.CS).default32());
    }

    /** Returns the linear address of the top of the stack of a vCPU with these registers. */
    public static long stackTop(CpuState state) {
        SegmentState stack = state.segment(SegmentRegister.SS);
        long mask = AddressPolicy.offsetMask(of(state).stackAddressSize(stack.default32()));
        return state.linear(SegmentRegister.SS, state.get(Register.RSP) & mask);
    }

    /**
     * Returns whether selectors are those of descriptors, with types and privilege levels that are checked; else a
     * selector is the segment's base divided by 16.
     */
    public boolean usesDescriptors() {
        return usesDescriptors;
    }

    /** Returns the operand size of instructions without a size prefix. In 64-bit mode it will be 4 too. */
    public int operandSize() {
        return size;
    }

    /** Returns the operand size of pushes and near branches without a size prefix, and so of return addresses. */
    public int stackOperandSize() {
        return size;
    }

    /** Returns the address size of instructions without a prefix for it. */
    public int addressSize() {
        return size;
    }

    /**
     * Returns how wide the stack pointer is.
     *
     * @param default32 the B bit of SS, which 64-bit mode will ignore
     */
    public int stackAddressSize(boolean default32) {
        return default32 ? 4 : 2;
    }

    /**
     * Returns how wide the instruction pointer is: it is EIP in 16-bit code too, where only the limit of CS keeps it
     * low.
     */
    public int instructionPointerSize() {
        return 4;
    }

    /** Returns how linear addresses are formed. */
    public AddressPolicy addresses() {
        return AddressPolicy.WRAP_32;
    }
}
