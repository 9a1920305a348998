package dev.kvmguest.vmm.internal.report.html;

import java.util.Locale;

/** Pieces of text that several sections of a page have. */
public final class HtmlText {

    /** Enough for any name that a person gave, and little enough for a page with hundreds of them. */
    private static final int NAME_WIDTH = 160;

    private HtmlText() {}

    /** Returns the text, cut if it has more characters than this. */
    public static String cut(String text, int most) {
        return text.codePointCount(0, text.length()) <= most
                ? text
                : text.substring(0, text.offsetByCodePoints(0, most)) + "\u2026";
    }

    /** Returns the name of a function or a file, cut if it is longer than any that a person gave. */
    static String name(String name) {
        return cut(name, NAME_WIDTH);
    }

    /** Returns a size in the largest unit that says it exactly, such as {@code 16 KiB}. */
    static String size(long bytes) {
        if (bytes >= 1 << 20 && bytes % (1 << 20) == 0) {
            return (bytes >> 20) + " MiB";
        }
        if (bytes >= 1 << 10 && bytes % (1 << 10) == 0) {
            return (bytes >> 10) + " KiB";
        }
        return bytes >= 10 << 10
                ? String.format(Locale.ROOT, "%.1f KiB", bytes / 1024.0)
                : bytes + (bytes == 1 ? " byte" : " bytes");
    }

    /** Returns bytes as the ASCII characters that they are, those that are none as dots; empty if none is one. */
    static String ascii(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        boolean any = false;
        for (byte b : bytes) {
            boolean isText = b >= 0x20 && b < 0x7f;
            text.append(isText ? (char) b : '.');
            any |= isText;
        }
        return any ? text.toString() : "";
    }
}
