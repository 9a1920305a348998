package dev.kvmguest.vmm.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LineTableTests {

    /** The file of a golden unit of version 5 has its names in other sections, too. */
    private static final String LINE_STRINGS = "\0src\0string.c\0";

    private static final byte[] HEADER_OF_VERSION_5 = Dwarf.bytes("""
            01 fb 0e 0d             // statements, line_base -5, line_range 14, opcode_base 13
            00 01 01 01 01 00 00 00 01 00 00 01
            01 01 1f                // directories have one field: path, line_strp
            02                      // two directories
            00 00 00 00             // 0: ""
            01 00 00 00             // 1: "src"
            03 01 1f 02 0b 05 1e    // files have three: path, line_strp; directory, data1; MD5, data16
            02                      // two files
            05 00 00 00 00  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f // 0: "string.c" in 0
            05 00 00 00 01  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f // 1: "string.c" in 1
            """);

    private static final String START = """
            00 05 02 00 10 00 00    // set_address 0x1000
            """;
    private static final String END = """
            02 08                   // advance_pc 8
            00 01 01                // end_sequence
            """;

    private static LineTable lines(byte[]... units) {
        return LineTable.of(Dwarf.elf(units).build());
    }

    private static LineTable program(String... parts) {
        return lines(Dwarf.unit(4, String.join("", parts)));
    }

    private static String lineAt(LineTable lines, long address) {
        return lines.lineAt(address).map(SourceLine::toString).orElse("");
    }

    /** Returns where each line starts, from before the code to behind it. */
    private static List<String> changes(LineTable lines) {
        List<String> changes = new ArrayList<>();
        String last = "";
        for (long address = Dwarf.CODE - 1; address <= Dwarf.CODE + 0x100; address++) {
            String line = lineAt(lines, address);
            if (!line.equals(last)) {
                changes.add(Long.toHexString(address) + (line.isEmpty() ? "" : " " + line));
            }
            last = line;
        }
        return changes;
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4})
    void versions2To4CountFilesAndDirectoriesFromOne(int version) {
        LineTable lines = lines(Dwarf.unit(version, START + """
                03 05                   // advance_line 5
                01                      // copy: main.c:6
                4b                      // special, adjusted 62: 4 bytes, 1 line
                04 02                   // set_file 2
                f3                      // special, adjusted 230: 16 bytes, 1 line
                """ + END));

        assertThat(changes(lines)).containsExactly("1000 main.c:6", "1004 main.c:7", "1014 lib/common.h:8", "101c");
    }

    @Test
    void version5CountsFilesAndDirectoriesFromZero() {
        LineTable lines = lines5(HEADER_OF_VERSION_5, START + """
                13                      // special, adjusted 6: 0 bytes, 1 line
                04 00                   // set_file 0
                59                      // special, adjusted 76: 5 bytes, 1 line
                """ + END);

        assertThat(changes(lines)).containsExactly("1000 src/string.c:2", "1005 string.c:3", "100d");
    }

    private static LineTable lines5(byte[] header, String program) {
        return LineTable.of(Dwarf.elf(Dwarf.unit(5, header, Dwarf.bytes(program)))
                .section(".debug_line_str", 0, LINE_STRINGS.getBytes(StandardCharsets.US_ASCII))
                .section(".debug_str", 0, "other.c\0".getBytes(StandardCharsets.US_ASCII))
                .build());
    }

    @ParameterizedTest
    @CsvSource({
        "08, 61 2e 63 00, a.c", // string
        "1f, 05 00 00 00, string.c", // line_strp
        "0e, 00 00 00 00, other.c", // strp
        "1f, ff ff ff ff, ''",
        "1f, 0e 00 00 00, ''", // the byte after the last
        "1d, 00 00 00 00, ''" // strp_sup, whose text is in another file
    })
    void nameMayBeInTheHeaderOrInAnotherSection(String form, String value, String name) {
        LineTable lines = lines5(Dwarf.bytes("""
                01 fb 0e 0d
                00 01 01 01 01 00 00 00 01 00 00 01
                00 00                   // no directories
                01 01 FORM              // files have one field: path
                02 VALUE VALUE          // two files
                """.replace("FORM", form).replace("VALUE", value)), START + "01" + END);

        assertThat(lineAt(lines, 0x1000)).isEqualTo(name.isEmpty() ? "" : name + ":1");
    }

    @ParameterizedTest
    @CsvSource({
        "02 0b, 01, src/a.c", // directory, data1
        "02 05, 01 00, src/a.c", // data2
        "02 06, 01 00 00 00, src/a.c", // data4
        "02 0f, 01, src/a.c", // udata
        "02 0f, 02, ''", // no such directory
        "02 0f, ff ff ff ff 0f, ''",
        "02 08, 31 00, ''", // a text is no number
        "03 0f, 81 01, a.c", // time, udata
        "03 06, 01 02 03 04, a.c", // data4
        "03 07, 01 02 03 04 05 06 07 08, a.c", // data8
        "03 09, 03 01 02 03, a.c", // block
        "05 1e, 01 02 03 04 05 06 07 08 01 02 03 04 05 06 07 08, a.c", // MD5, data16
        "81 40 08, 78 79 7a 00, a.c", // a vendor's text
        "81 40 1f, 01 00 00 00, a.c",
        "81 40 0e, 01 00 00 00, a.c",
        "03 99 01, 01, ''" // a form that nobody knows, so its size isn't known
    })
    void otherFieldsOfFilesAreReadOrSkipped(String field, String value, String name) {
        LineTable lines = lines5(Dwarf.bytes("""
                01 fb 0e 0d
                00 01 01 01 01 00 00 00 01 00 00 01
                01 01 08 02 "." "src"   // directories 0 and 1
                02 FIELD 01 08          // files have two fields, the other one and path, string
                02 VALUE "b.c" VALUE "a.c"
                """.replace("FIELD", field).replace("VALUE", value)), START + "01" + END);

        assertThat(lineAt(lines, 0x1000)).isEqualTo(name.isEmpty() ? "" : name + ":1");
    }

    @Test
    void absoluteNameStaysAsItIs() {
        LineTable lines = lines(Dwarf.unit(3, Dwarf.bytes("""
                01 fb 0e 0d 00 01 01 01 01 00 00 00 01 00 00 01
                "lib" 00 "/usr/include/x.h" 01 00 00 00
                """), Dwarf.bytes(START + "01" + END)));

        assertThat(lineAt(lines, 0x1000)).isEqualTo("/usr/include/x.h:1");
    }

    @Test
    void everyStandardOpcodeIsKnown() {
        assertThat(changes(program(START, """
                        03 e4 00                // advance_line 100
                        01                      // copy: line 101
                        02 02                   // advance_pc 2
                        03 7f                   // advance_line -1
                        01                      // copy: line 100 at 0x1002
                        05 11                   // set_column 17
                        06                      // negate_stmt
                        07                      // set_basic_block
                        08                      // const_add_pc: 17 bytes
                        0a                      // set_prologue_end
                        0b                      // set_epilogue_begin
                        0c 01                   // set_isa 1
                        04 02                   // set_file 2
                        01                      // copy: common.h:100 at 0x1013
                        09 01 00                // fixed_advance_pc 1
                        03 01                   // advance_line 1
                        01                      // copy: line 101 at 0x1014
                        """, END)))
                .containsExactly(
                        "1000 main.c:101", "1002 main.c:100", "1013 lib/common.h:100", "1014 lib/common.h:101", "101c");
    }

    @Test
    void extendedOpcodesDefineFilesAndUnknownOnesAreSkipped() {
        assertThat(changes(program(START, """
                        00 02 04 07             // set_discriminator 7
                        00 07 03 61 2e 63 00 01 00 // define_file a.c in directory 1: the length is one short
                        """, END)))
                .as("an operation that is longer than it says")
                .isEmpty();
        assertThat(changes(program(START, """
                        00 02 04 07             // set_discriminator 7
                        00 04 80 01 02 03       // a vendor's
                        00 08 03 61 2e 63 00 01 00 00 // define_file a.c in directory 1: file 3
                        04 03                   // set_file 3
                        01                      // copy
                        """, END))).containsExactly("1000 lib/a.c:1", "1008");
    }

    @Test
    void opcodesFromOpcodeBaseOnAreSpecialAndUnknownOnesBelowAreSkippedByTheirOperands() {
        byte[] few = Dwarf.unit(2, Dwarf.bytes("""
                01 00 01 0a             // line_base 0, line_range 1, opcode_base 10
                00 01 01 01 01 00 00 00 01
                00 "old.c" 00 00 00 00
                """), Dwarf.bytes(START + "0a 0c" + END)); // 0 bytes; 2 bytes
        byte[] many = Dwarf.unit(4, Dwarf.bytes("""
                01 fb 0e 0f             // line_base -5, line_range 14, opcode_base 15
                00 01 01 01 01 00 00 00 01 00 00 01 02 00
                00 "new.c" 00 00 00 00
                """), Dwarf.bytes(START.replace("00 10", "10 10") + """
                0d 81 01 05             // unknown, with two operands
                0e                      // unknown, with none
                01                      // copy
                """ + END));

        assertThat(changes(lines(few, many))).containsExactly("1000 old.c:1", "100a", "1010 new.c:1", "1018");
    }

    @Test
    void lastRowAtAnAddressCounts() {
        assertThat(changes(program(START, """
                        01 13 13                // lines 1, 2 and 3 at 0x1000
                        4b 13                   // lines 4 and 5 at 0x1004
                        """, END))).containsExactly("1000 main.c:3", "1004 main.c:5", "100c");
    }

    @Test
    void codeOfNoLineHasNone() {
        assertThat(changes(program(START, """
                        01                      // line 1
                        03 7f                   // advance_line -1
                        4a                      // special, adjusted 61: 4 bytes, 0 lines
                        """, END))).containsExactly("1000 main.c:1", "1004");
    }

    @Test
    void fileThatTheHeaderLacksHasNoLines() {
        assertThat(changes(program(START, "04 09 01", END))).isEmpty();
        assertThat(changes(program(START, "04 00 01", END))).isEmpty();
        assertThat(changes(program(START, "04 ff ff ff ff ff ff 01 01", END))).isEmpty();
    }

    @Test
    void sequencesMayBeInAnyOrderAndLeaveGaps() {
        assertThat(changes(program("""
                        00 05 02 80 10 00 00    // set_address 0x1080
                        01                      // main.c:1
                        02 10                   // advance_pc 16
                        00 01 01                // end_sequence
                        """, START, "04 02 03 08 01", END)))
                .containsExactly("1000 lib/common.h:9", "1008", "1080 main.c:1", "1090");
    }

    @Test
    void sequenceThatGoesBackIsLeftOut() {
        assertThat(changes(program(START, """
                        02 04 01                // 0x1004
                        00 05 02 02 10 00 00 01 // 0x1002
                        """, END, """
                        00 05 02 80 10 00 00 01 // 0x1080
                        """, END))).containsExactly("1080 main.c:1", "1088");
    }

    @Test
    void sequenceThatDoesNotEndIsLeftOut() {
        assertThat(changes(program(START, "01", END, START.replace("00 10", "80 10"), "01 4b")))
                .containsExactly("1000 main.c:1", "1008");
    }

    /** A linker that removes a function leaves its lines, from address 0 on or from one that cannot be. */
    @Test
    void linesOfRemovedFunctionsAreNotThoseOfCode() {
        LineTable lines = program("00 05 02 00 00 00 00 01", "02 80 40", "00 01 01", START, "04 02 01", END);

        assertThat(lineAt(lines, 0x1000)).isEqualTo("lib/common.h:1");
        assertThat(lineAt(lines, 0)).isEmpty();
    }

    @Test
    void codeMayEndAtTheLastAddress() {
        LineTable lines = LineTable.of(new ElfBuilder()
                .load(0xffff_fff0L, 0xffff_fff0L, 0x10, 0xf4)
                .loadedSection(".reset", 0xffff_fff0L, 0x10)
                .section(".debug_line", 0, Dwarf.unit(4, """
                        00 05 02 f0 ff ff ff    // set_address 0xfffffff0
                        01                      // line 1
                        02 10                   // advance_pc 16
                        00 01 01
                        """))
                .build());

        assertThat(lineAt(lines, 0xffff_ffffL)).isEqualTo("main.c:1");
        assertThat(lineAt(lines, 0x1_0000_0000L)).isEmpty();
        assertThat(lineAt(lines, -1)).isEmpty();
    }

    @Test
    void unitOfAnotherKindDoesNotHideTheOthers() {
        byte[] good = Dwarf.unit(4, START + "01" + END);
        byte[] unknown = good.clone();
        unknown[4] = 6;

        assertThat(changes(lines(unknown, good))).containsExactly("1000 main.c:1", "1008");
        assertThat(changes(lines(Dwarf.bytes("ff ff ff ff 02 00 00 00 00 00 00 00 00 00"), good)))
                .as("64-bit DWARF")
                .isEmpty();
    }

    @Test
    void compressedTableIsRead() {
        byte[] table = Dwarf.unit(4, START + "01" + END);

        assertThat(lineAt(compressed(1, table.length, table), 0x1000)).isEqualTo("main.c:1");
        assertThat(lineAt(compressed(2, table.length, table), 0x1000))
                .as("zstd")
                .isEmpty();
        assertThat(lineAt(compressed(1, table.length + 1, table), 0x1000))
                .as("too short")
                .isEmpty();
        assertThat(lineAt(compressed(1, -1, table), 0x1000)).as("4 GiB").isEmpty();
    }

    private static LineTable compressed(int type, int size, byte[] table) {
        Deflater deflater = new Deflater();
        deflater.setInput(table);
        deflater.finish();
        byte[] deflated = new byte[1000];
        int length = deflater.deflate(deflated);
        deflater.end();
        ByteArrayOutputStream section = new ByteArrayOutputStream();
        section.writeBytes(ByteBuffer.allocate(12)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(type)
                .putInt(size)
                .putInt(1)
                .array());
        section.write(deflated, 0, length);
        return LineTable.of(new ElfBuilder()
                .load(Dwarf.CODE, Dwarf.CODE, 0x100, 0xf4)
                .loadedSection(".text", Dwarf.CODE, 0x100)
                .section(".debug_line", ElfBuilder.COMPRESSED, section.toByteArray())
                .build());
    }

    @Test
    void fileWithoutATableHasNoLines() {
        assertThat(LineTable.of(new byte[0]).lineAt(0)).isEmpty();
        assertThat(LineTable.of(new byte[] {0x7f, 'E', 'L', 'F'}).lineAt(0)).isEmpty();
        assertThat(LineTable.of(new ElfBuilder().load(0x1000, 0x1000, 1, 0xf4).build())
                        .lineAt(0x1000))
                .isEmpty();
    }
}
