package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;

/**
 * A segment register with its descriptor cache. What the cache says holds until the register is loaded again, in
 * whatever mode: that is how unreal mode works (Intel SDM volume 3A, 3.4.3 and 20.1.1).
 */
public final class Segment {

    private static final int DEFAULT_32 = 1 << 14;
    private static final long HIGHEST_LIMIT = 0xffff_ffffL;

    private int selector;
    private long base;
    private long limit;
    private int rights = SegmentState.UNUSABLE;
    private long readLimit = -1;
    private long writeLimit = -1;

    /** Sets the selector and the whole cache. */
    public void load(SegmentState state, boolean protectedMode) {
        selector = state.selector();
        base = state.base();
        limit = state.limit();
        rights = state.accessRights();
        updateLimits(protectedMode);
    }

    /** Loads a segment as real mode does: selector and base change, limit and rights stay. */
    public void loadReal(int newSelector) {
        selector = newSelector;
        base = newSelector * 16L;
    }

    /** Returns the register as the runtime shows it. */
    public SegmentState state() {
        return new SegmentState(selector, base, limit, rights);
    }

    /**
     * Works out up to which offset the segment can be read and written without further checks. To be called when CR0.PE
     * changes too: real mode checks limits, and no types.
     */
    public void updateLimits(boolean protectedMode) {
        if (isUnusable() && protectedMode) {
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
     * <p>Limits are compared with a sign: offsets of 16 and 32 bits are never negative, and -1 is below them all. A
     * segment without a limit, as in 64-bit mode, will have {@link Long#MAX_VALUE}, which no offset exceeds.
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
        long last = offset + width - 1;
        if (isExpandDown()) {
            return offset > limit && last <= AddressPolicy.offsetMask(default32() ? 4 : 2);
        }
        return last <= limit || limit == HIGHEST_LIMIT;
    }

    public int selector() {
        return selector;
    }

    public long base() {
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
