package dev.kvmguest.sample.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.TextReport;
import dev.kvmguest.vmm.text.Notation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What is expected of the reports about a faulty guest. Of each guest the facts are compared: the {@code fault} or the
 * {@code standstill} of the report in JSON, with the rules that gave advice in place of their words, and the callers. Of
 * some guests, one for each kind of report, the report for a screen is compared as well, to the letter. They are files in
 * {@code src/test/resources/corpus/FOLDER}, the same for every engine; what differs from run to run or from engine to engine
 * is left out. {@code -Dkvmguest.corpus=write} writes the files that there are, and the facts of new guests.
 */
final class ExpectedReport {

    private static final String PROPERTY = "kvmguest.corpus";
    private static final Path FOLDER = Path.of("src", "test", "resources", "corpus");

    private static final String TEXT = ".txt";
    private static final String JSON = ".json";
    private static final String AT_LIMIT = "was still running at its time limit";
    /** What the emulator says in its place where it can prove it, and KVM can't. */
    private static final String PROVED = "can never end, proved after";

    private static final int LINES = 25;
    /** The registers of 64-bit code take four lines more, and a page walk has four levels in place of two. */
    private static final int LINES_64 = 32;

    private static final int WIDTH = 120;

    private static final Pattern FACTS =
            Pattern.compile("^  \"(fault|standstill)\": (\\{.*?^  })", Pattern.MULTILINE | Pattern.DOTALL);
    private static final Pattern ADVICE = Pattern.compile("^  \"advice\": .*", Pattern.MULTILINE);

    /** Where a guest was that hung, in which of its loop's instructions. */
    private static final Pattern MOMENT = Pattern.compile(
            "^  \"(eip|symbol|source|bytes|instruction)\": .*\n|^  \"samples\": \\[(.|\n)*?],\n", Pattern.MULTILINE);

    private final Path text;
    private final Path json;

    ExpectedReport(FaultyGuest guest) {
        Path folder = FOLDER.resolve(guest.folder().id());
        text = folder.resolve(guest.name() + TEXT);
        json = folder.resolve(guest.name() + JSON);
    }

    /** Returns the guests for which there are reports, such as {@code paged/wild_pointer}. */
    static List<String> names() throws IOException {
        try (Stream<Path> files = Files.walk(FOLDER)) {
            return files.filter(file -> file.toString().endsWith(JSON))
                    .map(file -> file.getParent().getFileName() + "/"
                            + file.getFileName().toString().replace(JSON, ""))
                    .toList();
        }
    }

    /** Returns those for which the report has no advice. */
    static List<String> withoutAdvice() throws IOException {
        List<String> found = new ArrayList<>();
        for (String name : names()) {
            if (!Files.readString(FOLDER.resolve(name + JSON)).contains("\"rules\": [\"")) {
                found.add(name);
            }
        }
        return found;
    }

    /** Compares, or writes. */
    void check(Outcome outcome) throws IOException {
        compareText(withoutTheEngine(TextReport.brief(outcome)));
        checkFault(outcome);
    }

    /** Compares the report of a guest that hung or halted. */
    void checkStandstill(Outcome outcome) throws IOException {
        String screen = TextReport.brief(outcome);
        compareText(withoutTheMoment(withoutTheEngine(screen)));
        Standstill standstill = outcome.run().diagnosis().standstill().orElseThrow();
        compare(json, facts("standstill", all(outcome, standstill.advice()), outcome));
        assertFitsAScreen(screen);
    }

    /** Compares the fault, of a guest that did not shut down on its own engine; the first line is about that, then. */
    void checkFault(Outcome outcome) throws IOException {
        compare(
                json,
                withoutTheEngine(facts(
                        "fault", all(outcome, outcome.fault().orElseThrow().advice()), outcome)));
        assertFitsAScreen(withoutTheEngine(TextReport.brief(outcome)));
    }

    /** Returns advice with that about the exception which the end came from in front. */
    private static List<String> all(Outcome outcome, List<String> advice) {
        return Stream.concat(
                        outcome.run().diagnosis().origin().stream().flatMap(origin -> origin.advice().stream()),
                        advice.stream())
                .toList();
    }

