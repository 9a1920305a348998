package dev.kvmguest.vmm.cpu;

import java.util.List;
import java.util.Locale;

/**
 * A 64-bit register of a vCPU, other than segment and descriptor-table registers. Guests outside long mode see the
 * lower half.
 */
public enum Register {
    RAX,
    RBX,
    RCX,
    RDX,
    RSI,
    RDI,
    RBP,
    RSP,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    RIP,
    RFLAGS,
    CR0,
    CR2,
    CR3,
    CR4,
    /** The extended feature enable register, MSR 0xC0000080. */
    EFER;

    private static final List<Register> BY_NUMBER =
            List.of(RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15);

    /**
     * Returns the general registers by the numbers that instructions use for them; the first eight are those of guests
     * outside long mode (Intel SDM volume 2, 3.1.1.1).
     */
    public static List<Register> byNumber() {
        return BY_NUMBER;
    }

    /** Returns whether this is a general register, {@link #RAX} to {@link #R15}. */
    public boolean isGeneral() {
        return ordinal() <= R15.ordinal();
    }

    /** Returns the lower-case name of the whole register, such as {@code rax} or {@code cr0}. */
    public String name64() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns the lower-case name of the part that a 32-bit guest sees, such as {@code eax} or {@code cr0}. */
    public String name32() {
        String name = name().toLowerCase(Locale.ROOT);
        return isGeneral() && ordinal() <= RSP.ordinal() || this == RIP || this == RFLAGS
                ? "e" + name.substring(1)
                : name;
    }
}
