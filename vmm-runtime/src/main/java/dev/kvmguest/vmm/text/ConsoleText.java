package dev.kvmguest.vmm.text;

/** How a console's text is compared and put into messages. */
public final class ConsoleText {

    private static final int TAIL = 400;

    private ConsoleText() {}

    /** Returns the text with every CR LF made an LF, because serial consoles write both. */
    public static String withoutCarriageReturns(String text) {
        return text.replace("\r\n", "\n");
    }

    /** Returns the last 400 characters, marked as such if there are more. */
    public static String tail(String text) {
        return text.length() <= TAIL ? text : "..." + text.substring(text.length() - TAIL);
    }

    /** Returns the text in quotes, in one line; what a guest wrote must not move the cursor of whoever reads it. */
    public static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        text.chars().forEach(c -> {
            switch (c) {
                case '\n' -> quoted.append("\\n");
                case '\r' -> quoted.append("\\r");
                case '\t' -> quoted.append('\t');
                default ->
                    quoted.append(Character.isISOControl(c) ? String.format("\\x%02x", c) : Character.toString(c));
            }
        });
        return quoted.append('"').toString();
    }
}
