package dev.kvmguest.vmm.doctor;

import dev.kvmguest.vmm.internal.report.text.PrintableText;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** A host's report for people. */
final class HostReportText {

    private static final int WIDTH = 120;
    private static final int NAME_WIDTH = 44;

    /** A report that was read can have anything in it; this host's longest value is its processor's flags. */
    private static final int LONGEST_VALUE = 20_000;

    /** These have dozens of short values, of which only a few are looked for. */
    private static final Set<String> SEVERAL_IN_A_LINE = Set.of(HostReport.CAPABILITIES, HostReport.MODULE_PARAMETERS);

    private HostReportText() {}

    static String of(HostReport report) {
        StringBuilder text = new StringBuilder(headline(report)).append('\n');
        for (HostProblem problem : report.problems()) {
            wrap(text, "  ", "    ", problem.kind().id() + ": " + problem.what());
            wrap(text, "    ", "      ", "way out: " + problem.wayOut());
        }
        for (HostSection section : report.sections()) {
            text.append(printable(section.title())).append('\n');
            if (section.values().isEmpty()) {
                text.append("  nothing\n");
            } else if (SEVERAL_IN_A_LINE.contains(section.id())) {
                wrap(text, "  ", "  ", several(section));
            } else {
                values(text, section);
            }
        }
        return text.toString();
    }

    private static String headline(HostReport report) {
        List<String> counts = List.of(
                count(report, HostProblem.Kind.PROBLEM, "problem", "problems"),
                count(report, HostProblem.Kind.REMARK, "remark", "remarks"));
        return "what this host can do for guests: " + String.join(", ", counts);
    }

    private static String count(HostReport report, HostProblem.Kind kind, String one, String many) {
        long count = report.problems().stream()
                .filter(problem -> problem.kind() == kind)
                .count();
        return count == 0 ? "no " + many : count + " " + (count == 1 ? one : many);
    }

    private static String several(HostSection section) {
        return section.values().entrySet().stream()
                .map(entry -> entry.getValue().equals(1L)
                        ? entry.getKey()
                        : entry.getKey() + "=" + (entry.getValue().equals("") ? "\"\"" : entry.getValue()))
                .collect(Collectors.joining(", "));
    }

    private static void values(StringBuilder text, HostSection section) {
        int width = section.values().keySet().stream()
                .mapToInt(String::length)
                .filter(length -> length <= NAME_WIDTH)
                .max()
                .orElse(NAME_WIDTH);
        for (Map.Entry<String, Object> entry : section.values().entrySet()) {
            String name = String.format(Locale.ROOT, "%-" + width + "s", entry.getKey());
            wrap(text, "  ", "      ", name + "  " + words(section.id(), entry.getValue()));
        }
    }

    /** Returns a value as people read it. */
    static String words(String section, Object value) {
        return section.equals(HostReport.SPEED) && value instanceof Long speed
                ? String.format(Locale.ROOT, "%.1f million instructions a second", speed / 1e6)
                : value.toString();
    }

    /** Appends a text in lines that fit; control characters are escaped, since a report may come from elsewhere. */
    static void wrap(StringBuilder text, String indentation, String further, String sentence) {
        String rest = printable(sentence);
        String indent = indentation;
        while (indent.length() + rest.length() > WIDTH) {
            int room = WIDTH - indent.length();
            int space = rest.lastIndexOf(' ', room);
            int end = space > 0 ? space : room;
            text.append(indent).append(rest.substring(0, end).stripTrailing()).append('\n');
            rest = rest.substring(end).stripLeading();
            indent = further;
        }
        text.append(indent).append(rest).append('\n');
    }

    private static String printable(String text) {
        return PrintableText.printable(text, LONGEST_VALUE);
    }
}
