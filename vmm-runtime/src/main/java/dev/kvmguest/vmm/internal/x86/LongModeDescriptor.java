package dev.kvmguest.vmm.internal.x86;

import dev.kvmguest.vmm.cpu.SegmentState;

/**
 * A gate, or the descriptor of a TSS or an LDT, of long mode: one of eight bytes with eight more for the upper half of
 * its address (Intel SDM volume 3A, 3.5.2, 5.8.3.1, 6.14.1 and 7.2.3).
 *
 * @param low its first eight bytes
 * @param high its last eight bytes, little-endian
 */
public record LongModeDescriptor(SegmentDescriptor low, long high) {

    /** The bytes of a gate or system descriptor. */
    public static final int BYTES = 16;

    private static final int CALL_GATE = 12;
    private static final int INTERRUPT_GATE = 14;
    private static final int TRAP_GATE = 15;
    /** The bits of the last four bytes that are the type in descriptors of eight bytes, and 0 here. */
    public static final int TYPE_OF_HIGH = 0x1f00;

    /** Returns whether this is a gate that clears IF. */
    public boolean isInterruptGate() {
        return low.isSystem(INTERRUPT_GATE);
    }

    public boolean isTrapGate() {
        return low.isSystem(TRAP_GATE);
    }

    /** Returns whether a descriptor's first eight bytes are those of a call gate of long mode. */
    public static boolean isCallGate(SegmentDescriptor low) {
        return low.isSystem(CALL_GATE);
    }

    /**
     * Returns whether the type in the last eight bytes is 0, as it must be where a selector could choose them for a
     * descriptor of their own.
     */
    public boolean hasPlainUpperHalf() {
        return ((int) (high >>> 32) & TYPE_OF_HIGH) == 0;
    }

    /** Returns the address in a gate. */
    public long gateOffset() {
        return low.raw() & 0xffff | low.raw() >>> 48 << 16 | high << 32;
    }

    /** Returns which stack of the TSS's interrupt stack table a gate asks for, 1 to 7; 0 for none. */
    public int interruptStack() {
        return (int) (low.raw() >>> 32) & 7;
    }

    /** Returns the linear address of a segment's first byte. */
    public long base() {
        return low.base() | high << 32;
    }

    /** Returns the register that holds this LDT, or this TSS, as it is. */
    public SegmentState loaded(int selector) {
        return new SegmentState(selector, base(), low.limit(), low.rights());
    }
}
