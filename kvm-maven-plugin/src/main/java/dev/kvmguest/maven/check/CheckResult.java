package dev.kvmguest.maven.check;

import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * How a check went.
 *
 * @param check the check
 * @param time from its start to its end on the host's clock, the making of the machine included
 * @param outcome how the guest ended; empty if it never ran
 * @param mismatches what was not as expected
 * @param error what kept the guest from running; empty if it ran
 */
public record CheckResult(
        GuestCheck check,
        Duration time,
        Optional<Outcome> outcome,
        List<Mismatch> mismatches,
        Optional<Exception> error) {

    /** The three ways in which a check ends. */
    public enum Verdict {
        /** The guest ran as expected. */
        PASS,
        /** The guest ran, and not as expected. */
        FAIL,
        /** The guest could not be run. */
        ERROR
    }

    public CheckResult {
        mismatches = List.copyOf(mismatches);
    }

    static CheckResult ran(GuestCheck check, Duration time, Outcome outcome) {
        List<Mismatch> mismatches = check.expectation().compare(outcome);
        return new CheckResult(check, time, Optional.of(outcome), mismatches, Optional.empty());
    }

    static CheckResult notRun(GuestCheck check, Duration time, Exception error) {
        return new CheckResult(check, time, Optional.empty(), List.of(), Optional.of(error));
    }

    /** Returns whether the check passed. */
    public Verdict verdict() {
        if (error.isPresent()) {
            return Verdict.ERROR;
        }
        return mismatches.isEmpty() ? Verdict.PASS : Verdict.FAIL;
    }

    /** Returns how many points the guest has earned: all that the check is worth, or none. */
    public BigDecimal earned() {
        return verdict() == Verdict.PASS ? check.points().orElse(BigDecimal.ZERO) : BigDecimal.ZERO;
    }

    /** Returns why the check did not pass, with a memory layout below it if that is why; empty if it passed. */
    public String reason() {
        return error.map(ErrorText::of)
                .orElseGet(() -> mismatches.stream().map(Mismatch::sentence).collect(Collectors.joining("; ")));
    }
}
