package dev.kvmguest.sample.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.TextReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What is expected of the reports about a faulty guest: the one for a screen, and the {@code fault} of the one in JSON if it
 * dies. They are files in {@code src/test/resources/corpus/FOLDER}, the same for every engine; what differs from run to run
 * or from engine to engine is left out. {@code -Dkvmguest.corpus=write} writes them instead of comparing.
 */
final class ExpectedReport {

    private static final String PROPERTY = "kvmguest.corpus";
    private static final Path FOLDER = Path.of("src", "test", "resources", "corpus");

    private static final String TEXT = ".txt";
    private static final String AT_LIMIT = "was still running at its time limit";

    private static final int LINES = 25;
    private static final int WIDTH = 120;

    private static final Pattern FAULT =
            Pattern.compile("^  \"fault\": (\\{.*?^  })", Pattern.MULTILINE | Pattern.DOTALL);

    private final Path text;
    private final Path json;

    ExpectedReport(FaultyGuest guest) {
        Path folder = FOLDER.resolve(guest.folder());
        text = folder.resolve(guest.name() + TEXT);
        json = folder.resolve(guest.name() + ".json");
    }

    /** Returns the guests for which there are reports, such as {@code paged/wild_pointer}. */
    static List<String> names() throws IOException {
        try (Stream<Path> files = Files.walk(FOLDER)) {
            return files.filter(file -> file.toString().endsWith(TEXT))
                    .map(file -> file.getParent().getFileName() + "/"
                            + file.getFileName().toString().replace(TEXT, ""))
                    .toList();
        }
    }

    /** Returns those for which the report has no advice. */
    static List<String> withoutAdvice() throws IOException {
        List<String> found = new ArrayList<>();
        for (String name : names()) {
            if (!Files.readString(FOLDER.resolve(name + TEXT)).contains("\n  advice: ")) {
                found.add(name);
            }
        }
        return found;
    }

    /** Compares, or writes. */
    void check(Outcome outcome) throws IOException {
        compare(text, withoutTheEngine(TextReport.brief(outcome)));
        checkFault(outcome);
    }

    /** Compares the report of a guest that hung or halted. */
    void checkStandstill(Outcome outcome) throws IOException {
        String screen = TextReport.brief(outcome);
        compare(text, withoutTheMoment(withoutTheEngine(screen)));
        assertFitsAScreen(screen);
    }

    /** Compares the fault, of a guest that did not shut down on its own engine; the first line is about that, then. */
    void checkFault(Outcome outcome) throws IOException {
        compare(json, withoutTheEngine(fault(JsonReport.of(outcome))));
        assertFitsAScreen(withoutTheEngine(TextReport.brief(outcome)));
    }

    private static void assertFitsAScreen(String screen) {
        assertThat(screen.lines()).as("fits a screen").hasSizeLessThanOrEqualTo(LINES);
        // The first line has the names of guest and case, and is a sentence of its own.
        assertThat(screen.lines().skip(1)).as("fits a screen").allMatch(line -> line.length() <= WIDTH);
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

    private static String fault(String report) {
        Matcher fault = FAULT.matcher(report);
        assertThat(fault.find()).as("the report has a fault: %s", report).isTrue();
        return fault.group(1).replaceAll("\n  ", "\n") + "\n";
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
                .replace(" IRQ 0 (timer) is pending and masked;", "");
        if (!report.contains(AT_LIMIT)) {
            return ticked;
        }
        return ticked.replaceFirst(AT_LIMIT + " of .*", AT_LIMIT)
                .replaceAll(
                        "\n  (last seen|found at:|eax=|ebp=|cs=|(probably )?(called from|interrupted)).*(\n    .*)*",
                        "")
                .replaceAll("read [0-9]+ times", "read n times");
    }

    private static String withoutTheEngine(String report) {
        return report.replaceFirst(", after [0-9.]+ ms on (emulator|kvm)\n", "\n")
                .replaceFirst("(?s)(registers at the fault), seen by .*?:\n(?=    eax)", "$1:\n")
                .replaceFirst("\n  kvm's own registers, .* reset values of .*\n", "\n")
                .replaceFirst(" *\"seenBy\": .*\n", "");
    }
}
