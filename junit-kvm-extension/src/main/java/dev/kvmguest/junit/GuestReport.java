package dev.kvmguest.junit;

/** Carries a guest's report beside the failure of a test's own; it has no stack trace, because nothing threw it. */
final class GuestReport extends RuntimeException {

    GuestReport(String report) {
        super(report, null, false, false);
    }
}
