package dev.kvmguest.junit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/**
 * A guest with tests inside, as an ELF file: what a compiler makes of {@code kvmguest.h}, byte by byte. It is loaded at
 * 0x1000, runs in protected mode, and has a slot for each test: its entry in the table, its name and file, the code that
 * sends its report, and the report.
 */
final class InGuestElf {

    private static final int BASE = 0x1000;
    private static final int JUMPS = 0x40;
    private static final int POINTERS = 0x80;
    private static final int SLOTS = 0x100;
    private static final int SLOT = 0x200;
    private static final int NAME = 0x10;
    private static final int FILE = 0x40;
    private static final int CODE = 0x80;
    private static final int REPORT = 0xc0;
    private static final int SIZE = 0x2000;
    private static final int DATA = 52 + 32;

    /** mov al, 0; out 0xf4, al. */
    static final String EXIT_0 = "b000 e6f4";
    /** mov al, 1; out 0xf4, al. */
    static final String EXIT_1 = "b001 e6f4";

    private final ByteBuffer image = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
    private int tests;

    InGuestElf() {
        // in al, 0xf5; cmp al, 'K'; jne end; in ax, 0xf6; movzx eax, ax; jmp [eax * 4 + 0x1040]; end: hlt
        put(0, hex("e4f5 3c4b 750d 66e5f6 0fb7c0 ff248540100000 f4"));
    }

    /**
     * Adds a test.
     *
     * @param report what it sends to the test port
     * @param end what it executes then, in hexadecimal
     */
    InGuestElf test(String name, String file, int line, String report, String end) {
        int slot = SLOTS + tests * SLOT;
        byte[] sent = report.getBytes(StandardCharsets.UTF_8);
        image.putInt(JUMPS + 4 * tests, BASE + slot + CODE);
        image.putInt(POINTERS + 4 * tests, BASE + slot);
        put(slot + NAME, (name + "\0").getBytes(StandardCharsets.UTF_8));
        put(slot + FILE, (file + "\0").getBytes(StandardCharsets.UTF_8));
        put(slot + REPORT, sent);
        image.position(slot);
        image.putInt(BASE + slot + NAME).putInt(BASE + slot + FILE).putInt(line).putInt(BASE + slot + CODE);
        image.position(slot + CODE);
        // mov esi, report; mov ecx, its length; mov edx, 0xf5; cld; rep outsb
        image.put((byte) 0xbe).putInt(BASE + slot + REPORT).put((byte) 0xb9).putInt(sent.length);
        image.put(hex("baf5000000 fc f36e" + end));
        tests++;
        return this;
    }

    /** Writes the file. */
    void write(String file) {
        try {
            Files.createDirectories(Path.of(file).getParent());
            Files.write(Path.of(file), build());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private byte[] build() {
        String names = "\0__start_kvmguest_tests\0__stop_kvmguest_tests\0";
        int symbols = DATA + SIZE;
        int strings = symbols + 3 * 16;
        int sections = strings + names.length();
        ByteBuffer elf = ByteBuffer.allocate(sections + 3 * 40).order(ByteOrder.LITTLE_ENDIAN);
        elf.put(hex("7f454c46 010101")).position(16);
        // An executable for i386, entered at BASE: one program header, three section headers.
        elf.putShort((short) 2)
                .putShort((short) 3)
                .putInt(1)
                .putInt(BASE)
                .putInt(52)
                .putInt(sections)
                .putInt(0);
        elf.putShort((short) 52)
                .putShort((short) 32)
                .putShort((short) 1)
                .putShort((short) 40)
                .putShort((short) 3);
        elf.position(52);
        elf.putInt(1)
                .putInt(DATA)
                .putInt(BASE)
                .putInt(BASE)
                .putInt(SIZE)
                .putInt(SIZE)
                .putInt(7)
                .putInt(4);
        elf.put(image.array()).position(symbols + 16);
        elf.putInt(1).putInt(BASE + POINTERS).putInt(0).putShort((short) 0x10).putShort((short) 1);
        elf.putInt(24)
                .putInt(BASE + POINTERS + 4 * tests)
                .putInt(0)
                .putShort((short) 0x10)
                .putShort((short) 1);
        elf.put(names.getBytes(StandardCharsets.US_ASCII)).position(sections + 40);
        section(elf, 2, symbols, 3 * 16, 2);
        section(elf, 3, strings, names.length(), 0);
        return elf.array();
    }

    private static void section(ByteBuffer elf, int type, int offset, int size, int link) {
        elf.putInt(0)
                .putInt(type)
                .putInt(0)
                .putInt(0)
                .putInt(offset)
                .putInt(size)
                .putInt(link);
        elf.position(elf.position() + 12);
    }

    private void put(int offset, byte[] bytes) {
        image.position(offset).put(bytes);
    }

    private static byte[] hex(String bytes) {
        return HexFormat.of().parseHex(bytes.replace(" ", ""));
    }
}
