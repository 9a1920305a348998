package dev.kvmguest.maven;

/** The escapes in typed input and in the texts of ports, the same in POMs and on command lines. */
final class Escapes {

    private static final String KNOWN = "\\n, \\r, \\t, \\e (escape), \\\\ and \\x00 to \\x7f";

    private Escapes() {}

    /**
     * Returns the text with every escape replaced by its character.
     *
     * @throws IllegalArgumentException if an escape is unknown or cut off
     */
    static String resolve(String text) {
        StringBuilder resolved = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\\') {
                resolved.append(c);
                continue;
            }
            i++;
            if (i < text.length() && text.charAt(i) == 'x') {
                resolved.append(hexadecimal(text, i + 1));
                i += 2;
            } else {
                resolved.append(single(text, i));
            }
        }
        return resolved.toString();
    }

    private static char single(String text, int at) {
        char name = at < text.length() ? text.charAt(at) : 0;
        return switch (name) {
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'e' -> '\u001b';
            case '\\' -> '\\';
            default -> throw unknown(text);
        };
    }

    /** Two digits only, and ASCII only, for which the character and the byte that the guest reads are the same. */
    private static char hexadecimal(String text, int at) {
        int high = at + 1 < text.length() ? Character.digit(text.charAt(at), 16) : -1;
        int low = at + 1 < text.length() ? Character.digit(text.charAt(at + 1), 16) : -1;
        if (high < 0 || low < 0 || high > 7) {
            throw unknown(text);
        }
        return (char) (high << 4 | low);
    }

    private static IllegalArgumentException unknown(String text) {
        return new IllegalArgumentException(
                "\"" + text + "\" has a backslash that starts no known escape; these are known: " + KNOWN);
    }
}
