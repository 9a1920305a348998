package dev.kvmguest.vmm.outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.internal.device.VgaCrtc;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScreenTests {

    private static final int TEXT = 0xb8000;
    private static final int TEXT_END = 0xc0000;

    private final GuestMemory memory = memory(1 << 20);
    private final VgaCrtc crtc = new VgaCrtc(() -> 0);

    private static GuestMemory memory(int size) {
        return new GuestMemory(ByteBuffer.allocateDirect(size), () -> {});
    }

    private Screen screen() {
        return crtc.screen(memory);
    }

    private void put(int row, int column, String text) {
        put(TEXT + 2 * (80 * row + column), text);
    }

    private void put(int address, String text) {
        for (int i = 0; i < text.length(); i++) {
            memory.writeByte(address + 2 * i, text.charAt(i));
            memory.writeByte(address + 2 * i + 1, 0x07);
        }
    }

    private void crtc(int register, int value) {
        crtc.writeByte(0, register);
        crtc.writeByte(1, value);
    }

    @Test
    void textIsTheLinesWithoutWhatIsEmptyBehindThem() {
        put(0, 0, "Hello  ");
        put(2, 3, "there");
        put(2, 79, " ");
        put(24, 0, " ".repeat(80));

        assertThat(screen().text()).isEqualTo("Hello\n\n   there");
        assertThat(screen().line(0)).isEqualTo("Hello");
        assertThat(screen().line(1)).isEmpty();
        assertThat(screen().line(2)).isEqualTo("   there");
        assertThat(screen()).hasToString("Hello\n\n   there");
    }

    @Test
    void fullScreenHasAllLines() {
        for (int row = 0; row < 25; row++) {
            put(row, 0, Character.toString('a' + row).repeat(80));
        }

        assertThat(screen().text().lines()).hasSize(25).allMatch(line -> line.length() == 80);
        assertThat(screen().line(24)).isEqualTo("y".repeat(80));
    }

    @Test
    void nothingWrittenIsBlank() {
        assertThat(screen().isBlank()).isTrue();
        assertThat(screen().text()).isEmpty();
        assertThat(screen()).isEqualTo(Screen.BLANK);
    }

    @Test
    void clearedScreenIsBlankWhateverItsColours() {
        for (int cell = 0; cell < 2000; cell++) {
            memory.writeShort(TEXT + 2 * cell, 0x1f20);
        }

        assertThat(screen().isBlank()).isTrue();
        assertThat(screen()).isNotEqualTo(Screen.BLANK);
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "24, 79"})
    void oneCharacterIsNotBlank(int row, int column) {
        put(row, column, ".");

        assertThat(screen().isBlank()).isFalse();
    }

    @Test
    void cellHasItsColours() {
        memory.writeShort(TEXT + 2 * (80 * 3 + 5), 0x9e41);

        assertThat(screen().cell(3, 5)).isEqualTo(new Screen.Cell('A', 'A', 14, 9, true));
        assertThat(screen().cell(3, 6)).isEqualTo(new Screen.Cell(0, ' ', 0, 0, false));
    }

    @ParameterizedTest
    @CsvSource({
        "0x41, A", "0x01, ☺", "0x1f, ▼", "0x7f, ⌂", "0x80, Ç", "0xb0, ░", "0xcd, ═", "0xdb, █", "0xe1, ß", "0xfe, ■"
    })
    void characterIsDecodedFromCodePage437(String code, char character) {
        memory.writeByte(TEXT, Integer.decode(code));

        assertThat(screen().line(0)).isEqualTo(Character.toString(character));
        assertThat(screen().cell(0, 0).character()).isEqualTo(character);
        assertThat(screen().cell(0, 0).code()).isEqualTo(Integer.decode(code));
    }

    /** The JDK's own table, which has control characters where a screen has graphic ones. */
    @Test
    void tableAgreesWithTheJdksWhereThatHasGraphicCharacters() {
        Charset jdks = Charset.forName("IBM437");
        for (int code = 0x20; code <= 0xff; code++) {
            if (code != 0x7f) {
                String expected = new String(new byte[] {(byte) code}, jdks);
                assertThat(Character.toString(CodePage437.decode(code)))
                        .as("code %x", code)
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void noTwoCodesAreTheSameCharacterButForTheBlanks() {
        assertThat(IntStream.range(1, 256).map(CodePage437::decode)).doesNotHaveDuplicates();
        assertThat(CodePage437.decode(0)).isEqualTo(' ');
    }

    @Test
    void startAddressScrolls() {
        put(1, 0, "second");
        put(25, 0, "behind the first screen");
        crtc(0x0d, 80);

        assertThat(screen().line(0)).isEqualTo("second");
        assertThat(screen().line(24)).isEqualTo("behind the first screen");
    }

    @Test
    void whatIsShownBehindTheEndOfTextMemoryIsItsBeginning() {
        put(0, 0, "beginning");
        put(TEXT_END - 2 * 80, "end");
        // Cell 0x4000 - 80.
        crtc(0x0c, 0x3f);
        crtc(0x0d, 0xb0);

        assertThat(screen().text()).isEqualTo("end\nbeginning");
    }

    @ParameterizedTest
    @ValueSource(ints = {0x40, 0x80, 0xc0})
    void startAddressBehindTextMemoryCountsFromItsBeginningAgain(int high) {
        put(0, 0, "beginning");
        crtc(0x0c, high);

        assertThat(screen().text()).isEqualTo("beginning");
    }

    @Test
    void cursorIsWhereTheControllerHasIt() {
        crtc(0x0e, 0x07);
        crtc(0x0f, 0xcf);

        assertThat(screen().cursorRow()).hasValue(24);
        assertThat(screen().cursorColumn()).hasValue(79);
    }

    @Test
    void cursorMovesWithTheStartAddress() {
        crtc(0x0d, 80);
        crtc(0x0f, 83);

        assertThat(screen().cursorRow()).hasValue(0);
        assertThat(screen().cursorColumn()).hasValue(3);
    }

    @ParameterizedTest
    @CsvSource({"0x07, 0xd0, 0", "0xff, 0xff, 0", "0x00, 0x00, 1"})
    void cursorOutsideIsNone(String high, String low, int start) {
        crtc(0x0d, start);
        crtc(0x0e, Integer.decode(high));
        crtc(0x0f, Integer.decode(low));

        assertThat(screen().cursorRow()).isEmpty();
        assertThat(screen().cursorColumn()).isEmpty();
    }

    @Test
    void hiddenCursorIsNone() {
        crtc(0x0a, 0x2d);

        assertThat(screen().cursorRow()).isEmpty();
        assertThat(screen()).isNotEqualTo(Screen.BLANK);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x1000, 0xb8000, 0xb8fa0, 0xc0000})
    void ramThatEndsBeforeTextMemoryDoesShowsZerosThere(int size) {
        GuestMemory small = memory(size);
        if (size > TEXT) {
            small.writeByte(TEXT, 'x');
        }

        assertThat(crtc.screen(small).text()).isEqualTo(size > TEXT ? "x" : "");
        // Cell 0x2000, behind the end of the smaller ones and before that of the largest.
        crtc(0x0c, 0x20);
        assertThat(crtc.screen(small).isBlank()).isTrue();
    }

    @Test
    void screenDoesNotChangeWithTheMemory() {
        put(0, 0, "before");
        Screen screen = screen();

        put(0, 0, "after ");

        assertThat(screen.text()).isEqualTo("before");
    }

    @Test
    void screenOfCellsIsTheSameAsThatOfTheMemory() {
        put(0, 1, "x");
        crtc(0x0f, 81);
        byte[] cells = {0, 0, 'x', 7};

        assertThat(Screen.of(cells, OptionalInt.of(81))).isEqualTo(screen()).hasSameHashCodeAs(screen());
        assertThat(Screen.of(cells, OptionalInt.empty())).isNotEqualTo(screen());
        assertThat(Screen.of(cells, OptionalInt.of(3000))).isEqualTo(Screen.of(cells, OptionalInt.empty()));
        cells[0] = 'y';
        assertThat(screen().line(0)).isEqualTo(" x");
    }

    @Test
    void tooManyCellsAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Screen.of(new byte[4001], OptionalInt.empty()))
                .withMessage("a screen has 4000 bytes, two for each cell, and not 4001");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Screen.of("x".getBytes(StandardCharsets.US_ASCII), OptionalInt.of(-1)))
                .withMessage("cursor -1 is negative; cells count from 0");
    }

    @ParameterizedTest
    @CsvSource({
        "-1, 0, row -1 is not 0 to 24",
        "25, 0, row 25 is not 0 to 24",
        "0, -1, column -1 is not 0 to 79",
        "0, 80, column 80 is not 0 to 79"
    })
    void cellOutsideIsRefused(int row, int column, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> screen().cell(row, column))
                .withMessage(message);
        if (column == 0) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> screen().line(row))
                    .withMessage(message);
        }
    }
}
