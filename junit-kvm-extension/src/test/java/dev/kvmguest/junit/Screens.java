package dev.kvmguest.junit;

import dev.kvmguest.vmm.outcome.Screen;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/** Screens for tests of what is said about them. */
final class Screens {

    private Screens() {}

    /** Returns a screen with these lines in yellow on blue, and the cursor in a cell, or none. */
    static Screen of(OptionalInt cursor, String... lines) {
        byte[] cells = new byte[2 * Screen.COLUMNS * lines.length];
        for (int row = 0; row < lines.length; row++) {
            byte[] text = lines[row].getBytes(StandardCharsets.US_ASCII);
            for (int column = 0; column < text.length; column++) {
                int cell = row * Screen.COLUMNS + column;
                cells[2 * cell] = text[column];
                cells[2 * cell + 1] = 0x1e;
            }
        }
        return Screen.of(cells, cursor);
    }
}
