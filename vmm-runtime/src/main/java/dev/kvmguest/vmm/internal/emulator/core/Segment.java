package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.CpuMode;

/**
 * A segment register with its descriptor cache. What the cache says holds until the register is loaded again, in
 * whatever mode: that is how unreal mode works (Intel SDM volume 3A, 3.4.3 and 20.1.1).
 */
public final class Segment {

    private static final int DEFAULT_32 = 1 << 14;
    private static final long HIGHEST_LIMIT = 0xffff_ffffL;

    /** Whether addresses of 64-bit mode begin at its base too: that of FS and GS. */
    private final boolean hasBaseIn64;

    private int selector;
    private long base;
    private long limit;
    /** Where its addresses begin in the present mode. */
    private long start;
    /** Whether the present mode is 64-bit mode, in which nothing limits a segment. */
    private boolean unlimited;

    private int rights = SegmentState.UNUSABLE;
    private long readLimit = -1;
    private long writeLimit = -1;

    /** Creates a segment register that holds no segment: one whose base counts in every mode. */
    public Segment() {
        this(true);
    }

    /**
     * Creates a segment register that holds no segment.
     *
     * @param hasBaseIn64 whether its base counts in 64-bit mode, where that of ES, CS, SS and DS is taken for 0
     */
    Segment(boolean hasBaseIn64) {
        this.hasBaseIn64 = hasBaseIn64;
    }

    /** Sets the selector and the whole cache. */
    public void load(SegmentState state, CpuMode mode) {
        selector = state.selector();
        base = state.base();
        limit = state.limit();
        rights = state.accessRights();
        update(mode);
    }

    /** Loads a segment as real mode does: selector and base change, limit and rights stay. */
    public void loadReal(int newSelector) {
        selector = newSelector;
        base = newSelector * 16L;
        start = base;
    }

    /** Sets the base alone, as the MSRs of FS and GS do. */
    public void setBase(long newBase, CpuMode mode) {
        base = newBase;
        update(mode);
    }

    /** Returns the register as the runtime shows it. */
    public SegmentState state() {
        return new SegmentState(selector, base, limit, rights);
    }

    /**
     * Works out where the segment begins, and up to which offset it can be read and written without further checks. To
     * be called when the mode changes too: real mode checks limits, and no types; 64-bit mode checks neither.
     */
    public void update(CpuMode mode) {
        unlimited = mode.is64();
        start = unlimited && !hasBaseIn64 ? 0 : base;
        boolean protectedMode = mode.usesDescriptors() || mode == CpuMode.VIRTUAL8086;
        if (unlimited) {
            readLimit = Long.MAX_VALUE;
            writeLimit = Long.MAX_VALUE;
        } else if (isUnusable() && protectedMode) {
            readLimit = -1;
            writeLimit = -1;
        } else if (!protectedMode) {
            readLimit = limit;
            writeLimit = limit;
        } else {
            readLimit = isReadable() && !isExpandDown() ? limit : -1;
            writeLimit = isWritable() && !isExpandDown() ? limit : -1;
        }
    }

    /**
     * Returns the highest offset whose bytes can be read; -1 if each access has to be checked, or none is allowed.
     *
     * <p>Limits are compared with a sign: offsets of 16 and 32 bits are never negative, and -1 is below them all. In
     * 64-bit mode the limit is {@link Long#MAX_VALUE}, which no offset exceeds.
     */
    public long readLimit() {
        return readLimit;
    }

    /**
     * Returns the highest offset whose bytes can be written; -1 if each access has to be checked, or none is allowed.
     */
    public long writeLimit() {
        return writeLimit;
    }

    /**
     * Returns whether all bytes from {@code offset} to {@code offset + width - 1} are inside the limit. With a limit of
     * 4 GiB they may go on at offset 0, as they do on KVM. The manual leaves that to the processor (volume 3A, 5.3): an
     * AMD EPYC raises the exception.
     */
    public boolean contains(long offset, int width) {
        if (unlimited) {
            return true;
        }
        long last = offset + width - 1;
        if (isExpandDown()) {
            return offset > limit && last <= AddressPolicy.offsetMask(default32() ? 4 : 2);
        }
        return last <= limit || limit == HIGHEST_LIMIT;
    }

    public int selector() {
        return selector;
    }

    /** Returns the linear address of offset 0, by the present mode. */
    public long base() {
        return start;
    }

    /** Returns the base in the descriptor cache, whatever the mode. */
    public long cachedBase() {
        return base;
    }

    public long limit() {
        return limit;
    }

    /** Returns the access rights in the layout of {@link SegmentState#accessRights}. */
    public int rights() {
        return rights;
    }

    public int dpl() {
        return rights >> AccessRights.DPL_SHIFT & 3;
    }

    public int type() {
        return rights & 0xf;
    }

    /** Returns the L bit: 64-bit code. */
    public boolean isLong() {
        return (rights & AccessRights.LONG) != 0;
    }

    /** Returns the D/B bit: 32-bit code, or a 32-bit stack pointer. */
    public boolean default32() {
        return (rights & DEFAULT_32) != 0;
    }

    public boolean isUnusable() {
        return (rights & SegmentState.UNUSABLE) != 0;
    }

    public boolean isCode() {
        return (rights & AccessRights.CODE) != 0;
    }

    public boolean isReadable() {
        return !isCode() || (rights & AccessRights.WRITABLE_OR_READABLE) != 0;
    }

    public boolean isWritable() {
        return !isCode() && (rights & AccessRights.WRITABLE_OR_READABLE) != 0;
    }

    public boolean isExpandDown() {
        return !isCode() && (rights & AccessRights.EXPAND_DOWN_OR_CONFORMING) != 0;
    }

    public boolean isConforming() {
        return isCode() && (rights & AccessRights.EXPAND_DOWN_OR_CONFORMING) != 0;
    }
}
