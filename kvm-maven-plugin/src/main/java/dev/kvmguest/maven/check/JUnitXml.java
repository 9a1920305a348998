package dev.kvmguest.maven.check;

import dev.kvmguest.vmm.report.TextReport;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/** The results of a guest's checks in the XML format of Surefire, which build servers read as JUnit's. */
final class JUnitXml {

    private static final String PREFIX = "kvm.";

    private JUnitXml() {}

    /** Returns the name of the file for a guest's results. */
    static String fileName(String guest) {
        return "TEST-" + PREFIX + guest + ".xml";
    }

    /**
     * Returns the document: a testsuite for the guest, a testcase for each check.
     *
     * @param testCase returns {@link #testCase} of a result
     */
    static String of(String guest, List<CheckResult> results, Function<CheckResult, String> testCase) {
        XmlWriter xml = new XmlWriter();
        Map<String, String> suite = new LinkedHashMap<>();
        suite.put("name", PREFIX + guest);
        suite.put("time", seconds(results.stream().map(CheckResult::time).reduce(Duration.ZERO, Duration::plus)));
        suite.put("tests", Integer.toString(results.size()));
        suite.put("errors", count(results, CheckResult.Verdict.ERROR));
        suite.put("skipped", "0");
        suite.put("failures", count(results, CheckResult.Verdict.FAIL));
        xml.start("testsuite", suite);
        results.forEach(result -> xml.elements(testCase.apply(result)));
        xml.end();
        return xml.document();
    }

    /** Returns the testcase of a check. */
    static String testCase(CheckResult result) {
        XmlWriter xml = XmlWriter.below(1);
        Map<String, String> attributes = new LinkedHashMap<>();
        attributes.put("name", result.check().name());
        attributes.put("classname", PREFIX + result.check().guest());
        attributes.put("time", seconds(result.time()));
        xml.start("testcase", attributes);
        result.error()
                .ifPresent(error ->
                        xml.text("error", problem(result, error.getClass().getName()), details(error)));
        result.outcome().ifPresent(outcome -> {
            if (result.verdict() == CheckResult.Verdict.FAIL) {
                String details = String.join("\n", result.mismatches()) + "\n" + TextReport.brief(outcome);
                xml.text("failure", problem(result, outcome.kind().id()), details);
            }
            xml.text("system-out", Map.of(), outcome.console());
        });
        xml.end();
        return xml.document();
    }

    private static Map<String, String> problem(CheckResult result, String type) {
        Map<String, String> attributes = new LinkedHashMap<>();
        attributes.put("message", result.reason());
        attributes.put("type", type);
        return attributes;
    }

    private static String details(Exception error) {
        if (ErrorText.isExpected(error)) {
            return ErrorText.of(error);
        }
        StringWriter trace = new StringWriter();
        error.printStackTrace(new PrintWriter(trace, true));
        return trace.toString();
    }

    private static String count(List<CheckResult> results, CheckResult.Verdict verdict) {
        return Long.toString(
                results.stream().filter(result -> result.verdict() == verdict).count());
    }

    private static String seconds(Duration time) {
        return String.format(Locale.ROOT, "%.3f", time.toNanos() / 1e9);
    }
}
