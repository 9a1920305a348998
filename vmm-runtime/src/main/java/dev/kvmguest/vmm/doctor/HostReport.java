package dev.kvmguest.vmm.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a host can do for guests, and how fast: made to be read, to be pasted into a bug report, and to be compared with
 * that of another host. It names no user, no host and no folder of a user.
 *
 * @param problems what keeps it from doing better, each with a way out; what matters most comes first
 * @param sections what was found out
 */
public record HostReport(List<HostProblem> problems, List<HostSection> sections) {

    /** The section that says which engine runs guests in which boot mode, by the modes' ids. */
    public static final String BOOT_MODES = "boot-modes";

    /** The section that says what the probe guests saw on this host's KVM. */
    public static final String PROBE_GUESTS = "probe-guests";

    /** The section of instructions a second, by engine and boot mode; its values are {@code Long}. */
    public static final String SPEED = "speed";

    /** The section of KVM's capabilities, by their names in {@code linux/kvm.h}; its values are {@code Long}. */
    public static final String CAPABILITIES = "capabilities";

    /** The section of the parameters of KVM's modules, by {@code MODULE.PARAMETER}. */
    public static final String MODULE_PARAMETERS = "module-parameters";

    /** The section of programs found on the PATH, with their versions. */
    public static final String PROGRAMS = "programs";

    public HostReport {
        problems = List.copyOf(problems);
        sections = List.copyOf(sections);
    }

    /** Returns a section by its id; empty if the report has none of this id. */
    public Optional<HostSection> section(String id) {
        return sections.stream().filter(section -> section.id().equals(id)).findFirst();
    }

    /**
     * Returns this report with one more section.
     *
     * @param id the section after which it comes; at the end if the report has none of this id
     * @param section the section
     */
    public HostReport withAfter(String id, HostSection section) {
        List<HostSection> more = new ArrayList<>(sections);
        more.add(section(id).map(sections::indexOf).map(index -> index + 1).orElse(more.size()), section);
        return new HostReport(problems, more);
    }

    /** Returns the report for people: problems first, then the sections; lines ended by LF. */
    public String text() {
        return HostReportText.of(this);
    }

    /** Returns the report for programs; {@link #parse} reads it. */
    public String json() {
        return HostReportJson.write(this);
    }

    /**
     * Reads what {@link #json} has written.
     *
     * @throws IllegalArgumentException if it is damaged, something else, or of another version of the form; the message
     *     says what is wrong, and does not name a file
     */
    public static HostReport parse(String json) {
        return HostReportJson.read(json);
    }

    /**
     * Compares this host with another. Speeds differ if one is four times the other; smaller differences come from
     * whatever else a host does.
     */
    public HostComparison compareWith(HostReport other) {
        return HostComparison.of(this, other);
    }
}
