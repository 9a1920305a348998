package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ScreenAssertTests {

    private static final Screen SCREEN = Screens.of(OptionalInt.of(82), "Hello", "$");
    private static final String SHOWN = "\n  screen:\n  +-------+\n  | Hello |\n  | $     |\n  +-------+\n";
    private static final Screen HIDDEN = Screens.of(OptionalInt.empty(), "100 % sure");
    private static final String HIDDEN_SHOWN = "\n  screen:\n  +------------+\n  | 100 % sure |\n  +------------+\n";

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
