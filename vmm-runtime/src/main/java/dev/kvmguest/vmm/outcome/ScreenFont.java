package dev.kvmguest.vmm.outcome;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The glyphs of code page 437, 8 dots wide and 16 high, read from the drawing beside this class. */
final class ScreenFont {

    /** The width of a glyph in dots. */
    static final int WIDTH = 8;
    /** The height of a glyph in dots. */
    static final int HEIGHT = 16;

    private static final String DRAWING = "cp437-8x16.txt";
    private static final int GLYPHS = 256;
    private static final int GLYPHS_BESIDE_EACH_OTHER = 8;

    private static final ScreenFont INSTANCE = new ScreenFont();

    /** A byte for each row of each glyph, its highest bit the leftmost dot. */
    private final byte[] rows = new byte[GLYPHS * HEIGHT];

    private ScreenFont() {
        List<String> lines = lines();
        for (int code = 0; code < GLYPHS; code += GLYPHS_BESIDE_EACH_OTHER) {
            int title = lines.indexOf(String.format("%02x", code));
            for (int row = 0; row < HEIGHT; row++) {
                String[] dots = lines.get(title + 1 + row).split(" ");
                for (int i = 0; i < GLYPHS_BESIDE_EACH_OTHER; i++) {
                    rows[(code + i) * HEIGHT + row] =
                            (byte) Integer.parseInt(dots[i].replace('.', '0').replace('#', '1'), 2);
                }
            }
        }
    }

    private static List<String> lines() {
        try (InputStream in = ScreenFont.class.getResourceAsStream(DRAWING);
                BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
            return reader.lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(DRAWING + " can't be read", e);
        }
    }

    static ScreenFont instance() {
        return INSTANCE;
    }

    /** Returns whether a glyph has a dot; {@code x} counts from the left, {@code y} from the top. */
    boolean hasDot(int code, int x, int y) {
        return (rows[code * HEIGHT + y] << x & 0x80) != 0;
    }
}
