package dev.kvmguest.vmm.report;

import dev.kvmguest.vmm.internal.report.json.FaultJson;
import dev.kvmguest.vmm.internal.report.json.InspectionJson;
import dev.kvmguest.vmm.internal.report.json.JsonWriter;
import dev.kvmguest.vmm.internal.report.json.StandstillJson;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.GuestTestResult;
import dev.kvmguest.vmm.outcome.GuestTestResult.Failure;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Picture;
import dev.kvmguest.vmm.text.Notation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A run as one JSON object. {@code format} is the version of its form, {@value #FORMAT}. It grows when a key goes or
 * changes its meaning or type; new keys don't change it. Every key is always there; unknown values are null.
 * {@code mismatches} is null if the run was compared with nothing, {@code registers} if the engine lost them,
 * {@code instructions} if it doesn't count them, {@code screen} if it has no text, {@code framebuffer} if nothing was
 * drawn into one, {@code origin} if the end came from no
 * exception that a handler took, {@code fault} if the guest didn't triple-fault, {@code standstill} if it didn't hang
 * or halt, {@code inspection} after a normal end, {@code exceptions} if they were not watched; {@code taken} is empty
 * if no handler was entered, or nobody has seen it.
 */
public final class JsonReport {

    /** The version of the form of these reports. */
    static final int FORMAT = 1;

    private JsonReport() {}

    /** Returns the report of one vCPU's run that was compared with nothing. */
    public static String of(Outcome outcome) {
        return of(List.of(outcome));
    }

    /** Returns the report of one vCPU's run, and in what it is not as expected. */
    public static String of(Outcome outcome, List<Mismatch> mismatches) {
        return of(List.of(outcome), run -> mismatches);
    }

    /** Returns the report of a machine with several vCPUs: an object whose {@code vcpus} are what each did. */
    public static String of(List<Outcome> outcomes) {
        return of(outcomes, outcome -> null);
    }

    /**
     * Returns the report of a machine with several vCPUs likewise.
     *
     * @param mismatches returns in what a vCPU's run is not as expected; null if it was compared with nothing
     */
    public static String of(List<Outcome> outcomes, Function<Outcome, List<Mismatch>> mismatches) {
        Map<String, Object> report = report();
        if (outcomes.size() == 1) {
            report.putAll(object(outcomes.get(0), mismatches.apply(outcomes.get(0))));
        } else {
            report.put(
                    "vcpus",
                    outcomes.stream()
                            .map(outcome -> object(outcome, mismatches.apply(outcome)))
                            .toList());
        }
        return JsonWriter.write(report);
    }

    private static Map<String, Object> report() {
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("format", FORMAT);
        return report;
    }

    /**
     * Returns the report of a guest that no engine of this host can run: its outcome is {@code unsupported}, and
     * {@code engineReason} says why.
     */
    public static String ofRefusal(String guest, String reason) {
        Map<String, Object> object = report();
        object.put("outcome", Outcome.Kind.UNSUPPORTED.id());
        object.put("exitCode", null);
        object.put("provedAfterMillis", null);
        object.put("guest", guest);
        object.put("boot", null);
        object.put("vcpu", null);
        object.put("description", "was not run");
        object.put("mismatches", null);
        object.put("engine", null);
        object.put("engineReason", reason);
        object.put("console", "");
        object.put("screen", null);
        object.put("framebuffer", null);
        object.put("ports", Map.of());
        object.put("unclaimedPorts", List.of());
        object.put("unclaimedMemory", List.of());
        object.put("warnings", List.of());
        object.put("instructions", null);
        object.put("wallMillis", null);
        object.put("registers", null);
        object.put("guestTest", null);
        object.put("taken", List.of());
        object.put("exceptions", null);
        object.put("standstill", null);
        object.put("inspection", null);
        object.put("origin", null);
        object.put("fault", null);
        FaultJson.putParting(object, Optional.empty());
        return JsonWriter.write(object);
    }

    private static Map<String, Object> object(Outcome outcome, List<Mismatch> mismatches) {
        GuestRun run = outcome.run();
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("outcome", outcome.kind().id());
        object.put(
                "exitCode", outcome.exitCode().isPresent() ? outcome.exitCode().getAsInt() : null);
        object.put(
                "provedAfterMillis",
                outcome instanceof Outcome.TimedOut hung
                        ? hung.provedAfter().map(Duration::toMillis).orElse(null)
                        : null);
        object.put("guest", run.guest());
        object.put("boot", run.boot().id());
        object.put("vcpu", run.vcpu());
        object.put("description", outcome.describe());
        object.put(
                "mismatches",
                mismatches == null
                        ? null
                        : mismatches.stream().map(Mismatch::sentence).toList());
        object.put("engine", run.engine());
        object.put("engineReason", run.engineReason());
        object.put("console", run.console());
        object.put("screen", run.screen().hasText() ? run.screen().text() : null);
        object.put(
                "framebuffer", run.screen().framebuffer().map(JsonReport::size).orElse(null));
        Map<String, Object> ports = new LinkedHashMap<>();
        run.ports()
                .forEach((port, bytes) ->
                        ports.put(Notation.hex(port), Base64.getEncoder().encodeToString(bytes)));
        object.put("ports", ports);
        object.put("unclaimedPorts", hex(run.unclaimedPorts().stream().map(Integer::longValue)));
        object.put("unclaimedMemory", hex(run.unclaimedMemory().stream()));
        object.put(
                "warnings",
                Stream.concat(run.layout().warnings().stream(), outcome.warnings().stream())
                        .toList());
        object.put(
                "instructions",
                run.instructions().isPresent() ? run.instructions().getAsLong() : null);
        object.put("wallMillis", run.wallMillis());
        object.put("registers", run.registers().map(FaultJson::registers).orElse(null));
        object.put("guestTest", run.guestTest().map(JsonReport::guestTest).orElse(null));
        object.put(
                "taken", run.diagnosis().taken().stream().map(FaultJson::taken).toList());
        object.put(
                "exceptions",
                run.diagnosis()
                        .exceptions()
                        .map(taken -> taken.stream().map(FaultJson::exception).toList())
                        .orElse(null));
        object.put(
                "standstill",
                run.diagnosis().standstill().map(StandstillJson::object).orElse(null));
        object.put(
                "inspection",
                run.diagnosis().inspection().map(InspectionJson::object).orElse(null));
        object.put("origin", run.diagnosis().origin().map(FaultJson::origin).orElse(null));
        object.put("fault", outcome.fault().map(FaultJson::object).orElse(null));
        FaultJson.putParting(object, run.diagnosis().parting());
        return object;
    }

    private static Map<String, Object> size(Picture picture) {
        Map<String, Object> size = new LinkedHashMap<>();
        size.put("width", picture.width());
        size.put("height", picture.height());
        return size;
    }

    private static Map<String, Object> guestTest(GuestTestResult result) {
        Map<String, Object> test = new LinkedHashMap<>();
        test.put("name", result.test().name());
        test.put("status", result.status().id());
        test.put("file", result.failure().map(Failure::file).orElse(null));
        test.put("line", result.failure().map(Failure::line).orElse(null));
        test.put("message", result.failure().map(Failure::message).orElse(null));
        return test;
    }

    private static List<String> hex(Stream<Long> numbers) {
        List<String> list = new ArrayList<>();
        numbers.forEach(number -> list.add(Notation.hex(number)));
        return list;
    }
}
