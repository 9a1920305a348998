package dev.kvmguest.vmm.outcome;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScreenFontTests {

    private static final ScreenFont FONT = ScreenFont.instance();

    /** Which arms the characters from 0xB3 to 0xDA have: up, down, left, right; each none, single or double. */
    private static final String[] ARMS = {
        "1100", "1110", "1120", "2210", "0210", "0120", "2220", "2200", "0220", "2020", "2010", "1020", "0110", "1001",
        "1011", "0111", "1101", "0011", "1111", "1102", "2201", "2002", "0202", "2022", "0222", "2202", "0022", "2222",
        "1022", "2011", "0122", "0211", "2001", "1002", "0102", "0201", "2211", "1122", "1010", "0101"
    };

    private static final List<String> ACROSS = List.of("........", "...##...", ".##..##.");
    private static final List<String> DOWN = List.of("................", ".......##.......", ".....##..##.....");

    @Test
    void drawingHasTwoHundredAndFiftySixGlyphsOfEightBySixteen() throws IOException {
        List<String> lines = drawing();

        List<String> titles =
                lines.stream().filter(line -> line.matches("[0-9a-f]{2}")).toList();
        assertThat(titles)
                .isEqualTo(IntStream.range(0, 32)
                        .mapToObj(i -> String.format("%02x", 8 * i))
                        .toList());
        assertThat(lines.stream().filter(line -> line.matches("[.#]{8}( [.#]{8}){7}")))
                .hasSize(512);
        for (String title : titles) {
            int start = lines.indexOf(title) + 1;
            assertThat(lines.subList(start, start + 16)).as(title).allMatch(line -> line.matches("[.# ]{71}"));
        }
    }

    @Test
    void noTwoGlyphsAreTheSameButForTheThreeBlanks() {
        Map<String, List<Integer>> codes = new HashMap<>();
        for (int code = 0; code < 256; code++) {
            codes.computeIfAbsent(glyph(code), glyph -> new ArrayList<>()).add(code);
        }

        assertThat(codes.values().stream().filter(same -> same.size() > 1).toList())
                .containsExactly(List.of(0x00, 0x20, 0xff));
        assertThat(glyph(0)).doesNotContain("#");
    }

    @Test
    void glyphIsAsItIsDrawn() throws IOException {
        List<String> lines = drawing();
        int start = lines.indexOf("40") + 1;
        String drawn = lines.subList(start, start + 16).stream()
                .map(line -> line.split(" ")[1])
                .collect(Collectors.joining("\n"));

        assertThat(glyph('A')).isEqualTo(drawn).contains("##...##.");
    }

    @Test
    void boxesTouchTheBordersWhereTheyHaveArmsAndNowhereElse() {
        for (int i = 0; i < ARMS.length; i++) {
            int code = 0xb3 + i;
            String arms = ARMS[i];
            assertThat(row(code, 0)).as("%x up", code).isEqualTo(ACROSS.get(arms.charAt(0) - '0'));
            assertThat(row(code, 15)).as("%x down", code).isEqualTo(ACROSS.get(arms.charAt(1) - '0'));
            assertThat(column(code, 0)).as("%x left", code).isEqualTo(DOWN.get(arms.charAt(2) - '0'));
            assertThat(column(code, 7)).as("%x right", code).isEqualTo(DOWN.get(arms.charAt(3) - '0'));
        }
    }

    @ParameterizedTest
    @CsvSource({"0xdb, 0, 16, 0, 8", "0xdc, 8, 16, 0, 8", "0xdd, 0, 16, 0, 4", "0xde, 0, 16, 4, 8", "0xdf, 0, 8, 0, 8"})
    void blocksFillTheirPartOfTheCell(String code, int top, int bottom, int left, int right) {
        for (int y = 0; y < 16; y++) {
            for (int x = 0; x < 8; x++) {
                boolean inside = y >= top && y < bottom && x >= left && x < right;
                assertThat(FONT.hasDot(Integer.decode(code), x, y)).isEqualTo(inside);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0xb0, 32", "0xb1, 64", "0xb2, 96"})
    void shadesAreAQuarterAHalfAndThreeQuarters(String code, int dots) {
        assertThat(glyph(Integer.decode(code)).chars().filter(c -> c == '#')).hasSize(dots);
    }

    @Test
    void halvesOfTheIntegralMeet() {
        assertThat(row(0xf4, 15)).isEqualTo(row(0xf5, 0)).isEqualTo("...##...");
    }

    /** So that lines of text don't run into each other. */
    @ParameterizedTest
    @ValueSource(strings = {"azAZ09gjpqy", ".,:;!?", "()[]{}<>"})
    void lettersLeaveARowAndAColumnFree(String characters) {
        characters.chars().forEach(code -> {
            assertThat(row(code, 15)).as("%c", code).isEqualTo("........");
            assertThat(column(code, 7)).as("%c", code).isEqualTo("................");
        });
    }

    private static List<String> drawing() throws IOException {
        try (InputStream in = ScreenFont.class.getResourceAsStream("cp437-8x16.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .toList();
        }
    }

    private static String glyph(int code) {
        return IntStream.range(0, 16).mapToObj(y -> row(code, y)).collect(Collectors.joining("\n"));
    }

    private static String row(int code, int y) {
        return IntStream.range(0, 8)
                .mapToObj(x -> FONT.hasDot(code, x, y) ? "#" : ".")
                .collect(Collectors.joining());
    }

    private static String column(int code, int x) {
        return IntStream.range(0, 16)
                .mapToObj(y -> FONT.hasDot(code, x, y) ? "#" : ".")
                .collect(Collectors.joining());
    }
}
