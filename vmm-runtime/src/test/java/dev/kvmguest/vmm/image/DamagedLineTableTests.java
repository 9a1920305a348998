package dev.kvmguest.vmm.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read of line tables that are damaged or hostile: lines or none, but never an error, and never for long. */
@Timeout(60)
class DamagedLineTableTests {

    private static final String PROGRAM = """
            00 05 02 00 10 00 00    // set_address 0x1000
            13 4b 04 02 f3          // three rows
            02 08 00 01 01          // advance_pc 8, end_sequence
            """;

    private static final byte[] UNIT_4 = Dwarf.unit(4, PROGRAM);

    private static final byte[] UNIT_5 = Dwarf.unit(5, Dwarf.bytes("""
            01 fb 0e 0d             // statements, line_base -5, line_range 14, opcode_base 13
            00 01 01 01 01 00 00 00 01 00 00 01
            01 01 1f 02 00 00 00 00 02 00 00 00     // directories 0 "." and 1 "src"
            04 01 1f 02 0b 05 1e 03 09              // path, directory, MD5, time as a block
            03
            06 00 00 00 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 01 00
            06 00 00 00 01 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 01 00
            06 00 00 00 01 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 01 00
            """), Dwarf.bytes(PROGRAM));

    static Stream<byte[]> files() {
        return Stream.of(UNIT_4, UNIT_5).map(DamagedLineTableTests::file);
    }

    private static byte[] file(byte[] unit) {
        return Dwarf.elf(unit)
                .section(".debug_line_str", 0, ".\0src\0main.c\0".getBytes(StandardCharsets.US_ASCII))
                .build();
    }

    private static boolean hasLine(byte[] file) {
        return LineTable.of(file).lineAt(Dwarf.CODE).isPresent();
    }

    private static boolean hasLine(int version, String header, String program) {
        return hasLine(file(Dwarf.unit(version, Dwarf.bytes(header), Dwarf.bytes(program))));
    }

