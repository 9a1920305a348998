package dev.kvmguest.vmm.internal.report.text;

import dev.kvmguest.vmm.text.ConsoleText;

/** What a guest wrote or is called, made safe for a line of a report. */
public final class PrintableText {

    private PrintableText() {}

    /**
     * Keeps a guest from moving the reader's cursor or flooding the report with one line: what is longer than
     * {@code width} characters, escapes included, is cut.
     */
    public static String printable(String line, int width) {
        StringBuilder text = new StringBuilder();
        int used = 0;
        for (int i = 0; i < line.length(); ) {
            int c = line.codePointAt(i);
            String shown = Character.isISOControl(c) && c != '\t' ? ConsoleText.escaped(c) : Character.toString(c);
            used += shown.codePointCount(0, shown.length());
            if (used > width) {
                return text.append("...").toString();
            }
            text.append(shown);
            i += Character.charCount(c);
        }
        return text.toString();
    }
}
