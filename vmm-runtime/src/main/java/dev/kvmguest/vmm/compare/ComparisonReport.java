package dev.kvmguest.vmm.compare;

import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.internal.report.json.FaultJson;
import dev.kvmguest.vmm.internal.report.json.JsonWriter;
import dev.kvmguest.vmm.internal.report.text.FaultText;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.HtmlReport;
import dev.kvmguest.vmm.report.TextReport;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Writes a comparison as text, as JSON and as a page. */
final class ComparisonReport {

    /** The version of the JSON form: it grows when a reader of the one before would go wrong. */
    private static final int FORMAT = 1;

    private static final List<String> HEADINGS = List.of("engine", "boot", "outcome", "exit code", "console", "time");

    private ComparisonReport() {}

    static String text(GuestComparison comparison) {
        List<List<String>> rows = new ArrayList<>(List.of(HEADINGS));
        comparison.runs().forEach(run -> rows.add(row(run)));
        int[] widths = new int[HEADINGS.size()];
        for (List<String> row : rows) {
            for (int i = 0; i < row.size() - 1; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        StringBuilder text = new StringBuilder();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < row.size(); i++) {
                line.append(row.get(i));
                if (i < row.size() - 1) {
                    line.append(" ".repeat(widths[i] - row.get(i).length() + 2));
                }
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
        text.append(verdict(comparison)).append('\n');
        for (Parting difference : comparison.differences()) {
            text.append("  ").append(difference.sentence()).append('\n');
            text.append(FaultText.parting(difference, "    "));
        }
        comparison.runs().forEach(run -> run.refusal().ifPresent(why -> text.append("  not run on ")
                .append(run.name())
                .append(": ")
                .append(why)
                .append('\n')));
        return text.toString();
    }

    private static String verdict(GuestComparison comparison) {
        return "guest " + comparison.guest() + ": the engines "
                + (comparison.enginesAgree() ? "agree" : "do not agree");
    }

    private static List<String> row(ComparedRun run) {
        if (run.outcome().isEmpty()) {
            return List.of(run.engine().id(), run.boot().id(), "not run", "", "", "");
        }
        Outcome outcome = run.outcome().get();
        return List.of(
                run.engine().id(),
                run.boot().id(),
                outcome.kind().id() + cause(outcome),
                outcome.exitCode().isPresent()
                        ? String.valueOf(outcome.exitCode().getAsInt())
                        : "",
                outcome.run().consoleBytes().length + " bytes",
                String.format(Locale.ROOT, "%.1f ms", outcome.run().wallMillis()));
    }

    private static String cause(Outcome outcome) {
        return outcome.fault()
                .map(fault -> ", " + fault.first().name() + " at "
                        + fault.at().symbol().orElse(fault.registers().instructionPointer()))
                .orElse("");
    }

    static String json(GuestComparison comparison) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("format", FORMAT);
        object.put("guest", comparison.guest());
        object.put("agree", comparison.enginesAgree());
        object.put("disagreements", comparison.disagreements());
        object.put(
                "runs", comparison.runs().stream().map(ComparisonReport::object).toList());
        return JsonWriter.write(object);
    }

    private static Map<String, Object> object(ComparedRun run) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("engine", run.engine().id());
        object.put("boot", run.boot().id());
        object.put("refusal", run.refusal().orElse(null));
        Outcome outcome = run.outcome().orElse(null);
        object.put("outcome", outcome == null ? null : outcome.kind().id());
        object.put(
                "exitCode",
                outcome == null || outcome.exitCode().isEmpty()
                        ? null
                        : outcome.exitCode().getAsInt());
        object.put("description", outcome == null ? null : TextReport.line(outcome));
        object.put("console", outcome == null ? null : outcome.console());
        object.put("wallMillis", outcome == null ? null : outcome.run().wallMillis());
        object.put(
                "instructions",
                outcome == null || outcome.run().instructions().isEmpty()
                        ? null
                        : outcome.run().instructions().getAsLong());
        FaultJson.putParting(
                object, run.outcome().flatMap(made -> made.run().diagnosis().parting()));
        return object;
    }

    static String html(GuestComparison comparison) {
        Map<String, String> reports = new LinkedHashMap<>();
        List<String> notes = new ArrayList<>();
        for (ComparedRun run : comparison.runs()) {
            run.outcome().ifPresent(outcome -> reports.put(run.name(), TextReport.whole(outcome)));
            run.refusal().ifPresent(why -> notes.add("not run on " + run.name() + ": " + why));
        }
        return HtmlReport.ofComparison(
                verdict(comparison),
                comparison.differences(),
                HEADINGS,
                comparison.runs().stream().map(ComparisonReport::row).toList(),
                notes,
                reports);
    }
}
