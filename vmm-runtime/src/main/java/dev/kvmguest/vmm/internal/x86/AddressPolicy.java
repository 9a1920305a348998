package dev.kvmguest.vmm.internal.x86;

/**
 * How linear addresses are formed (Intel SDM volume 1, 3.3.7 and 3.3.7.1).
 *
 * <p>The mask of 64-bit mode keeps all bits: an address that isn't canonical misses in every TLB, so that the check for
 * it costs nothing elsewhere.
 */
public enum AddressPolicy {
    /** Addresses wrap at 4 GiB, in 16-bit code too. */
    WRAP_32(0xffff_ffffL),
    /** Addresses have 64 bits, of which the upper 17 are the same: those of four levels of page tables. */
    CANONICAL_48(-1L);

    /** The bits of a canonical address above bit 47 repeat that bit. */
    private static final int SIGN_BITS = Long.SIZE - 48;

    private final long mask;

    AddressPolicy(long mask) {
        this.mask = mask;
    }

    /** Returns the bits of a linear address that count, for those who keep them at hand. */
    public long mask() {
        return mask;
    }

    /** Returns the linear address that a sum of base, offset and the like comes to. */
    public long linear(long sum) {
        return sum & mask;
    }

    /** Returns whether an address can be accessed: outside 64-bit mode each can that has been formed. */
    public boolean accepts(long linear) {
        return this == WRAP_32 || isCanonical(linear);
    }

    /** Returns whether bits 63 to 47 of an address are the same. */
    public static boolean isCanonical(long linear) {
        return linear << SIGN_BITS >> SIGN_BITS == linear;
    }

    /**
     * Returns the bits of an offset that count: the largest offset, as an unsigned number.
     *
     * @param size the address size in bytes: 2, 4 or 8
     */
    public static long offsetMask(int size) {
        return -1L >>> Long.SIZE - Byte.SIZE * size;
    }
}
