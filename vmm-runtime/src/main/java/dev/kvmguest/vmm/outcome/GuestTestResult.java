package dev.kvmguest.vmm.outcome;

import dev.kvmguest.vmm.image.GuestTestCase;
import java.util.Locale;
import java.util.Optional;

/**
 * What a guest reported about the test that it was asked to run. A reported pass alone isn't enough: the run must also
 * have ended normally, as {@link Expectation} says.
 *
 * @param test the test asked for
 * @param status the result
 * @param failure where and why it failed; there if and only if the status is {@link Status#FAILED}
 */
public record GuestTestResult(GuestTestCase test, Status status, Optional<Failure> failure) {

    /** The result of a test. */
    public enum Status {
        /** The guest reported that it passed. */
        PASSED,
        /** The guest reported a failure, or something malformed. */
        FAILED,
        /** The guest started it, and the run ended without a verdict. */
        UNFINISHED,
        /** The guest never started it. */
        NOT_STARTED;

        /** Returns the name in reports, such as {@code not-started}. */
        public String id() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * Why a test failed.
     *
     * @param file the source file of the assertion; empty if the guest's report was malformed
     * @param line the assertion's line, from 1; 0 if the guest gave none
     * @param message what was asserted
     */
    public record Failure(String file, int line, String message) {

        /** Returns {@code FILE:LINE: MESSAGE}, as far as they are known. */
        @Override
        public String toString() {
            return file.isEmpty() ? message : file + ":" + line + ": " + message;
        }
    }

    /** Returns whether the guest reported that the test passed. */
    public boolean passed() {
        return status == Status.PASSED;
    }

    /** Returns the verdict in one line, the place of the failure first. */
    public String describe() {
        return switch (status) {
            case PASSED -> "test " + test.name() + " passed";
            case FAILED -> failure.orElseThrow().toString();
            case UNFINISHED -> "test " + test.name() + " was started, and the guest ended without a verdict";
            case NOT_STARTED -> "test " + test.name() + " was never started; does the guest call kvmguest_run_tests()?";
        };
    }
}
