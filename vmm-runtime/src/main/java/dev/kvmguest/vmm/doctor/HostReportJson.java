package dev.kvmguest.vmm.doctor;

import dev.kvmguest.vmm.internal.report.json.JsonReader;
import dev.kvmguest.vmm.internal.report.json.JsonWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A host's report as JSON, written and read. The form is documented in docs/doctor.md. */
final class HostReportJson {

    /** The version of the form. */
    static final long FORMAT = 1;

    /** What tells it from other reports of this project, which have versions of their own. */
    private static final String KIND = "host";

    private HostReportJson() {}

    static String write(HostReport report) {
        Map<String, Object> sections = new LinkedHashMap<>();
        for (HostSection section : report.sections()) {
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("title", section.title());
            object.put("values", section.values());
            sections.put(section.id(), object);
        }
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("format", FORMAT);
        all.put("report", KIND);
        all.put(
                "problems",
                report.problems().stream().map(HostReportJson::problem).toList());
        all.put("sections", sections);
        return JsonWriter.write(all);
    }

    private static Map<String, Object> problem(HostProblem problem) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("kind", problem.kind().id());
        object.put("what", problem.what());
        object.put("wayOut", problem.wayOut());
        return object;
    }

    static HostReport read(String json) {
        Object value = JsonReader.read(json);
        if (!(value instanceof Map<?, ?> all) || !KIND.equals(all.get("report"))) {
            throw new IllegalArgumentException("it is no report of a host; kvm:doctor -Dkvm.report=FILE writes one");
        }
        if (!Long.valueOf(FORMAT).equals(all.get("format"))) {
            throw new IllegalArgumentException(
                    "it is of format " + all.get("format") + ", and this version reads format " + FORMAT
                            + "; make both reports with one version of kvm:doctor");
        }
        requireMembers("the report", all, Set.of("format", "report", "problems", "sections"));
        List<HostProblem> problems = new ArrayList<>();
        for (Object problem : list(all.get("problems"), "problems")) {
            problems.add(readProblem(map(problem, "a problem")));
        }
        List<HostSection> sections = new ArrayList<>();
        for (Map.Entry<?, ?> entry : map(all.get("sections"), "sections").entrySet()) {
            sections.add(readSection((String) entry.getKey(), entry.getValue()));
        }
        return new HostReport(problems, sections);
    }

    private static HostProblem readProblem(Map<?, ?> problem) {
        requireMembers("a problem", problem, Set.of("kind", "what", "wayOut"));
        String id = string(problem.get("kind"), "a problem's kind");
        for (HostProblem.Kind kind : HostProblem.Kind.values()) {
            if (kind.id().equals(id)) {
                return new HostProblem(
                        kind,
                        string(problem.get("what"), "a problem's what"),
                        string(problem.get("wayOut"), "a problem's wayOut"));
            }
        }
        throw new IllegalArgumentException("a problem's kind is \"" + id + "\", and not problem or remark");
    }

    private static HostSection readSection(String id, Object value) {
        String what = "section " + id;
        Map<?, ?> section = map(value, what);
        requireMembers(what, section, Set.of("title", "values"));
        Map<String, Object> values = new LinkedHashMap<>();
        map(section.get("values"), what + ", values").forEach((name, found) -> values.put((String) name, found));
        return new HostSection(id, string(section.get("title"), what + ", title"), values);
    }

    private static void requireMembers(String what, Map<?, ?> object, Set<String> names) {
        if (!object.keySet().equals(names)) {
            throw new IllegalArgumentException(what + " has the members "
                    + object.keySet().stream().sorted().toList() + ", and not "
                    + names.stream().sorted().toList());
        }
    }

    private static Map<?, ?> map(Object value, String what) {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw new IllegalArgumentException(what + " is no object");
    }

    private static List<?> list(Object value, String what) {
        if (value instanceof List<?> list) {
            return list;
        }
        throw new IllegalArgumentException(what + " is no array");
    }

    private static String string(Object value, String what) {
        if (value instanceof String string) {
            return string;
        }
        throw new IllegalArgumentException(what + " is no string");
    }
}
