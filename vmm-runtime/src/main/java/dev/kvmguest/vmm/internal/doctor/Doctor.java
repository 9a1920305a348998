package dev.kvmguest.vmm.internal.doctor;

import dev.kvmguest.vmm.doctor.HostProblem;
import dev.kvmguest.vmm.doctor.HostReport;
import dev.kvmguest.vmm.doctor.HostSection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** Examines a host. */
public final class Doctor {

    /** The folder of a user, which messages of the system may have in them. */
    private static final Pattern HOME =
            Pattern.compile("(/home/|/Users/|[A-Za-z]:\\\\Users\\\\)[^/\\\\:\\s]+|/root\\b");

    private Doctor() {}

    /** Returns what a host can do for guests. */
    public static HostReport examine(HostSources sources) {
        HostFacts facts = HostFacts.gather(sources);
        return new HostReport(
                Problems.of(facts).stream().map(Doctor::anonymous).toList(),
                HostSections.of(facts).stream().map(Doctor::anonymous).toList());
    }

    private static HostProblem anonymous(HostProblem problem) {
        return new HostProblem(problem.kind(), anonymous(problem.what()), anonymous(problem.wayOut()));
    }

    private static HostSection anonymous(HostSection section) {
        Map<String, Object> values = new LinkedHashMap<>();
        section.values()
                .forEach((name, value) -> values.put(name, value instanceof String text ? anonymous(text) : value));
        return new HostSection(section.id(), section.title(), values);
    }

    private static String anonymous(String text) {
        return HOME.matcher(text).replaceAll("~");
    }
}