    private static void assertFitsAScreen(String screen) {
        int lines = screen.contains(" rax=") ? LINES_64 : LINES;
        assertThat(screen.lines()).as("fits a screen").hasSizeLessThanOrEqualTo(lines);
        // The first line has the names of guest and case, and is a sentence of its own.
        assertThat(screen.lines().skip(1)).as("fits a screen").allMatch(line -> line.length() <= WIDTH);
    }

    /** Compares the report for a screen if this guest's is one of those to be compared. */
    private void compareText(String actual) throws IOException {
        if (Files.exists(text)) {
            compare(text, actual);
        }
    }

    private static void compare(Path file, String actual) throws IOException {
        if ("write".equals(System.getProperty(PROPERTY))) {
            Files.createDirectories(file.getParent());
            Files.writeString(file, actual);
        } else {
            assertThat(file)
                    .as("written by -D%s=write, to be read before it is committed", PROPERTY)
                    .exists();
            assertThat(actual).as(file.toString()).isEqualTo(Files.readString(file));
        }
    }

    private static String facts(String key, List<String> advice, Outcome outcome) throws IOException {
        String report = JsonReport.of(outcome);
        Matcher facts = FACTS.matcher(report);
        assertThat(facts.find() && facts.group(1).equals(key))
                .as("the report has a %s: %s", key, report)
                .isTrue();
        String found = facts.group(2).replaceAll("\n  ", "\n") + "\n";
        boolean hung = outcome.kind() == Outcome.Kind.TIMED_OUT;
        String lasting = withoutTicks(hung ? MOMENT.matcher(found).replaceAll("") : found);
        String rules = "  \"rules\": " + list(new Rules(FOLDER.resolve("rules.txt")).of(advice));
        String callers = hung ? "" : ",\n  \"callers\": " + list(callers(outcome));
        return ADVICE.matcher(lasting).replaceFirst(Matcher.quoteReplacement(rules + callers));
    }

    /** Leaves out which ticks of a timer were due, and how often a loop was run through. */
    private static String withoutTicks(String json) {
        return json.replaceAll(", \"IRQ [08] \\([A-Za-z ]+\\) is pending, and waits for what is in service\"", "")
                // The timer that firmware has left running, 18.2 times a second.
                .replaceAll("\"IRQ [028] \\([A-Za-z0-9 ]+\\) is pending and masked\"(, )?", "")
                .replaceAll("read [0-9]+ times", "read n times");
    }

    private static List<String> callers(Outcome outcome) {
        return outcome.run().diagnosis().inspection().stream()
                .flatMap(inspection -> inspection.callChain().stream())
                .map(caller -> caller.symbol().orElse(Notation.hex(caller.eip())) + (caller.certain() ? "" : "?"))
                .toList();
    }

    private static String list(List<String> texts) {
        return texts.stream()
                .collect(Collectors.joining("\", \"", "[\"", "\"]"))
                .replace("[\"\"]", "[]");
    }

    /**
     * Leaves out at which instruction of its loop a guest was at the time limit, with which registers, and which ticks of a
     * timer were due by then.
     */
    private static String withoutTheMoment(String report) {
        String ticked = report.replaceAll(
                        ";\\s+IRQ [08] \\([A-Za-z ]+\\) is\\s+pending,\\s+and\\s+waits\\s+for\\s+what\\s+is\\s+in\\s+service",
                        "")
                // The timer that firmware has left running, 18.2 times a second.
                .replaceAll(" IRQ [028] \\([A-Za-z0-9 ]+\\) is pending and masked;", "");
        if (!report.contains(AT_LIMIT) && !report.contains(PROVED)) {
            return ticked;
        }
        return ticked.replaceFirst("(" + AT_LIMIT + " of|" + PROVED + ") .*", AT_LIMIT)
                .replaceAll(
                        "\n  (last seen|found at:|eax=|ebp=|cs=|(probably )?(called from|interrupted)).*(\n    .*)*",
                        "")
                .replaceAll("read [0-9]+ times", "read n times");
    }

    private static String withoutTheEngine(String report) {
        return report.replaceFirst("(, after [0-9.]+ ms of wall time)? on (emulator|kvm)\n", "\n")
                .replaceFirst("(?s)(registers at the fault), seen by .*?:\n(?=    [er]ax)", "$1:\n")
                .replaceFirst("\n  kvm's own registers, .* reset values of .*\n", "\n")
                .replaceFirst(" *\"seenBy\": .*\n", "");
    }
}
