package dev.kvmguest.vmm;

import dev.kvmguest.vmm.outcome.Screen;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/** Screens for tests. */
public final class Screens {

    private Screens() {}

    /** Returns a screen with these lines, grey on black, characters as their codes in code page 437, and no cursor. */
    public static Screen of(String... lines) {
        byte[] cells = new byte[2 * Screen.COLUMNS * lines.length];
        for (int row = 0; row < lines.length; row++) {
            byte[] codes = lines[row].getBytes(StandardCharsets.ISO_8859_1);
            for (int column = 0; column < codes.length; column++) {
                int cell = row * Screen.COLUMNS + column;
                cells[2 * cell] = codes[column];
                cells[2 * cell + 1] = 0x07;
            }
        }
        return Screen.of(cells, OptionalInt.empty());
    }
}
