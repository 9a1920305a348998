package dev.kvmguest.vmm.doctor;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * In what two hosts differ.
 *
 * @param differences what has one value here and another there: first which engine runs a boot mode, then what that may
 *     come from, then the rest
 */
public record HostComparison(List<Difference> differences) {

    /**
     * Something that differs.
     *
     * @param section the heading of its section
     * @param name its name
     * @param here the value of the report that was compared; empty if it has none
     * @param there the value of the other report; empty if it has none
     * @param matters why it matters for the boot modes, as a sentence; empty if it doesn't
     */
    public record Difference(
            String section, String name, Optional<String> here, Optional<String> there, Optional<String> matters) {}

    /** How much faster one host is than the other for it to be a difference. */
    private static final double FACTOR = 4;

    /** A list of words, of which those that both have are not repeated. */
    private static final String LIST = "flags";

    private static final String SAME_ENGINE = "the engine is the same, and the reason for it is not";

    /** In a reason for the emulator; no two measurements are alike. */
    private static final String MEASURED = "[0-9]+(\\.[0-9]+)? million instructions";

    /** A difference, and whether guests in some boot mode run on another engine by it. */
    private record Ranked(Difference difference, boolean otherEngine) {

        int rank() {
            return otherEngine ? 0 : difference.matters().isPresent() ? 1 : 2;
        }
    }

    public HostComparison {
        differences = List.copyOf(differences);
    }

    static HostComparison of(HostReport here, HostReport there) {
        Set<String> ids = new LinkedHashSet<>();
        here.sections().forEach(section -> ids.add(section.id()));
        there.sections().forEach(section -> ids.add(section.id()));
        List<Ranked> found = new ArrayList<>();
        for (String id : ids) {
            found.addAll(compare(id, here.section(id), there.section(id)));
        }
        return new HostComparison(found.stream()
                .sorted(Comparator.comparingInt(Ranked::rank))
                .map(Ranked::difference)
                .toList());
    }

    private static List<Ranked> compare(String id, Optional<HostSection> here, Optional<HostSection> there) {
        Map<String, Object> ours = here.map(HostSection::values).orElse(Map.of());
        Map<String, Object> theirs = there.map(HostSection::values).orElse(Map.of());
        String title = here.or(() -> there).orElseThrow().title();
        if (ours.isEmpty() != theirs.isEmpty()) {
            return List.of(new Ranked(
                    new Difference(title, "all of it", count(ours), count(theirs), Relevance.of(id, "")), false));
        }
        Map<String, Object> all = new LinkedHashMap<>(ours);
        theirs.forEach(all::putIfAbsent);
        List<Ranked> found = new ArrayList<>();
        for (String name : all.keySet()) {
            Object our = ours.get(name);
            Object their = theirs.get(name);
            if (!isSame(id, our, their)) {
                boolean bootMode = id.equals(HostReport.BOOT_MODES);
                boolean otherEngine = bootMode && !engine(our).equals(engine(their));
                Optional<String> matters = bootMode && !otherEngine ? Optional.of(SAME_ENGINE) : Relevance.of(id, name);
                found.add(new Ranked(
                        new Difference(title, name, words(id, name, our, their), words(id, name, their, our), matters),
                        otherEngine));
            }
        }
        return found;
    }

    private static Optional<String> count(Map<String, Object> values) {
        return values.isEmpty() ? Optional.empty() : Optional.of(values.size() + " values");
    }

    private static boolean isSame(String section, Object our, Object their) {
        if (section.equals(HostReport.SPEED) && our instanceof Long a && their instanceof Long b) {
            return Math.max(a, b) < FACTOR * Math.min(a, b);
        }
        if (our instanceof String a && their instanceof String b) {
            return a.replaceAll(MEASURED, "").equals(b.replaceAll(MEASURED, ""));
        }
        return Objects.equals(our, their);
    }

    /** Returns the engine in a value of the boot modes, which its reason follows. */
    private static String engine(Object value) {
        return value == null ? "" : value.toString().replaceFirst(":.*", "");
    }

    private static Optional<String> words(String section, String name, Object value, Object other) {
        if (name.equals(LIST) && value instanceof String list && other instanceof String others) {
            Set<String> more = new LinkedHashSet<>(List.of(list.split(" ")));
            if (more.removeAll(List.of(others.split(" ")))) {
                return Optional.of(more.isEmpty() ? "nothing that the other lacks" : "also " + String.join(" ", more));
            }
        }
        return value == null ? Optional.empty() : Optional.of(HostReportText.words(section, value));
    }

    /** Returns the differences for people, lines ended by LF; if there are none, it says so. */
    public String text() {
        if (differences.isEmpty()) {
            return "nothing differs between this host and the other\n";
        }
        long important =
                differences.stream().filter(one -> one.matters().isPresent()).count();
        StringBuilder text =
                new StringBuilder(differences.size() == 1 ? "1 difference" : differences.size() + " differences");
        text.append(" between this host and the other; ")
                .append(important == 0 ? "none matters" : important == 1 ? "1 matters" : important + " matter")
                .append(" for the boot modes\n");
        String section = "";
        for (Difference difference : differences) {
            String heading = difference.section()
                    + (difference.matters().isPresent() ? "" : " (of no effect on the boot modes)");
            if (!heading.equals(section)) {
                HostReportText.wrap(text, "", "  ", heading);
                section = heading;
            }
            String ours = difference.here().orElse("nothing");
            String theirs = difference.there().orElse("nothing");
            if (difference.matters().isEmpty()) {
                HostReportText.wrap(
                        text, "  ", "      ", difference.name() + ": " + ours + " here, " + theirs + " there");
                continue;
            }
            HostReportText.wrap(text, "  ", "    ", difference.name());
            HostReportText.wrap(text, "    here:  ", "           ", ours);
            HostReportText.wrap(text, "    there: ", "           ", theirs);
            HostReportText.wrap(
                    text,
                    "    ",
                    "      ",
                    "why it matters: " + difference.matters().get());
        }
        return text.toString();
    }
}
