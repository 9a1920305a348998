package dev.kvmguest.maven.check;

import dev.kvmguest.maven.check.CheckResult.Verdict;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The points of a build's checks, as comma-separated values (RFC 4180, lines ended by LF). */
final class PointsTable {

    static final String FILE_NAME = "points.csv";

    private static final String HEADER = "guest,check,points,of,verdict\n";

    private PointsTable() {}

    /** Returns whether a check of the build is worth points. */
    static boolean hasPoints(Summary summary) {
        return summary.entries().stream().anyMatch(entry -> entry.points().isPresent());
    }

    /** Returns the table: a line for each check, and a line with the total after those of a guest. */
    static String of(Summary summary) {
        StringBuilder csv = new StringBuilder(HEADER);
        byGuest(summary).forEach((guest, entries) -> {
            entries.forEach(entry -> line(csv, guest, entry.check(), entry.earned(), of(entry), entry.verdict()));
            line(csv, guest, "total", earned(entries), possible(entries), worst(entries));
        });
        return csv.toString();
    }

    /** Returns the totals, a line for each guest. */
    static String totals(Summary summary) {
        Map<String, List<Summary.Entry>> guests = byGuest(summary);
        int width = guests.keySet().stream().mapToInt(String::length).max().orElse(0);
        return guests.entrySet().stream()
                .map(guest -> "\n  " + guest.getKey()
                        + " ".repeat(width - guest.getKey().length()) + "  " + Points.text(earned(guest.getValue()))
                        + " of " + Points.text(possible(guest.getValue())))
                .collect(Collectors.joining("", "Points:", ""));
    }

    private static Map<String, List<Summary.Entry>> byGuest(Summary summary) {
        return summary.entries().stream()
                .collect(Collectors.groupingBy(Summary.Entry::guest, LinkedHashMap::new, Collectors.toList()));
    }

    private static BigDecimal earned(List<Summary.Entry> entries) {
        return entries.stream().map(Summary.Entry::earned).reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    private static BigDecimal possible(List<Summary.Entry> entries) {
        return entries.stream().map(PointsTable::of).reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    private static BigDecimal of(Summary.Entry entry) {
        return entry.points().orElse(BigDecimal.ZERO);
    }

    /** A guest that could not be run is worse off than one that failed: nothing is known of it. */
    private static Verdict worst(List<Summary.Entry> entries) {
        return entries.stream().map(Summary.Entry::verdict).max(Enum::compareTo).orElseThrow();
    }

    private static void line(
            StringBuilder csv, String guest, String check, BigDecimal points, BigDecimal of, Verdict verdict) {
        List<String> fields =
                new ArrayList<>(List.of(guest, check, Points.text(points), Points.text(of), verdict.name()));
        csv.append(fields.stream().map(PointsTable::field).collect(Collectors.joining(",")))
                .append('\n');
    }

    private static String field(String text) {
        return text.matches("[^,\"\r\n]*") ? text : '"' + text.replace("\"", "\"\"") + '"';
    }
}
