package dev.kvmguest.vmm.doctor;

/**
 * Something that keeps this host from running guests as well as it could.
 *
 * @param kind how much it matters
 * @param what what is wrong, in a sentence without a full stop
 * @param wayOut what to do about it, likewise
 */
public record HostProblem(Kind kind, String what, String wayOut) {

    /** How much a problem matters. */
    public enum Kind {
        /** Guests run on the emulator that could run on KVM, or more slowly than they could. */
        PROBLEM,
        /** No guest runs elsewhere, or otherwise, for it. */
        REMARK;

        /** Returns the name used in reports, {@code problem} or {@code remark}. */
        public String id() {
            return this == PROBLEM ? "problem" : "remark";
        }
    }
}