    @ParameterizedTest
    @MethodSource("files")
    void fileCutAnywhereHasNoLines(byte[] file) {
        assertThat(hasLine(file)).isTrue();
        for (int length = 0; length < file.length; length++) {
            assertThat(hasLine(Arrays.copyOf(file, length)))
                    .as("%d bytes", length)
                    .isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 5})
    void tableCutAnywhereHasNoLines(int version) {
        byte[] unit = version == 4 ? UNIT_4 : UNIT_5;
        for (int length = 0; length < unit.length; length++) {
            byte[] cut = Arrays.copyOf(unit, length);
            assertThat(hasLine(file(cut))).as("%d bytes", length).isFalse();
            if (length >= 4) {
                ByteBuffer.wrap(cut).order(ByteOrder.LITTLE_ENDIAN).putInt(length - 4);
                assertThat(hasLine(file(cut)))
                        .as("%d bytes with the right length", length)
                        .isFalse();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("files")
    void anyBytesChangedGiveLinesOrNone(byte[] file) {
        Random random = new Random(2026);
        for (int i = 0; i < 50_000; i++) {
            byte[] changed = file.clone();
            for (int n = random.nextInt(3); n >= 0; n--) {
                changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
            }
            LineTable lines = LineTable.of(changed);
            for (long address = Dwarf.CODE; address < Dwarf.CODE + 0x20; address++) {
                lines.lineAt(address);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("files")
    void anyFourBytesChangedToTheEdgesOfTheirRangeGiveLinesOrNone(byte[] file) {
        int[] edges = {0, 1, -1, -16, 0x7fff_ffff, 0x8000_0000, 0x7fff_fff0, file.length, file.length - 1};
        for (int at = 4; at + 4 <= file.length; at++) {
            for (int edge : edges) {
                byte[] changed = file.clone();
                ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putInt(at, edge);
                LineTable.of(changed).lineAt(Dwarf.CODE);
            }
        }
    }

    @Test
    void manyEntriesOfNoSizeAreNotCounted() {
        String start = "01 fb 0e 0d 00 01 01 01 01 00 00 00 01 00 00 01";
        String most = "ff ff ff ff ff ff ff ff 7f";

        assertThat(hasLine(5, start + " 00 00 01 01 08 02 \"a\" \"b\"", PROGRAM))
                .isTrue();
        assertThat(hasLine(5, start + " 00 " + most + " 01 01 08 02 \"a\" \"b\"", PROGRAM))
                .isFalse();
        assertThat(hasLine(5, start + " 00 00 00 " + most, PROGRAM)).isFalse();
        assertThat(hasLine(5, start + " 00 00 01 01 08 " + most + " \"a\" \"b\"", PROGRAM))
                .isFalse();
    }

    @Test
    void moreFilesThanAnyUnitHasAreRefused() {
        byte[] start = Dwarf.bytes("01 fb 0e 0d 00 01 01 01 01 00 00 00 01 00 00 01 00 00 01 01 08 ");
        byte[] manyFiles = Arrays.copyOf(start, start.length + 3 + 2 * 100_001);
        // 100,001 files of version 5, each "a".
        System.arraycopy(Dwarf.bytes("a1 8d 06"), 0, manyFiles, start.length, 3);
        for (int at = start.length + 3; at < manyFiles.length; at += 2) {
            manyFiles[at] = 'a';
        }

        assertThat(hasLine(file(Dwarf.unit(5, manyFiles, Dwarf.bytes(PROGRAM)))))
                .isFalse();
        manyFiles[start.length]--;
        byte[] oneLess = Arrays.copyOf(manyFiles, manyFiles.length - 2);
        assertThat(hasLine(file(Dwarf.unit(5, oneLess, Dwarf.bytes(PROGRAM))))).isTrue();
    }

    @Test
    void headerWithoutLinesOrOpcodesIsRefused() {
        String files = " \"main.c\" 00 00 00 00";

        assertThat(hasLine(2, "01 00 01 01 00" + files, "00 05 02 00 10 00 00 01 " + PROGRAM))
                .isTrue();
        assertThat(hasLine(2, "01 00 00 01 00" + files, "00 05 02 00 10 00 00 01 " + PROGRAM))
                .as("line_range 0")
                .isFalse();
        assertThat(hasLine(2, "01 00 01 00 00" + files, "00 05 02 00 10 00 00 01 " + PROGRAM))
                .as("opcode_base 0")
                .isFalse();
    }

    @Test
    void addressBeyondTheAddressSpaceIsRefused() {
        String header = "01 fb 0e 0d 00 01 01 01 01 00 00 00 01 00 00 01 00 \"main.c\" 00 00 00 00";

        assertThat(hasLine(4, header, PROGRAM)).isTrue();
        assertThat(hasLine(4, header, PROGRAM + "02 ff ff ff ff 0f")).isTrue();
        assertThat(hasLine(4, header, PROGRAM + "02 81 80 80 80 10")).isFalse();
        assertThat(hasLine(4, header, PROGRAM + "02 ff ff ff ff ff ff ff ff 7f"))
                .isFalse();
        assertThat(hasLine(4, header, PROGRAM + "02 80 80 80 80 80 80 80 80 80 01"))
                .as("a number of 64 bits")
                .isFalse();
        assertThat(hasLine(4, header, PROGRAM + "02 81 80 80 80 80 80 80 80 80 80 80 80 00"))
                .as("a number with needless zeros")
                .isTrue();
    }

    @Test
    void operationLongerThanTheUnitIsRefused() {
        String header = "01 fb 0e 0d 00 01 01 01 01 00 00 00 01 00 00 01 00 \"main.c\" 00 00 00 00";

        assertThat(hasLine(4, header, PROGRAM + "00 02 80 00")).isTrue();
        assertThat(hasLine(4, header, PROGRAM + "00 03 80 00")).isFalse();
        assertThat(hasLine(4, header, PROGRAM + "00 ff ff ff ff 0f 80 00")).isFalse();
        assertThat(hasLine(4, header, PROGRAM + "00 00")).as("of no size").isFalse();
        assertThat(hasLine(4, header, PROGRAM + "00 04 02 00 10 00"))
                .as("an address of three bytes")
                .isFalse();
    }

    @Test
    void tableOfMoreThanAMillionRowsEndsThere() {
        assertThat(hasLine(Dwarf.elf(rows(1_000_001), UNIT_4).build()))
                .as("the next unit")
                .isTrue();
        assertThat(hasLine(Dwarf.elf(rows(999_998), UNIT_4).build()))
                .as("3 rows where 2 are left")
                .isFalse();
        assertThat(hasLine(Dwarf.elf(rows(999_997), UNIT_4).build())).isTrue();
    }

    /** Returns a unit that writes rows for no code at all. */
    private static byte[] rows(int count) {
        byte[] program = new byte[count];
        Arrays.fill(program, (byte) 1);
        return Dwarf.unit(
                4, Dwarf.bytes("01 fb 0e 0d 00 01 01 01 01 00 00 00 01 00 00 01 00 \"rows.c\" 00 00 00 00"), program);
    }

    @Test
    void nameWithoutAnEndIsNone() {
        String header = "01 fb 0e 0d 00 01 01 01 01 00 00 00 01 00 00 01 00 00 01 01 1f 02 00 00 00 00 00 00 00 00";
        byte[] unit = Dwarf.unit(5, Dwarf.bytes(header), Dwarf.bytes(PROGRAM));
        byte[] text = new byte[5000];
        Arrays.fill(text, (byte) 'a');

        assertThat(hasLine(Dwarf.elf(unit).section(".debug_line_str", 0, text).build()))
                .isFalse();
        text[4096] = 0;
        assertThat(hasLine(Dwarf.elf(unit).section(".debug_line_str", 0, text).build()))
                .isFalse();
        text[4095] = 0;
        assertThat(hasLine(Dwarf.elf(unit).section(".debug_line_str", 0, text).build()))
                .isTrue();
    }
}
