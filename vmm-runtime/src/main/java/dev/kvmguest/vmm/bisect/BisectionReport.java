package dev.kvmguest.vmm.bisect;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.bisect.BisectionResult.Change;
import dev.kvmguest.vmm.bisect.BisectionResult.Method;
import dev.kvmguest.vmm.bisect.BisectionResult.Part;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.report.json.JsonWriter;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Writes the result of a bisection as text and as JSON. */
public final class BisectionReport {

    /** The version of the JSON form: it grows when a reader of the one before would go wrong. */
    public static final int FORMAT = 1;

    private static final int MOST_CHANGES = 16;
    private static final int MOST_REFUSALS = 20;

    private BisectionReport() {}

    /** Returns the result in words, lines ended by LF. */
    public static String text(BisectionResult result) {
        StringBuilder text = new StringBuilder();
        text.append(headline(result)).append('\n');
        for (Part part : result.parts()) {
            text.append("  ").append(part(part, result.method())).append('\n');
            part.changes().stream().limit(MOST_CHANGES).forEach(change -> text.append("    ")
                    .append(change(change))
                    .append('\n'));
            int more = part.changes().size() - MOST_CHANGES;
            if (more > 0) {
                text.append("    and ").append(more).append(" more\n");
            }
        }
        result.instruction().ifPresent(instruction -> text.append("  it dies at ")
                .append(where(instruction))
                .append(result.sameInstruction() ? ", as " + result.bad() + " does" : "")
                .append('\n'));
        text.append("  ")
                .append(result.good())
                .append(' ')
                .append(end(result.goodOutcome()))
                .append('\n');
        text.append("  ")
                .append(result.bad())
                .append(' ')
                .append(end(result.badOutcome()))
                .append('\n');
        text.append("  ")
                .append(result.good())
                .append(" with ")
                .append(names(result))
                .append(" of ")
                .append(result.bad())
                .append(' ')
                .append(end(result.exchanged()))
                .append('\n');
        result.advice()
                .forEach(sentence -> text.append("  advice: ").append(sentence).append('\n'));
        if (result.othersToo()) {
            text.append("  without that, the rest of what differs flips the result too: mend this, and bisect again\n");
        }
        if (!result.notExchanged().isEmpty()) {
            text.append("  not exchanged, since it isn't certain that a copy does the same:\n");
            text.append(refusals(result.notExchanged())).append('\n');
        }
        text.append(String.format(
                Locale.ROOT,
                "  %d boots in %.1f s; bad is a guest that %s\n",
                result.boots(),
                result.time().toNanos() / 1e9,
                result.predicate()));
        return text.toString();
    }

    /** Returns the first refusals, indented, without a line feed at the end. */
    static String refusals(Collection<String> sentences) {
        String first = sentences.stream()
                .limit(MOST_REFUSALS)
                .map(sentence -> "    " + sentence)
                .collect(Collectors.joining("\n"));
        int more = sentences.size() - MOST_REFUSALS;
        return more > 0 ? first + "\n    and " + more + " more" : first;
    }

    private static String headline(BisectionResult result) {
        int bytes = result.parts().stream().mapToInt(Part::bytes).sum();
        int replaced = result.parts().stream().mapToInt(Part::replaced).sum();
        String what = result.method() == Method.BYTES
                ? bytes(bytes) + " of " + result.bad()
                : bytes(bytes) + " of " + result.bad() + " in place of " + replaced;
        return names(result) + " makes the difference: with " + what + ", " + result.good() + " is bad";
    }

    private static String names(BisectionResult result) {
        return result.parts().stream().map(Part::name).distinct().collect(Collectors.joining(", "));
    }

    private static String part(Part part, Method method) {
        String source = part.source().map(line -> " (" + line + ")").orElse("");
        String bytes =
                method == Method.BYTES ? bytes(part.bytes()) : bytes(part.bytes()) + " in place of " + part.replaced();
        String carried = part.carried().isEmpty() ? "" : ", with " + String.join(", ", part.carried());
        return part.name() + source + " at " + hex(part.address()) + ": " + bytes + carried;
    }

    private static String change(Change change) {
        return hex(change.address()) + ": " + shown(change.good()) + " became " + shown(change.bad())
                + change.bad().source().map(line -> " (" + line + ")").orElse("");
    }

    private static String shown(GuestInstruction instruction) {
        String bytes = HexFormat.ofDelimiter(" ").formatHex(instruction.bytes());
        return instruction.text().isEmpty() ? bytes : instruction.text() + " (" + bytes + ")";
    }

    private static String where(GuestInstruction instruction) {
        return instruction.inWords()
                + instruction.source().map(line -> " (" + line + ")").orElse("");
    }

    private static String end(Outcome outcome) {
        return Criterion.describe(outcome);
    }

    private static String bytes(int count) {
        return count == 1 ? "1 byte" : count + " bytes";
    }

    /** Returns the result as JSON text ended by a line feed. */
    public static String json(BisectionResult result) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("format", FORMAT);
        json.put("good", result.good());
        json.put("bad", result.bad());
        json.put("method", result.method().name().toLowerCase(Locale.ROOT));
        json.put("predicate", result.predicate());
        json.put("parts", result.parts().stream().map(BisectionReport::partJson).toList());
        json.put(
                "instruction",
                result.instruction().map(BisectionReport::instructionJson).orElse(null));
        json.put("sameInstruction", result.sameInstruction());
        json.put("goodOutcome", outcomeJson(result.goodOutcome()));
        json.put("badOutcome", outcomeJson(result.badOutcome()));
        json.put("exchangedOutcome", outcomeJson(result.exchanged()));
        json.put("advice", result.advice());
        json.put("othersToo", result.othersToo());
        json.put("notExchanged", result.notExchanged());
        json.put("boots", result.boots());
        json.put("wallMillis", result.time().toNanos() / 1e6);
        return JsonWriter.write(json);
    }

    private static Map<String, Object> partJson(Part part) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("name", part.name());
        json.put("address", hex(part.address()));
        json.put("source", part.source().orElse(null));
        json.put("bytes", part.bytes());
        json.put("replaced", part.replaced());
        json.put(
                "changes",
                part.changes().stream().map(BisectionReport::changeJson).toList());
        json.put("carried", part.carried());
        return json;
    }

    private static Map<String, Object> changeJson(Change change) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("address", hex(change.address()));
        json.put("good", instructionJson(change.good()));
        json.put("bad", instructionJson(change.bad()));
        return json;
    }

    private static Map<String, Object> instructionJson(GuestInstruction instruction) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("eip", hex(instruction.eip()));
        json.put("bytes", HexFormat.ofDelimiter(" ").formatHex(instruction.bytes()));
        json.put("instruction", instruction.text());
        json.put("symbol", instruction.symbol().orElse(null));
        json.put("source", instruction.source().orElse(null));
        return json;
    }

    private static Map<String, Object> outcomeJson(Outcome outcome) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("outcome", outcome.kind().id());
        json.put("exitCode", outcome.exitCode().isPresent() ? outcome.exitCode().getAsInt() : null);
        json.put("exception", Criterion.exception(outcome).orElse(null));
        json.put("description", Criterion.describe(outcome));
        json.put("engine", outcome.run().engine());
        return json;
    }
}
