package dev.kvmguest.vmm.text;

import java.util.Locale;

/** Console text for comparisons and messages. */
public final class ConsoleText {

    private static final int TAIL = 400;

    private ConsoleText() {}

    /** Returns the text with LF for every CR LF, because serial consoles write both, and for LF CR, as some do. */
    public static String withoutCarriageReturns(String text) {
        return text.replace("\r\n", "\n").replace("\n\r", "\n");
    }

    /** Returns the last 400 characters, with dots in front if there are more. */
    public static String tail(String text) {
        return text.length() <= TAIL ? text : "..." + text.substring(text.length() - TAIL);
    }

    /** Returns the text in quotes, in one line. What a guest wrote must not move the cursor of a reader's terminal. */
    public static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        text.chars().forEach(c -> {
            switch (c) {
                case '\n' -> quoted.append("\\n");
                case '\r' -> quoted.append("\\r");
                case '\t' -> quoted.append('\t');
                default -> quoted.append(Character.isISOControl(c) ? escaped(c) : Character.toString(c));
            }
        });
        return quoted.append('"').toString();
    }

    /**
     * Returns how a character is written that must not be printed as it is, such as {@code \x1b}. Whether it must not
     * is up to the caller: it depends on where it is printed.
     */
    public static String escaped(int codePoint) {
        return String.format(Locale.ROOT, codePoint < 0x100 ? "\\x%02x" : "\\u%04x", codePoint);
    }
}
