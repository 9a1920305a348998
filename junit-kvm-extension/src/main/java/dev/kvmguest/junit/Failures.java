package dev.kvmguest.junit;

import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.report.TextReport;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The messages of failures: what differs, a line each, and the report of the run. */
final class Failures {

    private Failures() {}

    static String message(List<Mismatch> mismatches, Outcome outcome) {
        return Stream.concat(mismatches.stream().map(Mismatch::sentence), Stream.of(TextReport.brief(outcome)))
                .collect(Collectors.joining("\n"));
    }

    static String message(String mismatch, Outcome outcome) {
        return message(List.of(Mismatch.of(mismatch)), outcome);
    }

    /** Returns what a test's own failure says, without the report that {@link #message} has put below it. */
    static Mismatch sentence(Throwable failure, List<Outcome> outcomes) {
        String message = failure.getMessage() == null ? failure.toString() : failure.getMessage();
        for (Outcome outcome : outcomes) {
            int report = message.indexOf(TextReport.brief(outcome));
            message = report < 0 ? message : message.substring(0, report);
        }
        return Mismatch.of(message.strip());
    }

    /** Returns the message for a guest that still runs. */
    static String message(String mismatch, Guest guest) {
        Screen screen = guest.screen();
        return mismatch + "\nguest " + guest + " is still running\n" + TextReport.console(guest.console())
                + (screen.isBlank() ? "" : TextReport.screen(screen));
    }

    /** Returns what to write in a test that expects this end. */
    static String howToAssert(Outcome outcome) {
        String assertion =
                switch (outcome.kind()) {
                    case HALTED -> outcome.endedNormally() ? "halted()" : "waitsForInterrupt()";
                    case DEBUG_EXIT -> "debugExited(" + outcome.exitCode().orElseThrow() + ")";
                    case HYPERCALL_EXIT -> "hypercallExited()";
                    case TRIPLE_FAULT -> "tripleFaulted()";
                    case UNHANDLED_EXCEPTION -> "hadNoHandler()";
                    case RESET -> "reset()";
                    case TIMED_OUT -> "timedOut()";
                    case UNSUPPORTED -> "unsupported()";
                    case ENGINE_ERROR -> "engineFailed()";
                    case STOPPED -> "stopped()";
                };
        return "if the test means this end: GuestAssertions.assertThat(outcome)." + assertion;
    }
}
