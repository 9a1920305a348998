package dev.kvmguest.maven.cases;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What a reader must be able to see in a report, in any words: expressions that are found in it, and others that aren't.
 *
 * @param shown expressions for what must be there
 * @param absent expressions for what sends the reader elsewhere
 */
record Facts(List<Pattern> shown, List<Pattern> absent) {

    /** Reads {@code facts.txt}, which says how it is written. */
    static Map<String, Facts> read() throws IOException {
        Map<String, Facts> all = new LinkedHashMap<>();
        try (InputStream in = Facts.class.getResourceAsStream("facts.txt")) {
            Facts current = null;
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                if (line.startsWith("+ ")) {
                    current.shown.add(expression(line));
                } else if (line.startsWith("- ")) {
                    current.absent.add(expression(line));
                } else if (!line.isBlank() && !line.startsWith("#")) {
                    current = new Facts(new ArrayList<>(), new ArrayList<>());
                    all.put(line, current);
                }
            }
        }
        return all;
    }

    private static Pattern expression(String line) {
        return Pattern.compile(line.substring(2), Pattern.CASE_INSENSITIVE);
    }

    /** Returns what a report lacks or has too much, a sentence each. */
    List<String> missedBy(String report) {
        String line = report.replaceAll("\\s+", " ");
        List<String> missed = new ArrayList<>();
        for (Pattern pattern : shown) {
            if (!pattern.matcher(line).find()) {
                missed.add("it doesn't say: " + pattern);
            }
        }
        for (Pattern pattern : absent) {
            if (pattern.matcher(line).find()) {
                missed.add("it says: " + pattern);
            }
        }
        return missed;
    }
}
