package dev.kvmguest.vmm.internal.x86;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import java.util.Locale;

/**
 * The mode that code is executed in: what a processor takes its bytes for, and how wide its addresses and pushes are
 * (Intel SDM volume 1, 3.1 and 3.6; volume 3A, 2.2). All that differs between 16, 32 and 64 bits is asked of this.
 *
 * <p>Sizes are bytes.
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
    VIRTUAL8086(false, 2),
    /** Compatibility mode, 16-bit code: as in protected mode, but handlers are entered in 64-bit mode. */
    COMPATIBILITY16(true, 2),
    /** Compatibility mode, 32-bit code. */
    COMPATIBILITY32(true, 4),
    /** 64-bit mode. */
    LONG64(true, 4);

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

    /**
     * Returns a mode of long mode.
     *
     * @param code64 whether the L bit of CS is set
     * @param default32 whether the D bit of CS is set
     */
    public static CpuMode ofLongMode(boolean code64, boolean default32) {
        return code64 ? LONG64 : default32 ? COMPATIBILITY32 : COMPATIBILITY16;
    }

    /** Returns the mode that a vCPU with these registers is in. */
    public static CpuMode of(CpuState state) {
        SegmentState code = state.segment(SegmentRegister.CS);
        if ((state.get(Register.EFER) & Efer.LMA) != 0) {
            return ofLongMode(code.longMode(), code.default32());
        }
        return state.virtual8086Mode() ? VIRTUAL8086 : of(state.protectedMode(), code.default32());
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

    /** Returns whether code is 64-bit code: REX prefixes, R8 to R15, addresses relative to RIP, no segment limits. */
    public boolean is64() {
        return this == LONG64;
    }

    /** Returns whether handlers are entered in 64-bit mode, through gates of 16 bytes: EFER.LMA is set. */
    public boolean isLong() {
        return ordinal() >= COMPATIBILITY16.ordinal();
    }

    /** Returns the operand size of instructions without a size prefix; 4 in 64-bit mode too. */
    public int operandSize() {
        return size;
    }

    /** Returns the operand size of pushes and near branches without a size prefix, and so of return addresses. */
    public int stackOperandSize() {
        return is64() ? 8 : size;
    }

    /** Returns the address size of instructions without a prefix for it. */
    public int addressSize() {
        return is64() ? 8 : size;
    }

    /**
     * Returns how wide the stack pointer is.
     *
     * @param default32 the B bit of SS, which 64-bit mode ignores
     */
    public int stackAddressSize(boolean default32) {
        return is64() ? 8 : default32 ? 4 : 2;
    }

    /**
     * Returns how wide the instruction pointer is: RIP in 64-bit mode, else EIP, in 16-bit code too, where only the
     * limit of CS keeps it low.
     */
    public int instructionPointerSize() {
        return is64() ? 8 : 4;
    }

    /** Returns what its code calls a register, in upper case: {@code RSP} in 64-bit code, else {@code ESP}. */
    public String nameOf(Register register) {
        return (is64() ? register.name64() : register.name32()).toUpperCase(Locale.ROOT);
    }

    /** Returns how linear addresses are formed. */
    public AddressPolicy addresses() {
        return is64() ? AddressPolicy.CANONICAL_48 : AddressPolicy.WRAP_32;
    }
}
