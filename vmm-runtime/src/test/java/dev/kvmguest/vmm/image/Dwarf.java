package dev.kvmguest.vmm.image;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Line tables for tests, written as bytes with comments. */
final class Dwarf {

    private static final Pattern TOKEN = Pattern.compile("\"([^\"]*)\"|([0-9a-f]{2})");

    /** An ELF file's program, at 0x1000 to 0x10ff. */
    static final long CODE = 0x1000;

    private Dwarf() {}

    /**
     * Returns the bytes of a text: numbers of two hexadecimal digits, texts in quotation marks, which a zero byte ends in
     * the table, and on each line a comment after {@code //}.
     */
    static byte[] bytes(String text) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        text.lines().map(line -> line.replaceFirst("//.*", "")).forEach(line -> {
            Matcher token = TOKEN.matcher(line);
            while (token.find()) {
                if (token.group(1) != null) {
                    bytes.writeBytes(token.group(1).getBytes(StandardCharsets.UTF_8));
                    bytes.write(0);
                } else {
                    bytes.write(Integer.parseInt(token.group(2), 16));
                }
            }
        });
        return bytes.toByteArray();
    }

    /** Returns a unit of a version from 2 to 4: the header with its lengths, one directory and two files, the program. */
    static byte[] unit(int version, String program) {
        return unit(version, bytes("""
                01 fb 0e 0d             // statements, line_base -5, line_range 14, opcode_base 13
                00 01 01 01 01 00 00 00 01 00 00 01
                "lib" 00                // directory 1, end
                "main.c" 00 00 00       // file 1 in directory 0, no time, no size
                "common.h" 01 00 00 00  // file 2 in directory 1, end
                """), bytes(program));
    }

    /**
     * Returns a unit.
     *
     * @param header what follows the fields that depend on the version, from default_is_stmt on
     */
    static byte[] unit(int version, byte[] header, byte[] program) {
        ByteArrayOutputStream rest = new ByteArrayOutputStream();
        rest.write(1);
        if (version >= 4) {
            rest.write(1);
        }
        rest.writeBytes(header);
        ByteArrayOutputStream unit = new ByteArrayOutputStream();
        put(unit, version, 2);
        if (version == 5) {
            unit.writeBytes(new byte[] {4, 0});
        }
        put(unit, rest.size(), 4);
        unit.writeBytes(rest.toByteArray());
        unit.writeBytes(program);
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        put(whole, unit.size(), 4);
        whole.writeBytes(unit.toByteArray());
        return whole.toByteArray();
    }

    private static void put(ByteArrayOutputStream out, int value, int size) {
        for (int i = 0; i < size; i++) {
            out.write(value >> 8 * i);
        }
    }

    /** Returns an ELF file with code at {@link #CODE} and these units. */
    static ElfBuilder elf(byte[]... units) {
        ByteArrayOutputStream table = new ByteArrayOutputStream();
        for (byte[] unit : units) {
            table.writeBytes(unit);
        }
        return new ElfBuilder()
                .load(CODE, CODE, 0x100, 0xf4)
                .loadedSection(".text", CODE, 0x100)
                .section(".debug_line", 0, table.toByteArray());
    }
}
