package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.memory.RamMap;

/**
 * What a PC's firmware leaves in CMOS memory about the machine.
 *
 * <p>Source: IBM PC AT Technical Reference (1985), "CMOS RAM Address Map"; bytes 0x34, 0x35 and 0x5b to 0x5d as Bochs
 * and QEMU have them.
 */
final class CmosMemory {

    private static final int BASE_KIB = 0x15;
    private static final int EXTENDED_KIB = 0x17;
    private static final int CHECKSUM_FIRST = 0x10;
    private static final int CHECKSUM_LAST = 0x2d;
    private static final int CHECKSUM = 0x2e;
    private static final int EXTENDED_KIB_FOUND = 0x30;
    private static final int ABOVE_16_MIB = 0x34;
    private static final int ABOVE_4_GIB = 0x5b;

    private static final int WORD_MAX = 0xffff;
    private static final long KIB = 1 << 10;
    private static final long MIB = 1 << 20;
    private static final long CHUNK = 64 * KIB;

    private CmosMemory() {}

    /**
     * Writes the size of RAM and the checksum.
     *
     * @param ram bytes
     * @throws IllegalArgumentException if {@code ram} is negative
     */
    static void describe(int[] bytes, long ram) {
        if (ram < 0) {
            throw new IllegalArgumentException("RAM of " + ram + " bytes can't be; give the size in bytes");
        }
        RamMap map = new RamMap(ram);
        long low = map.lowEnd();
        long chunksAbove4Gib = (map.size() - low) / CHUNK;
        putWord(bytes, BASE_KIB, Math.min(640, low / KIB));
        putWord(bytes, EXTENDED_KIB, (low - MIB) / KIB);
        putWord(bytes, EXTENDED_KIB_FOUND, (low - MIB) / KIB);
        putWord(bytes, ABOVE_16_MIB, (low - 16 * MIB) / CHUNK);
        putWord(bytes, ABOVE_4_GIB, chunksAbove4Gib & WORD_MAX);
        bytes[ABOVE_4_GIB + 2] = (int) (chunksAbove4Gib >> 16);
        int sum = 0;
        for (int i = CHECKSUM_FIRST; i <= CHECKSUM_LAST; i++) {
            sum += bytes[i];
        }
        // The checksum alone has its high byte first.
        bytes[CHECKSUM] = sum >> 8 & 0xff;
        bytes[CHECKSUM + 1] = sum & 0xff;
    }

    /** Writes a size, low byte first, as far as 16 bits hold it. */
    private static void putWord(int[] bytes, int index, long size) {
        long word = Math.max(0, Math.min(WORD_MAX, size));
        bytes[index] = (int) word & 0xff;
        bytes[index + 1] = (int) word >> 8;
    }
}
