package dev.kvmguest.vmm.diagnosis;

import dev.kvmguest.vmm.CpuState;
import dev.kvmguest.vmm.GuestMemory;
import dev.kvmguest.vmm.Register;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.OptionalLong;

/** A guest's memory by linear addresses, through its page tables if paging is on (Intel SDM volume 3A, 4.3 and 4.4). */
final class LinearMemory {

    static final int PAGE = 0x1000;

    private static final long PRESENT = 1;
    private static final long LARGE = 1 << 7;
    private static final long CR4_PAE = 1 << 5;
    private static final long LOW_32 = 0xffff_ffffL;
    private static final long FRAME = 0xf_ffff_f000L;

    private final GuestMemory memory;
    private final boolean paging;
    private final boolean pae;
    private final boolean largePages;
    private final long cr3;

    LinearMemory(GuestMemory memory, CpuState registers) {
        this.memory = memory;
        this.paging = (registers.get(Register.CR0) & CpuState.CR0_PG) != 0;
        this.pae = (registers.get(Register.CR4) & CR4_PAE) != 0;
        this.largePages = (registers.get(Register.CR4) & CpuState.CR4_PSE) != 0;
        this.cr3 = registers.get(Register.CR3) & LOW_32;
    }

    /** Returns the bytes of RAM. */
    long ramSize() {
        return memory.size();
    }

    /** Returns the guest physical address, which need not be one of RAM; empty if the page is not present. */
    OptionalLong physical(long linear) {
        long address = linear & LOW_32;
        if (!paging) {
            return OptionalLong.of(address);
        }
        return pae ? walkPae(address) : walk32(address);
    }

    private OptionalLong walk32(long linear) {
        long directory = entry((cr3 & FRAME) + (linear >>> 22) * 4, 4);
        if ((directory & PRESENT) == 0) {
            return OptionalLong.empty();
        }
        if ((directory & LARGE) != 0 && largePages) {
            return OptionalLong.of(directory & 0xffc0_0000L | linear & 0x3f_ffff);
        }
        return page(entry((directory & FRAME) + (linear >>> 12 & 0x3ff) * 4, 4), linear);
    }

    private OptionalLong walkPae(long linear) {
        long pointer = entry((cr3 & 0xffff_ffe0L) + (linear >>> 30) * 8, 8);
        long directory = (pointer & PRESENT) == 0 ? 0 : entry((pointer & FRAME) + (linear >>> 21 & 0x1ff) * 8, 8);
        if ((directory & PRESENT) == 0) {
            return OptionalLong.empty();
        }
        if ((directory & LARGE) != 0) {
            return OptionalLong.of(directory & FRAME & ~0x1f_ffffL | linear & 0x1f_ffff);
        }
        return page(entry((directory & FRAME) + (linear >>> 12 & 0x1ff) * 8, 8), linear);
    }

    private static OptionalLong page(long entry, long linear) {
        return (entry & PRESENT) == 0 ? OptionalLong.empty() : OptionalLong.of(entry & FRAME | linear & PAGE - 1);
    }

    /** Returns an entry of a table; nothing answers behind RAM, so that all ones are read there. */
    private long entry(long physical, int width) {
        if (physical > memory.size() - width) {
            return -1;
        }
        return width == 4 ? memory.readInt(physical) & LOW_32 : memory.readLong(physical);
    }

    /** Says whether a linear address has a page, or needs none. */
    boolean isMapped(long linear) {
        return physical(linear).isPresent();
    }

    /** Returns the physical address that CR3 has of the page directory, or of PAE's table of directories. */
    long directory() {
        return cr3 & (pae ? 0xffff_ffe0L : FRAME);
    }

    /** Says whether no entry of {@link #directory()} is present. */
    boolean directoryIsVoid() {
        int width = pae ? 8 : 4;
        int size = pae ? 32 : PAGE;
        for (int offset = 0; offset < size; offset += width) {
            if ((entry(directory() + offset, width) & PRESENT) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Says whether a linear address is one of RAM. */
    boolean isRam(long linear) {
        OptionalLong physical = physical(linear);
        return physical.isPresent() && physical.getAsLong() < memory.size();
    }

    /** Returns bytes that start at a linear address; empty unless RAM is behind all of them. */
    Optional<byte[]> read(long linear, int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            if (!isRam(linear + i)) {
                return Optional.empty();
            }
            bytes[i] = (byte) memory.readByte(physical(linear + i).getAsLong());
        }
        return Optional.of(bytes);
    }

    /** Returns the eight bytes at a linear address, little-endian; empty unless RAM is behind all of them. */
    OptionalLong readLong(long linear) {
        return read(linear, 8)
                .map(bytes -> OptionalLong.of(little(bytes).getLong()))
                .orElse(OptionalLong.empty());
    }

    /** Returns the four bytes at a linear address, unsigned and little-endian; empty unless RAM is behind all of them. */
    OptionalLong readInt(long linear) {
        return read(linear, 4)
                .map(bytes -> OptionalLong.of(little(bytes).getInt() & LOW_32))
                .orElse(OptionalLong.empty());
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
