package dev.kvmguest.vmm.outcome;

/**
 * The text of a screen as a picture, 640 by 400 dots in the 16 colours of a VGA. It needs no java.desktop and no fonts
 * of the host.
 */
public final class ScreenImage {

    private static final int WIDTH = Screen.COLUMNS * ScreenFont.WIDTH;
    private static final int HEIGHT = Screen.ROWS * ScreenFont.HEIGHT;

    /** The cursor's scan lines, as firmware leaves them. */
    private static final int CURSOR_TOP = 13;

    private static final int CURSOR_BOTTOM = 14;

    /** Red, green and blue of the attribute's colours, as firmware loads the palette. */
    private static final int[] COLORS = {
        0x000000, 0x0000aa, 0x00aa00, 0x00aaaa, 0xaa0000, 0xaa00aa, 0xaa5500, 0xaaaaaa,
        0x555555, 0x5555ff, 0x55ff55, 0x55ffff, 0xff5555, 0xff55ff, 0xffff55, 0xffffff
    };

    private ScreenImage() {}

    /** Returns the bytes of a PNG file. Blinking characters are shown, and the backgrounds 8 to 15 are bright. */
    public static byte[] png(Screen screen) {
        return PngWriter.write(WIDTH, HEIGHT, dots(screen), COLORS);
    }

    /** Returns the same picture as its pixels. */
    static Picture picture(Screen screen) {
        byte[] dots = dots(screen);
        return Picture.of(WIDTH, HEIGHT, (x, y) -> COLORS[dots[y * WIDTH + x]]);
    }

    /** Returns the colour of each dot, line by line. */
    private static byte[] dots(Screen screen) {
        byte[] dots = new byte[WIDTH * HEIGHT];
        for (int row = 0; row < Screen.ROWS; row++) {
            for (int column = 0; column < Screen.COLUMNS; column++) {
                boolean cursor = screen.cursorRow().orElse(-1) == row
                        && screen.cursorColumn().orElse(-1) == column;
                draw(screen.cell(row, column), cursor, dots, row, column);
            }
        }
        return dots;
    }

    private static void draw(Screen.Cell cell, boolean cursor, byte[] dots, int row, int column) {
        for (int y = 0; y < ScreenFont.HEIGHT; y++) {
            boolean inCursor = cursor && y >= CURSOR_TOP && y <= CURSOR_BOTTOM;
            int line = (row * ScreenFont.HEIGHT + y) * WIDTH + column * ScreenFont.WIDTH;
            for (int x = 0; x < ScreenFont.WIDTH; x++) {
                boolean dot = inCursor || ScreenFont.instance().hasDot(cell.code(), x, y);
                dots[line + x] = (byte) (dot ? cell.foreground() : cell.background());
            }
        }
    }
}
