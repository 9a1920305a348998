package dev.kvmguest.maven.check;

import dev.kvmguest.maven.check.CheckResult.Verdict;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * What kvm:check leaves for kvm:verify: the verdict of every check of a build.
 *
 * @param build names the build; a summary of another build says nothing of this one
 * @param entries the checks, in the order in which the build ran its executions and the POM has their checks
 * @param complaints what went wrong with reports; the verdicts hold nevertheless
 */
public record Summary(String build, List<Entry> entries, List<Complaint> complaints) {

    /** The summary's file name in the folder of the reports. */
    public static final String FILE_NAME = "kvm-summary.xml";

    /**
     * The verdict on a check.
     *
     * @param execution the id of the plugin's execution that ran it
     * @param guest the guest's id
     * @param check the check's name
     * @param verdict how it went
     * @param reason why it did not pass; empty if it did
     * @param report what is known of the guest's run, in the lines that fit a screen; empty if the check passed, or if
     *     the guest did not run
     */
    public record Entry(String execution, String guest, String check, Verdict verdict, String reason, String report) {

        /** Returns one line that says which check did not pass, and why. */
        @Override
        public String toString() {
            return guest + " / " + check + (verdict == Verdict.ERROR ? " could not be run: " : " failed: ") + reason;
        }
    }

    /**
     * Something that went wrong with reports.
     *
     * @param execution the id of the plugin's execution in which it did
     * @param text what is wrong, in one line
     */
    public record Complaint(String execution, String text) {}

    public Summary {
        entries = List.copyOf(entries);
        complaints = List.copyOf(complaints);
    }

    /** Returns a summary without any check yet. */
    public static Summary empty(String build) {
        return new Summary(build, List.of(), List.of());
    }

    /**
     * Returns this summary with the results of an execution, in place of what that execution left before.
     *
     * @param troubles what went wrong with its reports
     * @param report returns what is known of the run of a check that did not pass
     */
    Summary with(
            String execution, List<CheckResult> results, List<String> troubles, Function<CheckResult, String> report) {
        List<Entry> all = new ArrayList<>(entries);
        all.removeIf(entry -> entry.execution().equals(execution));
        for (CheckResult result : results) {
            GuestCheck check = result.check();
            String text = result.verdict() == Verdict.PASS ? "" : report.apply(result);
            all.add(new Entry(execution, check.guest(), check.name(), result.verdict(), result.reason(), text));
        }
        List<Complaint> allComplaints = new ArrayList<>(complaints);
        allComplaints.removeIf(complaint -> complaint.execution().equals(execution));
        troubles.forEach(trouble -> allComplaints.add(new Complaint(execution, trouble)));
        return new Summary(build, all, allComplaints);
    }

    /** Returns the checks that failed or could not be run. */
    public List<Entry> problems() {
        return entries.stream().filter(entry -> entry.verdict() != Verdict.PASS).toList();
    }

    /** Returns whether all is well: no check failed, all could be run, and all reports were written. */
    public boolean isClean() {
        return problems().isEmpty() && complaints.isEmpty();
    }

    /** Returns the number of checks with this verdict. */
    public int count(Verdict verdict) {
        return (int)
                entries.stream().filter(entry -> entry.verdict() == verdict).count();
    }

    /** Returns the counts in words. */
    public String totals() {
        return "Checks run: " + entries.size() + ", failures: " + count(Verdict.FAIL) + ", errors: "
                + count(Verdict.ERROR);
    }

    /** Returns the summary as an XML document. */
    public String toXml() {
        XmlWriter xml = new XmlWriter();
        Map<String, String> counts = new LinkedHashMap<>();
        counts.put("build", build);
        counts.put("checks", Integer.toString(entries.size()));
        counts.put("failures", Integer.toString(count(Verdict.FAIL)));
        counts.put("errors", Integer.toString(count(Verdict.ERROR)));
        xml.start("kvm-summary", counts);
        for (Entry entry : entries) {
            Map<String, String> attributes = new LinkedHashMap<>();
            attributes.put("execution", entry.execution());
            attributes.put("guest", entry.guest());
            attributes.put("name", entry.check());
            attributes.put("verdict", entry.verdict().name());
            xml.start("check", attributes);
            xml.text("reason", Map.of(), entry.reason());
            xml.text("report", Map.of(), entry.report());
            xml.end();
        }
        for (Complaint complaint : complaints) {
            xml.text("complaint", Map.of("execution", complaint.execution()), complaint.text());
        }
        xml.end();
        return xml.document();
    }

    /**
     * Reads what {@link #toXml} wrote.
     *
     * @throws IllegalArgumentException if it is something else
     */
    public static Summary parse(String xml) {
        try {
            Element root = parser().parse(new ByteArrayInputStream(xml.getBytes(StandardCharsets.UTF_8)))
                    .getDocumentElement();
            List<Entry> entries = new ArrayList<>();
            NodeList checks = root.getElementsByTagName("check");
            for (int i = 0; i < checks.getLength(); i++) {
                Element check = (Element) checks.item(i);
                entries.add(new Entry(
                        check.getAttribute("execution"),
                        check.getAttribute("guest"),
                        check.getAttribute("name"),
                        Verdict.valueOf(check.getAttribute("verdict")),
                        text(check, "reason"),
                        text(check, "report")));
            }
            if (!root.getAttribute("checks").equals(Integer.toString(entries.size()))) {
                throw new IllegalArgumentException(
                        "it has " + entries.size() + " checks and says " + root.getAttribute("checks"));
            }
            List<Complaint> complaints = new ArrayList<>();
            NodeList troubles = root.getElementsByTagName("complaint");
            for (int i = 0; i < troubles.getLength(); i++) {
                Element trouble = (Element) troubles.item(i);
                complaints.add(new Complaint(trouble.getAttribute("execution"), trouble.getTextContent()));
            }
            return new Summary(root.getAttribute("build"), entries, complaints);
        } catch (Exception e) {
            throw new IllegalArgumentException("this is no summary of kvm:check: " + e.getMessage(), e);
        }
    }

    private static String text(Element check, String name) {
        return check.getElementsByTagName(name).item(0).getTextContent();
    }

    private static DocumentBuilder parser() throws ParserConfigurationException {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        DocumentBuilder parser = factory.newDocumentBuilder();
        // The default handler prints to the standard error; the exception is enough.
        parser.setErrorHandler(null);
        return parser;
    }
}
