package dev.kvmguest.junit;

import static dev.kvmguest.vmm.text.ConsoleText.quoted;
import static dev.kvmguest.vmm.text.ConsoleText.withoutCarriageReturns;

import dev.kvmguest.vmm.outcome.Picture;
import dev.kvmguest.vmm.outcome.PictureTolerance;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.report.TextReport;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.AbstractAssert;

/**
 * Assertions on a screen as it was at one moment. Rows and columns count from 0. Blanks at the ends of lines and empty
 * lines at the end are ignored. Every failure shows the screen.
 *
 * <pre>{@code
 * assertThat(outcome).screen().contains("PANIC").hasColors(0, 0, 15, 4);
 * assertThat(guest).screen().hasLine(1, "$ _").hasCursorAt(1, 2);
 * assertThat(outcome).screen().looksLike(Path.of("src/test/resources/desktop.png"), PictureTolerance.ofColor(8));
 * }</pre>
 */
public class ScreenAssert extends AbstractAssert<ScreenAssert, Screen> {

    /** Starts assertions on a screen. AssertJ needs this constructor for soft assertions. */
    public ScreenAssert(Screen actual) {
        super(actual, ScreenAssert.class);
    }

    /**
     * Verifies that the screen has these lines from its first row on, and nothing else.
     *
     * @throws IllegalArgumentException if there are more lines than a screen has
     */
    public ScreenAssert hasText(String text) {
        isNotNull();
        List<String> lines = text.stripTrailing().lines().toList();
        if (lines.size() > Screen.ROWS) {
            throw new IllegalArgumentException("the text has " + lines.size() + " lines, a screen " + Screen.ROWS);
        }
        for (int row = 0; row < Screen.ROWS; row++) {
            hasLine(row, row < lines.size() ? lines.get(row) : "");
        }
        return this;
    }

    /** Verifies that the screen contains this text, with LF or CR LF between its lines. */
    public ScreenAssert contains(String text) {
        isNotNull();
        return check(
                actual.text().contains(withoutCarriageReturns(text)),
                actual.text(),
                withoutCarriageReturns(text),
                "expected the screen to contain " + quoted(text) + ", but it doesn't");
    }

    /**
     * Verifies that a row shows exactly this text.
     *
     * @throws IllegalArgumentException if {@code row} is not 0 to 24
     */
    public ScreenAssert hasLine(int row, String text) {
        isNotNull();
        String expected = text.stripTrailing();
        return check(
                actual.line(row).equals(expected),
                actual.line(row),
                expected,
                expectedRow(row) + "be " + quoted(expected) + butIs(row));
    }

    /**
     * Verifies that a row contains this text.
     *
     * @throws IllegalArgumentException if {@code row} is not 0 to 24
     */
    public ScreenAssert lineContains(int row, String text) {
        isNotNull();
        return check(
                actual.line(row).contains(text),
                actual.line(row),
                text,
                expectedRow(row) + "contain " + quoted(text) + butIs(row));
    }

    /** Verifies that the cursor is visible and in this cell. */
    public ScreenAssert hasCursorAt(int row, int column) {
        isNotNull();
        String found = actual.cursorRow().isEmpty()
                ? "none is to be seen"
                : "it is at "
                        + place(
                                actual.cursorRow().getAsInt(),
                                actual.cursorColumn().getAsInt());
        return check(
                found.equals("it is at " + place(row, column)),
                "expected the cursor at " + place(row, column) + ", but " + found);
    }

    /**
     * Verifies the colours of a cell, each 0 (black) to 15 (white).
     *
     * @throws IllegalArgumentException if there is no such cell
     */
    public ScreenAssert hasColors(int row, int column, int foreground, int background) {
        isNotNull();
        Screen.Cell cell = actual.cell(row, column);
        return check(
                cell.foreground() == foreground && cell.background() == background,
                "expected colour " + foreground + " on " + background + " at " + place(row, column) + ", but it is "
                        + cell.foreground() + " on " + cell.background());
    }

    /**
     * Verifies that the screen shows exactly this picture: what was drawn into the framebuffer, else its text as
     * {@link Screen#toPng} draws it. If it doesn't, the expected and the actual picture and their difference are
     * published with the test's other files.
     */
    public ScreenAssert looksLike(Picture expected) {
        return looksLike(expected, PictureTolerance.EXACT);
    }

    /** Verifies that the screen shows this picture, as nearly as the tolerance says. */
    public ScreenAssert looksLike(Picture expected, PictureTolerance tolerance) {
        return looksLike(ExpectedPicture.of(expected, tolerance));
    }

    /**
     * Verifies that the screen shows exactly the picture in a PNG file. If there is no such file, this fails, and the
     * actual picture is published, to be copied there.
     *
     * @throws IllegalArgumentException if the file isn't a PNG file that can be read
     */
    public ScreenAssert looksLike(Path expected) {
        return looksLike(expected, PictureTolerance.EXACT);
    }

    /**
     * Verifies that the screen shows the picture in a PNG file, as nearly as the tolerance says.
     *
     * @throws IllegalArgumentException if the file isn't a PNG file that can be read
     */
    public ScreenAssert looksLike(Path expected, PictureTolerance tolerance) {
        return looksLike(ExpectedPicture.in(expected, tolerance));
    }

    private ScreenAssert looksLike(ExpectedPicture expected) {
        isNotNull();
        if (!expected.isShownBy(actual)) {
            String message = "expected " + expected.mismatch(actual) + "\n" + TextReport.screen(actual);
            // AssertJ knows the description that goes before it.
            throw expected.failure(failure("%s", message).getMessage(), actual);
        }
        return this;
    }

    /** Verifies that there is nothing to see: no text, and nothing drawn into a framebuffer. */
    public ScreenAssert isBlank() {
        isNotNull();
        return check(actual.isBlank(), "expected the screen to be blank, but it isn't");
    }

    private ScreenAssert check(boolean holds, String found, String expected, String message) {
        if (!holds) {
            failWithActualExpectedAndMessage(found, expected, "%s", message + "\n" + TextReport.screen(actual));
        }
        return this;
    }

    private ScreenAssert check(boolean holds, String message) {
        if (!holds) {
            failWithMessage("%s", message + "\n" + TextReport.screen(actual));
        }
        return this;
    }

    private String butIs(int row) {
        return ", but it is " + quoted(actual.line(row));
    }

    private static String expectedRow(int row) {
        return "expected row " + row + " of the screen to ";
    }

    private static String place(int row, int column) {
        return "row " + row + ", column " + column;
    }
}
