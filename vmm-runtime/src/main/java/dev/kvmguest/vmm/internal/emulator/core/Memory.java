package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Memory as an instruction sees it: through segments and page tables. Widths are bytes, 1, 2, 4 or 8; values are
 * little-endian and zero-extended; segments are given by their numbers, {@link Cpu#ES} to {@link Cpu#GS}. In 64-bit
 * mode offsets are signed in Java.
 *
 * <p>The fast path of an access is one comparison with the segment's limit and one with a TLB entry, which only aligned
 * and allowed accesses pass. Everything else takes the slow path, where the faults are raised.
 */
public final class Memory {

    private static final long LOW_32 = 0xffff_ffffL;
    private static final int PAGE_SIZE = 1 << Tlb.PAGE_SHIFT;
    private static final int OFFSET_MASK = PAGE_SIZE - 1;

    /** Many elements at once. */
    public final BulkTransfer bulk;

    private final Cpu cpu;
    private final Ram ram;
    private final ByteBuffer low;
    private final Paging paging;

    /** By kind of access: what is allowed with supervisor rights. */
    private final Tlb[] supervisor = tlbs();

    private final Tlb[] user = tlbs();

    /** Pages with code that may be written, but not without a look at what is written. */
    private final Tlb supervisorCodeWrites = new Tlb();

    private final Tlb userCodeWrites = new Tlb();
    /** Pages that may be written without a look, once that they are written has been noted; see {@link #journal}. */
    private final Tlb supervisorParked = new Tlb();

    private final Tlb userParked = new Tlb();
    private final Tlb[] all;

    /** The bits of a linear address that count, by the mode's address policy. */
    private long linearMask;

    /** The same for what the processor itself accesses, such as descriptors: all of them in long mode. */
    private long systemMask;

    /** Those of the current privilege level. */
    private Tlb reads = supervisor[Access.READ.ordinal()];

    private Tlb writes = supervisor[Access.WRITE.ordinal()];

    /** Creates a vCPU's view of RAM. */
    public Memory(Cpu cpu, Ram ram) {
        this.cpu = cpu;
        this.ram = ram;
        this.low = ram.low();
        this.paging = new Paging(cpu, ram);
        this.bulk = new BulkTransfer(cpu, this, ram);
        setAddresses(cpu.mode());
        Tlb[] others = {supervisorCodeWrites, userCodeWrites, supervisorParked, userParked};
        this.all = Stream.of(supervisor, user, others).flatMap(Stream::of).toArray(Tlb[]::new);
    }

    private static Tlb[] tlbs() {
        Tlb[] tlbs = new Tlb[Access.values().length];
        Arrays.setAll(tlbs, access -> new Tlb());
        return tlbs;
    }

    /** Chooses the rights by which instructions access memory from now on. */
    public void setUser(boolean isUser) {
        reads = (isUser ? user : supervisor)[Access.READ.ordinal()];
        writes = (isUser ? user : supervisor)[Access.WRITE.ordinal()];
    }

    /** Chooses how linear addresses are formed from now on. */
    void setAddresses(CpuMode mode) {
        linearMask = mode.addresses().mask();
        systemMask = (mode.isLong() ? AddressPolicy.CANONICAL_48 : AddressPolicy.WRAP_32).mask();
    }

    /** Returns the linear address of an offset in a segment. */
    public long linear(Segment segment, long offset) {
        return segment.base() + offset & linearMask;
    }

    /** Forgets all translations. */
    public void flush() {
        for (Tlb tlb : all) {
            tlb.flush();
        }
    }

    /** Forgets the translations of one page. */
    public void invalidatePage(long linear) {
        for (Tlb tlb : all) {
            tlb.invalidate(linear);
        }
    }

    /**
     * Opens a journal of RAM, and has the first write to each page take the long way again. Translations stay as they
     * are: a guest that has changed its page tables and invalidated nothing finds them as before.
     */
    public WriteJournal journal() {
        supervisorParked.take(supervisor[Access.WRITE.ordinal()]);
        userParked.take(user[Access.WRITE.ordinal()]);
        return ram.openJournal();
    }

    /** Closes the journal. */
    public void closeJournal() {
        ram.closeJournal();
    }

    /** Forgets by which a page of RAM is read: its bytes are elsewhere from now on. It was never written. */
    public void forgetFrame(long physical) {
        supervisor[Access.READ.ordinal()].invalidateFrame(physical);
        user[Access.READ.ordinal()].invalidateFrame(physical);
    }

    /** Makes writes to a page of RAM take the long way again. */
    public void noticeWrites(long physical) {
        supervisorParked.invalidateFrame(physical);
        userParked.invalidateFrame(physical);
        supervisor[Access.WRITE.ordinal()].invalidateFrame(physical);
        user[Access.WRITE.ordinal()].invalidateFrame(physical);
    }

    /**
     * Loads the page-directory-pointer table of PAE paging.
     *
     * @return false if an entry has a reserved bit set; nothing is changed then
     */
    public boolean loadPageDirectoryPointers(long cr3) {
        return paging.loadPointers(cr3);
    }

    /** Returns the page-directory-pointer table as it was loaded. */
    public List<Long> pageDirectoryPointers() {
        return paging.pointers();
    }

    /** Sets the page-directory-pointer table as it was once loaded. */
    public void setPageDirectoryPointers(List<Long> loaded) {
        paging.setPointers(loaded);
    }

    /** Returns the TLB of pages that can be read without further checks, if it has this one; else null. */
    Tlb readable(long linear) {
        return ((reads.tags[Tlb.slot(linear)] ^ linear) & Tlb.PAGE_MASK) == 0 ? reads : null;
    }

    /** Returns the TLB of pages that can be written without further checks, if it has this one; else null. */
    Tlb writable(long linear) {
        return ((writes.tags[Tlb.slot(linear)] ^ linear) & Tlb.PAGE_MASK) == 0 ? writes : null;
    }

    /** Reads through a segment. */
    public long read(int segment, long offset, int width) {
        return switch (width) {
            case 4 -> read32(segment, offset);
            case 1 -> read8(segment, offset);
            case 2 -> read16(segment, offset);
            default -> read64(segment, offset);
        };
    }

    /** Reads a byte through a segment. */
    public long read8(int segment, long offset) {
        Segment s = cpu.segments[segment];
        if (offset <= s.readLimit()) {
            long linear = s.base() + offset & linearMask;
            int slot = Tlb.slot(linear);
            if (((reads.tags[slot] ^ linear) & Tlb.PAGE_MASK) == 0) {
                int at = reads.starts[slot] + ((int) linear & OFFSET_MASK);
                return (at >= 0 ? low.get(at) : reads.buffers[slot].get(at - Tlb.ELSEWHERE)) & 0xffL;
            }
        }
        return readChecked(segment, offset, 1);
    }

    /** Reads two bytes through a segment. */
    public long read16(int segment, long offset) {
        Segment s = cpu.segments[segment];
        if (offset + 1 <= s.readLimit()) {
            long linear = s.base() + offset & linearMask;
            int slot = Tlb.slot(linear);
            if (((reads.tags[slot] ^ linear) & (Tlb.PAGE_MASK | 1)) == 0) {
                int at = reads.starts[slot] + ((int) linear & OFFSET_MASK);
                return (at >= 0 ? low.getShort(at) : reads.buffers[slot].getShort(at - Tlb.ELSEWHERE)) & 0xffffL;
            }
        }
        return readChecked(segment, offset, 2);
    }

    /** Reads four bytes through a segment. */
    public long read32(int segment, long offset) {
        Segment s = cpu.segments[segment];
        if (offset + 3 <= s.readLimit()) {
            long linear = s.base() + offset & linearMask;
            int slot = Tlb.slot(linear);
            if (((reads.tags[slot] ^ linear) & (Tlb.PAGE_MASK | 3)) == 0) {
                int at = reads.starts[slot] + ((int) linear & OFFSET_MASK);
                return (at >= 0 ? low.getInt(at) : reads.buffers[slot].getInt(at - Tlb.ELSEWHERE)) & LOW_32;
            }
        }
        return readChecked(segment, offset, 4);
    }

    /** Reads eight bytes through a segment. */
    public long read64(int segment, long offset) {
        Segment s = cpu.segments[segment];
        if (offset + 7 <= s.readLimit()) {
            long linear = s.base() + offset & linearMask;
            int slot = Tlb.slot(linear);
            if (((reads.tags[slot] ^ linear) & (Tlb.PAGE_MASK | 7)) == 0) {
                int at = reads.starts[slot] + ((int) linear & OFFSET_MASK);
                return at >= 0 ? low.getLong(at) : reads.buffers[slot].getLong(at - Tlb.ELSEWHERE);
            }
        }
        return readChecked(segment, offset, 8);
    }

    /** Writes through a segment. */
    public void write(int segment, long offset, int width, long value) {
        switch (width) {
            case 4 -> write32(segment, offset, value);
            case 1 -> write8(segment, offset, value);
            case 2 -> write16(segment, offset, value);
            default -> write64(segment, offset, value);
        }
    }

    /** Writes a byte through a segment. */
    public void write8(int segment, long offset, long value) {
        Segment s = cpu.segments[segment];
        if (offset <= s.writeLimit()) {
            long linear = s.base() + offset & linearMask;
            int slot = Tlb.slot(linear);
            if (((writes.tags[slot] ^ linear) & Tlb.PAGE_MASK) == 0) {
                int at = writes.starts[slot] + ((int) linear & OFFSET_MASK);
                if (at >= 0) {
                    low.put(at, (byte) value);
                } else {
                    writes.buffers[slot].put(at - Tlb.ELSEWHERE, (byte) value);
                }
                return;
            }
        }
        writeChecked(segment, offset, 1, value);
    }

    /** Writes two bytes through a segment. */
    public void write16(int segment, long offset, long value) {
        Segment s = cpu.segments[segment];
        if (offset + 1 <= s.writeLimit()) {
            long linear = s.base() + offset & linearMask;
            int slot = Tlb.slot(linear);
            if (((writes.tags[slot] ^ linear) & (Tlb.PAGE_MASK | 1)) == 0) {
                int at = writes.starts[slot] + ((int) linear & OFFSET_MASK);
                if (at >= 0) {
                    low.putShort(at, (short) value);
                } else {
                    writes.buffers[slot].putShort(at - Tlb.ELSEWHERE, (short) value);
                }
                return;
            }
        }
        writeChecked(segment, offset, 2, value);
    }

    /** Writes four bytes through a segment. */
    public void write32(int segment, long offset, long value) {
        Segment s = cpu.segments[segment];
        if (offset + 3 <= s.writeLimit()) {
            long linear = s.base() + offset & linearMask;
            int slot = Tlb.slot(linear);
            if (((writes.tags[slot] ^ linear) & (Tlb.PAGE_MASK | 3)) == 0) {
                int at = writes.starts[slot] + ((int) linear & OFFSET_MASK);
                if (at >= 0) {
                    low.putInt(at, (int) value);
                } else {
                    writes.buffers[slot].putInt(at - Tlb.ELSEWHERE, (int) value);
                }
                return;
            }
        }
        writeChecked(segment, offset, 4, value);
    }

    /** Writes eight bytes through a segment. */
    public void write64(int segment, long offset, long value) {
        Segment s = cpu.segments[segment];
        if (offset + 7 <= s.writeLimit()) {
            long linear = s.base() + offset & linearMask;
            int slot = Tlb.slot(linear);
            if (((writes.tags[slot] ^ linear) & (Tlb.PAGE_MASK | 7)) == 0) {
                int at = writes.starts[slot] + ((int) linear & OFFSET_MASK);
                if (at >= 0) {
                    low.putLong(at, value);
                } else {
                    writes.buffers[slot].putLong(at - Tlb.ELSEWHERE, value);
                }
                return;
            }
        }
        writeChecked(segment, offset, 8, value);
    }

    /** Reads what the same instruction writes afterwards: whatever keeps it from writing is its fault here. */
    public long readForUpdate(int segment, long offset, int width) {
        Segment s = cpu.segments[segment];
        if (offset + width - 1 <= s.writeLimit()) {
            long linear = s.base() + offset & linearMask;
            int slot = Tlb.slot(linear);
            if (((writes.tags[slot] ^ linear) & (Tlb.PAGE_MASK | width - 1)) == 0) {
                int at = writes.starts[slot] + ((int) linear & OFFSET_MASK);
                return at >= 0 ? Ram.read(low, at, width) : Ram.read(writes.buffers[slot], at - Tlb.ELSEWHERE, width);
            }
        }
        checkWritable(segment, offset, width);
        return read(segment, offset, width);
    }

    /**
     * Throws the fault that a read of these bytes would raise, for instructions that read in parts: the limit comes
     * before the pages.
     *
     * @param length bytes, 1 to 4096
     */
    public void checkReadable(int segment, long offset, int length) {
        Segment s = cpu.segments[segment];
        if (offset + length - 1 > s.readLimit()) {
            requireReadable(segment, offset, length);
        }
        long linear = canonical(segment, s.base() + offset & linearMask, length);
        translate(linear, Access.READ, cpu.isUser());
        long last = linear + length - 1 & linearMask;
        if (((last ^ linear) & Tlb.PAGE_MASK) != 0) {
            translate(last & Tlb.PAGE_MASK, Access.READ, cpu.isUser());
        }
    }

    /**
     * Throws the fault that CLFLUSH of a byte would raise: that of a read, but code that can only be executed may be
     * flushed (volume 2, CLFLUSH).
     */
    public void checkFlushable(int segment, long offset) {
        Segment s = cpu.segments[segment];
        if (!s.isCode() || !s.contains(offset, 1)) {
            checkReadable(segment, offset, 1);
        } else {
            translate(canonical(segment, s.base() + offset & linearMask, 1), Access.READ, cpu.isUser());
        }
    }

    /**
     * Throws the fault that a write of these bytes would raise, for instructions that must not write half of what they
     * write.
     *
     * @param length bytes, 1 to 4096
     */
    public void checkWritable(int segment, long offset, int length) {
        Segment s = cpu.segments[segment];
        if (offset + length - 1 > s.writeLimit()) {
            requireWritable(segment, offset, length);
        }
        long linear = canonical(segment, s.base() + offset & linearMask, length);
        translate(linear, Access.WRITE, cpu.isUser());
        long last = linear + length - 1 & linearMask;
        if (((last ^ linear) & Tlb.PAGE_MASK) != 0) {
            translate(last & Tlb.PAGE_MASK, Access.WRITE, cpu.isUser());
        }
        if (length <= 8) {
            checkAlignment(linear, length, cpu.isUser());
        }
    }

    private long readChecked(int segment, long offset, int width) {
        Segment s = cpu.segments[segment];
        if (offset + width - 1 > s.readLimit()) {
            requireReadable(segment, offset, width);
        }
        long linear = canonical(segment, s.base() + offset & linearMask, width);
        return read(linear, width, cpu.isUser(), linearMask);
    }

    private void writeChecked(int segment, long offset, int width, long value) {
        Segment s = cpu.segments[segment];
        if (offset + width - 1 > s.writeLimit()) {
            requireWritable(segment, offset, width);
        }
        long linear = canonical(segment, s.base() + offset & linearMask, width);
        write(linear, width, value, cpu.isUser(), linearMask);
    }

    /** Returns the address, or throws the fault of a segment in 64-bit mode if one of the bytes there has none. */
    private static long canonical(int segment, long linear, int length) {
        if (!AddressPolicy.isCanonical(linear) || !AddressPolicy.isCanonical(linear + length - 1)) {
            throw segmentFault(segment).because("the address is not canonical");
        }
        return linear;
    }

    private void requireReadable(int segment, long offset, int width) {
        Segment s = cpu.segments[segment];
        if (cpu.isProtected() && (s.isUnusable() || !s.isReadable()) || !s.contains(offset, width)) {
            throw segmentFault(segment);
        }
    }

    private void requireWritable(int segment, long offset, int width) {
        Segment s = cpu.segments[segment];
        if (cpu.isProtected() && (s.isUnusable() || !s.isWritable()) || !s.contains(offset, width)) {
            throw segmentFault(segment);
        }
    }

    private static CpuFault segmentFault(int segment) {
        return segment == Cpu.SS ? CpuFault.of(Vector.SS) : CpuFault.generalProtection();
    }

    /** Reads descriptor tables, the TSS and the like: with supervisor rights, at any privilege level. */
    public long readSystem(long linear, int width) {
        return read(linear & systemMask, width, false, systemMask);
    }

    /** Writes descriptor tables, the TSS and the like: with supervisor rights, at any privilege level. */
    public void writeSystem(long linear, int width, long value) {
        write(linear & systemMask, width, value, false, systemMask);
    }

    /**
     * Reads from a linear address.
     *
     * @param asUser with user rights, else with supervisor rights
     */
    public long readLinear(long linear, int width, boolean asUser) {
        return read(linear, width, asUser, systemMask);
    }

    private long read(long linear, int width, boolean asUser, long mask) {
        long first = translate(linear, Access.READ, asUser);
        int inPage = PAGE_SIZE - ((int) linear & OFFSET_MASK);
        long second = width <= inPage ? first : translate(linear + inPage & mask, Access.READ, asUser);
        checkAlignment(linear, width, asUser);
        cpu.debug.accessed(linear, width, false);
        if (width <= inPage) {
            return readPhysical(first, width);
        }
        long value = 0;
        for (int i = 0; i < width; i++) {
            long address = i < inPage ? first + i : second + i - inPage;
            value |= readPhysical(address, 1) << 8 * i;
        }
        return value;
    }

    /**
     * Writes to a linear address.
     *
     * @param asUser with user rights, else with supervisor rights
     */
    public void writeLinear(long linear, int width, long value, boolean asUser) {
        write(linear, width, value, asUser, systemMask);
    }

    private void write(long linear, int width, long value, boolean asUser, long mask) {
        long first = translate(linear, Access.WRITE, asUser);
        int inPage = PAGE_SIZE - ((int) linear & OFFSET_MASK);
        long second = width <= inPage ? first : translate(linear + inPage & mask, Access.WRITE, asUser);
        checkAlignment(linear, width, asUser);
        cpu.debug.accessed(linear, width, true);
        if (width <= inPage) {
            writePhysical(first, width, value);
            return;
        }
        for (int i = 0; i < width; i++) {
            writePhysical(i < inPage ? first + i : second + i - inPage, 1, value >>> 8 * i);
        }
    }

    /** Returns the linear address of what the processor itself accesses, such as an entry of a descriptor table. */
    public long systemLinear(long sum) {
        return sum & systemMask;
    }

    /** Throws the fault that a write of one byte with these rights would raise. */
    public void checkWritableLinear(long linear, boolean asUser) {
        translate(linear & systemMask, Access.WRITE, asUser);
    }

    private void checkAlignment(long linear, int width, boolean asUser) {
        if ((linear & width - 1) != 0 && asUser && cpu.checksAlignment()) {
            throw CpuFault.of(Vector.AC, 0);
        }
    }

    /**
     * Returns the physical address of code, or -1 if there is no RAM.
     *
     * @param linear the linear address of a byte
     */
    public long fetchPhysical(long linear) {
        long physical = translate(linear & linearMask, Access.FETCH, cpu.isUser());
        return ram.contains(physical) ? physical : -1;
    }

    /** Returns the byte of RAM at a physical address. */
    public int byteAt(long physical) {
        return (int) ram.read(physical, 1);
    }

    private long translate(long linear, Access access, boolean asUser) {
        Tlb tlb = (asUser ? user : supervisor)[access.ordinal()];
        int slot = Tlb.slot(linear);
        if (((tlb.tags[slot] ^ linear) & Tlb.PAGE_MASK) == 0) {
            return tlb.frames[slot] + (linear & OFFSET_MASK);
        }
        if (access == Access.WRITE) {
            Tlb codeWrites = asUser ? userCodeWrites : supervisorCodeWrites;
            if (((codeWrites.tags[slot] ^ linear) & Tlb.PAGE_MASK) == 0) {
                return codeWrites.frames[slot] + (linear & OFFSET_MASK);
            }
            Tlb parked = asUser ? userParked : supervisorParked;
            if (((parked.tags[slot] ^ linear) & Tlb.PAGE_MASK) == 0) {
                long physical = parked.frames[slot];
                parked.clear(slot);
                ram.markWritten(physical);
                put(tlb, linear, physical);
                return physical + (linear & OFFSET_MASK);
            }
        }
        if (!AddressPolicy.isCanonical(linear)) {
            throw CpuFault.generalProtection().because("the address is not canonical");
        }
        long physical = cpu.isPaging() ? paging.walk(linear, access, asUser) : linear;
        // Whether ring 0 may access a page of ring 3 changes with EFLAGS.AC.
        boolean lasting = asUser || (cpu.cr4() & Cr4.SMAP) == 0 || !paging.ledToUserPage();
        if (ram.contains(physical) && lasting) {
            remember(tlb, linear, physical & Tlb.PAGE_MASK, access, asUser);
        }
        return physical;
    }

    private void remember(Tlb tlb, long linear, long physical, Access access, boolean asUser) {
        if (access == Access.FETCH) {
            tlb.put(linear, physical);
        } else if (access == Access.WRITE && ram.hasCode(physical)) {
            (asUser ? userCodeWrites : supervisorCodeWrites).put(linear, physical);
        } else if (!cpu.debug.watchesData()) {
            if (access == Access.WRITE) {
                ram.markWritten(physical);
                // It would have taken that entry's place.
                (asUser ? userParked : supervisorParked).clear(Tlb.slot(linear));
            }
            put(tlb, linear, physical);
        }
    }

    private void put(Tlb tlb, long linear, long physical) {
        if (ram.isLow(physical)) {
            tlb.put(linear, physical);
        } else {
            tlb.put(linear, physical, ram.frame(physical));
        }
    }

    private long readPhysical(long address, int width) {
        return ram.contains(address) ? ram.read(address, width) : cpu.host.readMemory(address, width);
    }

    private void writePhysical(long address, int width, long value) {
        if (ram.contains(address)) {
            ram.write(address, width, value);
        } else {
            cpu.host.writeMemory(address, width, value);
        }
    }
}
