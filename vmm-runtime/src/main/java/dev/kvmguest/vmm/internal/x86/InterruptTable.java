package dev.kvmguest.vmm.internal.x86;

/**
 * The shape of the tables that IDTR leads to: the IDT and, in real mode, the IVT (Intel SDM volume 3A, 6.10 and
 * 20.1.4).
 */
public final class InterruptTable {

    public static final int VECTORS = 256;
    /** The vectors below are the processor's exceptions (Intel SDM volume 3A, 6.2). */
    public static final int FIRST_EXTERNAL = 32;
    /** IDTR's limit with a gate for every vector. */
    public static final int FULL_LIMIT = VECTORS * SegmentDescriptor.BYTES - 1;
    /** Bytes of a vector of real mode: a far pointer. */
    public static final int POINTER_BYTES = 4;
    /** IDTR's limit after a reset: every vector of real mode. */
    public static final int REAL_MODE_LIMIT = VECTORS * POINTER_BYTES - 1;

    private InterruptTable() {}

    /** Returns where a gate begins in the IDT, outside long mode. */
    public static int offset(int vector) {
        return vector * SegmentDescriptor.BYTES;
    }

    /** Returns where a gate begins in the IDT of long mode. */
    public static int longModeOffset(int vector) {
        return vector * LongModeDescriptor.BYTES;
    }

    /** Returns whether an IDT with a limit has all of a gate, outside long mode. */
    public static boolean holds(int limit, int vector) {
        return offset(vector) + SegmentDescriptor.BYTES - 1 <= limit;
    }

    /** Returns whether an IDT of long mode with a limit has all of a gate. */
    public static boolean holdsInLongMode(int limit, int vector) {
        return longModeOffset(vector) + LongModeDescriptor.BYTES - 1 <= limit;
    }

    /** Returns how many gates an IDT with a limit has. */
    public static int gates(int limit) {
        return (limit + 1) / SegmentDescriptor.BYTES;
    }
}
