package dev.kvmguest.vmm.report;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Colours a {@link TextReport}, or that of a host, for a terminal: the headline red, advice, warnings and problems
 * yellow, addresses before instructions faint. Files, messages of exceptions and pipes get reports without colours.
 *
 * <p>Source: ECMA-48 (1991), 8.3.117, SELECT GRAPHIC RENDITION.
 */
public final class TerminalColors {

    private static final String HEADLINE = "\u001b[1;31m";
    private static final String ADVICE = "\u001b[1;33m";
    private static final String FAINT = "\u001b[2m";
    private static final String NORMAL = "\u001b[m";

    /** Advice, warnings and a host's problems, which begin a line and may continue in lines indented further. */
    private static final Pattern SENTENCE = Pattern.compile("  (advice|warning|problem|remark): .*");

    private static final Pattern CONTINUED = Pattern.compile("    \\S.*");
    private static final Pattern INSTRUCTION = Pattern.compile("(    )([0-9a-f]{4}|[0-9a-f]{8})(  .*)");

    private TerminalColors() {}

    /** Returns a report with colours. Its text stays the same. */
    public static String color(String report) {
        List<String> lines = report.lines().toList();
        boolean inSentence = false;
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            inSentence = SENTENCE.matcher(line).matches()
                    || inSentence && CONTINUED.matcher(line).matches();
            text.append(
                    i == 0 ? HEADLINE + line + NORMAL : inSentence ? ADVICE + line + NORMAL : withFaintAddress(line));
            text.append(i + 1 < lines.size() || report.endsWith("\n") ? "\n" : "");
        }
        return text.toString();
    }

    private static String withFaintAddress(String line) {
        Matcher instruction = INSTRUCTION.matcher(line);
        return instruction.matches()
                ? instruction.group(1) + FAINT + instruction.group(2) + NORMAL + instruction.group(3)
                : line;
    }
}
