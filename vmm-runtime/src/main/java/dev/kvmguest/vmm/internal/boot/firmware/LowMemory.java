package dev.kvmguest.vmm.internal.boot.firmware;

import dev.kvmguest.vmm.internal.x86.InterruptTable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The first 1,280 bytes of memory as firmware leaves them: the interrupt vector table of real mode, and the BIOS data
 * area after it.
 *
 * <p>Source: IBM PC/AT Technical Reference, "ROM BIOS Data Areas"; the fields are named as there.
 */
public final class LowMemory {

    /** The address after the interrupt vector table, where the BIOS data area begins. */
    public static final int VECTORS_END = 0x400;

    /** The address after the BIOS data area. */
    public static final int END = 0x500;

    /** Where RAM for programs ends below 640 KiB: the last KiB is the extended BIOS data area. */
    public static final long EXTENDED_DATA = 0x9_fc00;

    /** Where the ticks of the timer since midnight are counted, in four bytes. */
    public static final int TICKS = 0x46c;

    private static final int BASE_MEMORY_END = 0xa_0000;

    private static final int COM1 = 0x3f8;
    /** A coprocessor, a pointing device, a colour screen of 80 columns, and one serial line. */
    private static final int EQUIPMENT = 0x0002 | 0x0004 | 0x0020 | 1 << 9;

    private static final int KEYBOARD_BUFFER = 0x1e;
    private static final int KEYBOARD_BUFFER_END = 0x3e;
    private static final int CRTC = 0x3d4;

    private LowMemory() {}

    /**
     * Returns the bytes from address 0 on.
     *
     * @param rom to which the vectors lead
     * @param memorySize RAM in bytes
     */
    public static byte[] bytes(FirmwareRom rom, long memorySize) {
        ByteBuffer memory = ByteBuffer.allocate(END).order(ByteOrder.LITTLE_ENDIAN);
        for (int vector = 0; vector < InterruptTable.VECTORS; vector++) {
            memory.putInt(rom.vector(vector));
        }
        boolean extended = memorySize >= BASE_MEMORY_END;
        memory.putShort(0x400, (short) COM1)
                .putShort(0x40e, (short) (extended ? EXTENDED_DATA >> 4 : 0))
                .putShort(0x410, (short) EQUIPMENT)
                .putShort(0x413, (short) (size(memorySize, rom.base()) >> 10))
                .putShort(0x41a, (short) KEYBOARD_BUFFER)
                .putShort(0x41c, (short) KEYBOARD_BUFFER)
                .putShort(0x480, (short) KEYBOARD_BUFFER)
                .putShort(0x482, (short) KEYBOARD_BUFFER_END);
        putScreen(memory);
        // A keyboard of 101 or 102 keys.
        return memory.put(0x496, (byte) 0x10).array();
    }

    /** Mode 3, text of 80 columns and 25 rows, as the CRT controller has it at entry. */
    private static void putScreen(ByteBuffer memory) {
        memory.put(0x449, (byte) 3)
                .putShort(0x44a, (short) 80)
                .putShort(0x44c, (short) 0x1000)
                // The cursor's last and first line.
                .putShort(0x460, (short) 0x0d0e)
                .putShort(0x463, (short) CRTC)
                // Rows less one, and lines of a character.
                .put(0x484, (byte) 24)
                .putShort(0x485, (short) 16);
    }

    /**
     * Returns the bytes from address 0 on that programs may have, below 640 KiB.
     *
     * @param memorySize RAM in bytes
     * @param rom where the firmware's code is
     */
    public static long size(long memorySize, long rom) {
        return Math.min(Math.min(EXTENDED_DATA, memorySize), rom);
    }
}
