package dev.kvmguest.vmm.random;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Fault.Event;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.HtmlReport;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.TextReport;
import java.util.List;
import java.util.Set;

/** What is true of how any guest ended, whatever it was. */
final class CoherentOutcome {

    private static final int DOUBLE_FAULT = 8;
    private static final int PAGE_FAULT = 14;
    /** Those that a failed delivery raises: #DF, #TS, #NP, #SS, #GP, #PF and #AC. */
    private static final Set<Integer> OF_DELIVERY = Set.of(DOUBLE_FAULT, 10, 11, 12, 13, PAGE_FAULT, 17);
    /** The exceptions that there are, with which a chain begins if no device interrupts; INT n raises one of them. */
    private static final Set<Integer> EXCEPTIONS =
            Set.of(0, 1, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, PAGE_FAULT, 16, 17, 19);

    private static final Set<Integer> CONTRIBUTORY = Set.of(0, 10, 11, 12, 13);
    private static final Set<Integer> WITH_ERROR_CODE = OF_DELIVERY;
    private static final int LONGEST_CHAIN = 17;
    private static final int LAST_INSTRUCTIONS = 32;
    private static final int MOST_ADVICE = 3;
    private static final int LONGEST_INSTRUCTION = 15;

    private static final int LINES = 80;
    private static final int WIDTH = 120;
    /** Characters of a report, whatever a guest wrote to its console. */
    private static final int LARGEST = 5_000_000;

    private static final int CONSOLE_WIDTH = 170;

    private CoherentOutcome() {}

    static void check(Outcome outcome) {
        boolean unhandled = outcome instanceof Outcome.UnhandledException;
        assertThat(outcome.fault().isPresent()).isEqualTo(unhandled || outcome instanceof Outcome.TripleFault);
        if (unhandled) {
            // Real mode's firmware took it: there is nothing that a delivery could have failed by.
            assertThat(outcome.fault().orElseThrow().chain()).hasSize(1);
        } else {
            outcome.fault().ifPresent(CoherentOutcome::check);
        }
        checkReports(outcome);
    }

    private static void check(Fault fault) {
        List<Event> chain = fault.chain();
        boolean protectedMode = fault.registers().protectedMode();
        assertThat(chain).hasSizeBetween(1, LONGEST_CHAIN);
        assertThat(fault.shutdown()).isNotBlank();
        Event first = fault.first();
        assertThat(first.interrupt() || EXCEPTIONS.contains(first.vector()))
                .as(first.toString())
                .isTrue();
        for (Event event : chain) {
            boolean errorCode = protectedMode && !event.interrupt() && WITH_ERROR_CODE.contains(event.vector());
            assertThat(event.errorCode().isPresent()).as(event.toString()).isEqualTo(errorCode);
            assertThat(event.cr2().isPresent())
                    .as(event.toString())
                    .isEqualTo(event.vector() == PAGE_FAULT && !event.interrupt());
        }
        for (Event event : chain.subList(1, chain.size())) {
            assertThat(event.interrupt()).isFalse();
            assertThat(event.vector()).isIn(OF_DELIVERY);
            assertThat(event.cause().orElse("")).as(event.toString()).isNotBlank();
        }
        for (int i = 1; i < chain.size(); i++) {
            checkStep(chain.get(i - 1), chain.get(i));
        }
        // A shutdown is a double fault that could not be delivered (Intel SDM volume 3A, 6.15).
        assertThat(chain.stream().map(Event::vector).toList().indexOf(DOUBLE_FAULT))
                .isEqualTo(chain.size() - 1);
        assertThat(chain.get(chain.size() - 1).vector()).isEqualTo(DOUBLE_FAULT);
        assertThat(fault.registers().eip()).isEqualTo(fault.at().eip());
        assertThat(fault.at().bytes()).hasSizeLessThanOrEqualTo(LONGEST_INSTRUCTION);
        assertThat(fault.lastInstructions()).hasSizeLessThanOrEqualTo(LAST_INSTRUCTIONS);
        assertThat(fault.advice()).hasSizeLessThanOrEqualTo(MOST_ADVICE).doesNotHaveDuplicates();
    }

    /** What becomes of an exception in delivering another one (Intel SDM volume 3A, table 6-5). */
    private static void checkStep(Event first, Event second) {
        boolean contributory = CONTRIBUTORY.contains(second.vector());
        if (!first.interrupt() && CONTRIBUTORY.contains(first.vector())) {
            assertThat(contributory).as("%s after %s", second, first).isFalse();
        }
        if (!first.interrupt() && first.vector() == PAGE_FAULT) {
            assertThat(contributory || second.vector() == PAGE_FAULT)
                    .as("%s after %s", second, first)
                    .isFalse();
        }
    }

    private static void checkReports(Outcome outcome) {
        assertThat(JsonReport.of(outcome)).startsWith("{").endsWith("}\n").hasSizeLessThan(LARGEST);
        assertThat(HtmlReport.of(outcome)).contains("</html>").hasSizeLessThan(LARGEST);
        assertThat(TextReport.whole(outcome)).endsWith("\n").hasSizeLessThan(LARGEST);
        // The first line has the guest's name, and is a sentence of its own.
        assertThat(TextReport.brief(outcome).lines().skip(1))
                .hasSizeLessThan(LINES)
                .allMatch(line -> line.length() <= (line.startsWith("  | ") ? CONSOLE_WIDTH : WIDTH));
    }
}
