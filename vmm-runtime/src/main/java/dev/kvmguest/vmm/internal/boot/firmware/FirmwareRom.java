package dev.kvmguest.vmm.internal.boot.firmware;

import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The page of code to which the interrupt vectors of real mode lead, where it lies in memory. What nobody handles tells
 * the machine so, by an OUT to {@link RomCode#PORT} in the handler of its vector; hardware interrupts are handled as
 * firmware does.
 *
 * @param base its physical address, a multiple of {@link #SIZE} below 1 MiB
 */
public record FirmwareRom(long base) {

    /** Its size in bytes. */
    public static final int SIZE = 0x1000;

    /** Where a PC has the last page of its firmware, with the reset vector. */
    public static final long USUAL_BASE = 0xf_f000;

    private static final long PARAGRAPH = 16;
    private static final int DISKETTE_PARAMETERS = 0x1e;

    /** Returns the one of a machine; empty if there was no room for it. */
    public static Optional<FirmwareRom> in(MemoryLayout layout) {
        return layout.ranges().stream()
                .filter(range -> range.kind() == Kind.FIRMWARE)
                .map(range -> new FirmwareRom(range.start()))
                .findFirst();
    }

    /** Returns what a vector, 0 to 255, has in the table: the offset in the low half, the segment above. */
    int vector(int vector) {
        return far(vector == DISKETTE_PARAMETERS ? RomCode.TABLE.disketteParameters() : RomCode.entry(vector), vector);
    }

    /** Returns the segment of a vector as firmware leaves it. */
    int segment(int vector) {
        return vector(vector) >>> 16;
    }

    private int far(int place, int vector) {
        long linear = base + place;
        long offset = RomCode.offset(vector) / PARAGRAPH * PARAGRAPH + linear % PARAGRAPH;
        // Very low in memory there is no such segment.
        long usable = linear < offset ? linear % PARAGRAPH : offset;
        return (int) ((linear - usable) / PARAGRAPH << 16 | usable);
    }

    /**
     * Returns the vector whose default handler has just told that it handles nothing.
     *
     * @param memory the guest's RAM, which must still have the handler: a guest may have its own code there
     * @param codeBase the base of CS
     * @param ip the offset of the OUT that told it, or of the instruction after that
     */
    public OptionalInt unhandled(GuestMemory memory, long codeBase, long ip) {
        long offset = codeBase + ip - base;
        if (offset < 0 || offset >= SIZE) {
            return OptionalInt.empty();
        }
        return RomCode.TABLE
                .trap((int) offset)
                .filter(trap -> Arrays.equals(
                        memory.read(base + trap.offset(), RomCode.TRAP_BYTES), RomCode.TABLE.bytes(trap.offset())))
                .map(trap -> OptionalInt.of(trap.vector()))
                .orElse(OptionalInt.empty());
    }

    /** Returns whether an entry of the interrupt vector table, the offset in its low half, leads here. */
    public boolean holds(long vector) {
        long linear = (vector >>> 16 & 0xffff) * 16 + (vector & 0xffff);
        return linear >= base && linear < base + SIZE;
    }

    /** Returns whether an offset in a vector's segment is one of the vector's handler. */
    public boolean isHandler(int vector, long ip) {
        return RomCode.TABLE.isHandler(vector, (int) (segment(vector) * PARAGRAPH + ip - base));
    }

    /** Writes it, and what firmware leaves below {@link LowMemory#END}. */
    public void write(GuestMemory memory) {
        memory.write(0, LowMemory.bytes(this, memory.size()));
        memory.write(base, RomCode.TABLE.code());
        memory.write(base + RomCode.RESET, RomCode.resetCode());
    }
}
