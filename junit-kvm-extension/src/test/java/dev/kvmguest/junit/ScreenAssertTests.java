package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Picture;
import dev.kvmguest.vmm.outcome.PictureTolerance;
import dev.kvmguest.vmm.outcome.Screen;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ScreenAssertTests {

    private static final Screen SCREEN = Screens.of(OptionalInt.of(82), "Hello", "$");
    private static final String SHOWN = "\n  screen:\n  +-------+\n  | Hello |\n  | $     |\n  +-------+\n";
    private static final Screen HIDDEN = Screens.of(OptionalInt.empty(), "100 % sure");
    private static final String HIDDEN_SHOWN = "\n  screen:\n  +------------+\n  | 100 % sure |\n  +------------+\n";

    /** Two orange pixels, and one beside the lower one. */
    private static final Picture PICTURE =
            Picture.of(4, 3, (x, y) -> x == 2 && y > 0 ? 0xff8000 : x == 1 && y == 2 ? 0x00001a : 0);

    static Stream<Arguments> assertions() {
        return Stream.of(
                of(
                        "hasText",
                        a -> a.hasText("Hello  \n$\n\n"),
                        SCREEN,
                        Screens.of(OptionalInt.empty(), "Hello"),
                        "expected row 1 of the screen to be \"$\", but it is \"\"\n"
                                + "  screen:\n  +-------+\n  | Hello |\n  +-------+\n"),
                of(
                        "hasText, less",
                        a -> a.hasText("100 % sure"),
                        HIDDEN,
                        SCREEN,
                        "expected row 0 of the screen to be \"100 % sure\", but it is \"Hello\"" + SHOWN),
                of(
                        "hasText, more",
                        a -> a.hasText("Hello"),
                        Screens.of(OptionalInt.empty(), "Hello"),
                        SCREEN,
                        "expected row 1 of the screen to be \"\", but it is \"$\"" + SHOWN),
                of(
                        "contains",
                        a -> a.contains("lo\r\n$"),
                        SCREEN,
                        HIDDEN,
                        "expected the screen to contain \"lo\\r\\n$\", but it doesn't" + HIDDEN_SHOWN),
                of(
                        "hasLine",
                        a -> a.hasLine(1, "$ "),
                        SCREEN,
                        HIDDEN,
                        "expected row 1 of the screen to be \"$\", but it is \"\"" + HIDDEN_SHOWN),
                of(
                        "lineContains",
                        a -> a.lineContains(0, "ell"),
                        SCREEN,
                        HIDDEN,
                        "expected row 0 of the screen to contain \"ell\", but it is \"100 % sure\"" + HIDDEN_SHOWN),
                of(
                        "hasCursorAt",
                        a -> a.hasCursorAt(1, 2),
                        SCREEN,
                        Screen.BLANK,
                        "expected the cursor at row 1, column 2, but it is at row 0, column 0\n  screen: blank\n"),
                of(
                        "hasCursorAt, hidden",
                        a -> a.hasCursorAt(1, 2),
                        SCREEN,
                        HIDDEN,
                        "expected the cursor at row 1, column 2, but none is to be seen" + HIDDEN_SHOWN),
                of(
                        "hasColors",
                        a -> a.hasColors(0, 4, 14, 1),
                        SCREEN,
                        Screen.BLANK,
                        "expected colour 14 on 1 at row 0, column 4, but it is 0 on 0\n  screen: blank\n"),
                of(
                        "hasColors, background",
                        a -> a.hasColors(0, 6, 0, 0),
                        SCREEN,
                        HIDDEN,
                        "expected colour 0 on 0 at row 0, column 6, but it is 14 on 1" + HIDDEN_SHOWN),
                of(
                        "looksLike",
                        a -> a.looksLike(PICTURE),
                        Screen.BLANK.with(PICTURE),
                        Screen.BLANK.with(Picture.of(4, 3, (x, y) -> x == 2 && y > 0 ? 0xff9900 : 0)),
                        "expected the screen to look like the expected picture, but 3 of 12 pixels differ, all within x"
                                + " 1 to 2, y 1 to 2; the first, at x 2, y 1, is #ff9900 and not #ff8000\n"
                                + "  screen: a picture of 4 x 3 pixels\n"),
                of(
                        "looksLike, tolerance",
                        a -> a.looksLike(PICTURE, PictureTolerance.ofColor(0x19).andShare(0.1)),
                        Screen.BLANK.with(Picture.of(4, 3, (x, y) -> x == 2 && y > 0 ? 0xff9900 : 0)),
                        Screen.BLANK.with(Picture.of(4, 3, (x, y) -> x == 2 && y > 0 ? 0xff9a00 : 0)),
                        "expected the screen to look like the expected picture, but 3 of 12 pixels differ (allowed: 25"
                                + " in each colour, 10.00 % of the pixels), all within x 1 to 2, y 1 to 2; the first,"
                                + " at x 2, y 1, is #ff9a00 and not #ff8000\n"
                                + "  screen: a picture of 4 x 3 pixels\n"),
                of(
                        "looksLike, size",
                        a -> a.looksLike(PICTURE, PictureTolerance.ofColor(255).andShare(1)),
                        Screen.BLANK.with(Picture.of(4, 3, (x, y) -> -1)),
                        Screen.BLANK.with(Picture.of(3, 4, (x, y) -> -1)),
                        "expected the screen to look like the expected picture, but it is a picture of 3 x 4 pixels, and"
                                + " not of 4 x 3\n  screen: a picture of 3 x 4 pixels\n"),
                of(
                        "isBlank",
                        ScreenAssert::isBlank,
                        Screen.BLANK,
                        SCREEN,
                        "expected the screen to be blank, but it isn't" + SHOWN));
    }

    private static Arguments of(
            String name, Consumer<ScreenAssert> assertion, Screen passing, Screen failing, String message) {
        return Arguments.of(name, assertion, passing, failing, message);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("assertions")
    void assertionPassesAndFailsWithTheScreen(
            String name, Consumer<ScreenAssert> assertion, Screen passing, Screen failing, String message) {
        assertion.accept(assertThat(passing));
        assertThatThrownBy(() -> assertion.accept(assertThat(failing)))
                .isInstanceOf(AssertionError.class)
                .hasMessage(message);
        assertThatThrownBy(() -> assertion.accept(assertThat(failing).as("boot")))
                .hasMessage("[boot] " + message);
    }

    @Test
    void textScreenLooksLikeItsPictureAndAPictureIsNotBlank() {
        assertThat(SCREEN).looksLike(SCREEN.picture());
        assertThatThrownBy(() -> assertThat(HIDDEN).looksLike(SCREEN.picture()))
                .hasMessageMatching(
                        "(?s)expected the screen to look like the expected picture, but \\d+ of 256000 pixels"
                                + " differ, all within x 0 to 79, y .*")
                .hasMessageEndingWith(HIDDEN_SHOWN);
        assertThatThrownBy(() -> assertThat(Screen.BLANK.with(PICTURE)).isBlank())
                .hasMessage("expected the screen to be blank, but it isn't\n  screen: a picture of 4 x 3 pixels\n");
    }

    @Test
    void goldenFileIsComparedAndAMissingOneIsNamedWithTheWayToAccept(@TempDir Path folder) throws IOException {
        Path golden = folder.resolve("golden.png");
        Screen screen = Screen.BLANK.with(PICTURE);
        assertThatThrownBy(() -> assertThat(screen).looksLike(golden))
                .isInstanceOf(AssertionError.class)
                .hasMessage("expected the screen to look like " + golden + ", but there is no such file; look at the"
                        + " actual picture, and if it is right, copy it to " + golden + "\n"
                        + "  screen: a picture of 4 x 3 pixels\n");

        Files.write(golden, PICTURE.toPng());
        assertThat(screen).looksLike(golden);
        assertThatThrownBy(() -> assertThat(Screen.BLANK.with(Picture.of(4, 3, (x, y) -> 0)))
                        .looksLike(golden, PictureTolerance.ofColor(26)))
                .hasMessage("expected the screen to look like " + golden + ", but 2 of 12 pixels differ (allowed: 26 in"
                        + " each colour), all within x 2 to 2, y 1 to 2; the first, at x 2, y 1, is #000000 and not"
                        + " #ff8000\n  screen: a picture of 4 x 3 pixels\n");

        Files.write(golden, new byte[1]);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> assertThat(screen).looksLike(golden))
                .withMessage(golden + ": it is no PNG file: it doesn't begin with the signature of one");
    }

    @Test
    void screenOfAnOutcomeKeepsItsDescription() {
        Outcome outcome = new Outcome.Halted(false, Runs.run("", SCREEN));

        assertThat(outcome).screen().contains("Hello");
        assertThatThrownBy(() -> assertThat(outcome).as("boot").screen().isBlank())
                .hasMessage("[boot] expected the screen to be blank, but it isn't" + SHOWN);
    }

    @Test
    void placesThatAreNotOnAScreenAreTheCallersMistake() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> assertThat(SCREEN).hasLine(25, ""))
                .withMessage("row 25 is not 0 to 24");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> assertThat(SCREEN).lineContains(-1, ""))
                .withMessage("row -1 is not 0 to 24");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> assertThat(SCREEN).hasColors(0, 80, 7, 0))
                .withMessage("column 80 is not 0 to 79");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> assertThat(SCREEN).hasText("x\n".repeat(26)))
                .withMessage("the text has 26 lines, a screen 25");
    }
}
