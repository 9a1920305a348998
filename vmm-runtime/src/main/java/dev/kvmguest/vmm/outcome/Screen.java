package dev.kvmguest.vmm.outcome;

import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What a machine shows at one moment. That is a VGA in text mode: 80 columns of 25 rows from the text memory at guest
 * physical address 0xB8000, each a cell of a character in code page 437 and its colours, and the cursor. Rows and
 * columns count from 0. If the boot loader has told the guest of a framebuffer and anything was drawn into it, that is
 * what is shown, as a picture; the text is known all the same.
 */
public final class Screen {

    /** The number of columns. */
    public static final int COLUMNS = 80;
    /** The number of rows. */
    public static final int ROWS = 25;
    /** The guest physical address of text memory. */
    public static final long MEMORY = 0xb8000;

    /** A screen that was never written to: zeros, the cursor in the upper left corner. */
    public static final Screen BLANK = of(new byte[0], OptionalInt.of(0));

    private static final int CELLS = COLUMNS * ROWS;

    /** A byte for the character, a byte for the colours, as in memory. */
    private final byte[] cells;
    /** The cell that has the cursor, or one after the last. */
    private final int cursor;

    private final Optional<Picture> framebuffer;

    /**
     * One character of the screen.
     *
     * @param code its code in code page 437, 0 to 255
     * @param character the same as Unicode; a blank for 0
     * @param foreground the colour of the glyph, 0 (black) to 15 (white)
     * @param background the colour of the rest of the cell, 0 to 15; a VGA that blinks, as it does by default, shows 8
     *     to 15 as 0 to 7
     * @param blink whether the blink bit is set; if the VGA was told not to blink, it means a bright background
     */
    public record Cell(int code, char character, int foreground, int background, boolean blink) {}

    private Screen(byte[] cells, int cursor, Optional<Picture> framebuffer) {
        this.cells = cells;
        this.cursor = cursor;
        this.framebuffer = framebuffer;
    }

    /**
     * Returns a screen with these cells.
     *
     * @param cells character and attribute of each cell, row by row; missing cells are zero
     * @param cursor the cell with the cursor, counted row by row; empty, or after the last, if it isn't visible
     * @throws IllegalArgumentException if there are more than 2000 cells, or the cursor is negative
     */
    public static Screen of(byte[] cells, OptionalInt cursor) {
        if (cells.length > 2 * CELLS) {
            throw new IllegalArgumentException(
                    "a screen has " + 2 * CELLS + " bytes, two for each cell, and not " + cells.length);
        }
        if (cursor.orElse(0) < 0) {
            throw new IllegalArgumentException("cursor " + cursor.getAsInt() + " is negative; cells count from 0");
        }
        return new Screen(Arrays.copyOf(cells, 2 * CELLS), Math.min(cursor.orElse(CELLS), CELLS), Optional.empty());
    }

    /** Returns a screen with this text that shows a picture: what was drawn into a framebuffer. */
    public Screen with(Picture drawn) {
        return new Screen(cells, cursor, Optional.of(drawn));
    }

    /** Returns what was drawn into the framebuffer; empty if there is no framebuffer, or it is as the guest got it. */
    public Optional<Picture> framebuffer() {
        return framebuffer;
    }

    /** Returns what is to be seen: the framebuffer, else the text as {@link ScreenImage} draws it, 640 by 400 dots. */
    public Picture picture() {
        return framebuffer.orElseGet(() -> ScreenImage.picture(this));
    }

    /** Returns whether there is something to read: whether a cell has a character that is no blank. */
    public boolean hasText() {
        return IntStream.range(0, CELLS).map(this::code).anyMatch(code -> code != 0 && code != ' ');
    }

    /** Returns the lines with LF between them, without blanks at their ends and without empty lines at the end. */
    public String text() {
        return IntStream.range(0, ROWS)
                .mapToObj(this::line)
                .collect(Collectors.joining("\n"))
                .stripTrailing();
    }

    /**
     * Returns a line without the blanks at its end.
     *
     * @throws IllegalArgumentException if {@code row} is not 0 to 24
     */
    public String line(int row) {
        check(row, 0);
        StringBuilder line = new StringBuilder();
        for (int column = 0; column < COLUMNS; column++) {
            line.append(CodePage437.decode(code(row * COLUMNS + column)));
        }
        return line.toString().stripTrailing();
    }

    /**
     * Returns a cell.
     *
     * @throws IllegalArgumentException if {@code row} is not 0 to 24 or {@code column} not 0 to 79
     */
    public Cell cell(int row, int column) {
        check(row, column);
        int cell = row * COLUMNS + column;
        int attribute = Byte.toUnsignedInt(cells[2 * cell + 1]);
        return new Cell(
                code(cell), CodePage437.decode(code(cell)), attribute & 0xf, attribute >> 4, (attribute & 0x80) != 0);
    }

    /** Returns the cursor's row; empty if the cursor is hidden or not on the screen. */
    public OptionalInt cursorRow() {
        return cursor < CELLS ? OptionalInt.of(cursor / COLUMNS) : OptionalInt.empty();
    }

    /** Returns the cursor's column; empty if the cursor is hidden or not on the screen. */
    public OptionalInt cursorColumn() {
        return cursor < CELLS ? OptionalInt.of(cursor % COLUMNS) : OptionalInt.empty();
    }

    /** Returns whether there is nothing to see: no cell has any character but blanks, and no picture is shown. */
    public boolean isBlank() {
        return framebuffer.isEmpty() && !hasText();
    }

    /** Returns a PNG file of {@link #picture}. */
    public byte[] toPng() {
        return framebuffer.map(Picture::toPng).orElseGet(() -> ScreenImage.png(this));
    }

    private int code(int cell) {
        return Byte.toUnsignedInt(cells[2 * cell]);
    }

    private static void check(int row, int column) {
        if (row < 0 || row >= ROWS) {
            throw new IllegalArgumentException("row " + row + " is not 0 to " + (ROWS - 1));
        }
        if (column < 0 || column >= COLUMNS) {
            throw new IllegalArgumentException("column " + column + " is not 0 to " + (COLUMNS - 1));
        }
    }

    /** Returns whether the other is a screen that shows the same, cursor, colours and framebuffer included. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Screen screen
                && cursor == screen.cursor
                && Arrays.equals(cells, screen.cells)
                && framebuffer.equals(screen.framebuffer);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(cells) * 31 + cursor;
    }

    /** Returns {@link #text}. */
    @Override
    public String toString() {
        return text();
    }
}
