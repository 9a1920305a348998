package dev.kvmguest.maven;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A small 64-bit ELF file: one segment at 1 MiB, seen in the last 2 GiB, which is entered at its first byte. */
public final class Elf64File {

    private static final long PHYSICAL = 0x10_0000;
    private static final long LINEAR = 0xffff_ffff_8010_0000L;
    private static final int HEADER = 64;
    private static final int PROGRAM_HEADER = 56;

    private Elf64File() {}

    /** Returns the file with this code. */
    public static byte[] of(byte[] code) {
        int start = HEADER + PROGRAM_HEADER;
        ByteBuffer file = ByteBuffer.allocate(start + code.length).order(ByteOrder.LITTLE_ENDIAN);
        file.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
        file.putShort((short) 2).putShort((short) 62).putInt(1);
        file.putLong(LINEAR).putLong(HEADER).putLong(0).putInt(0);
        file.putShort((short) HEADER).putShort((short) PROGRAM_HEADER).putShort((short) 1);
        file.position(HEADER);
        file.putInt(1).putInt(5).putLong(start).putLong(LINEAR).putLong(PHYSICAL);
        file.putLong(code.length).putLong(code.length).putLong(1).put(code);
        return file.array();
    }
}
