package dev.kvmguest.vmm.bisect;

/**
 * How far a bisection is.
 *
 * @param phase what is done now, such as {@code functions}
 * @param boots how many boots there were
 * @param left among how many parts the answer is
 */
public record BisectionProgress(String phase, int boots, int left) {

    /** Returns a line for a log. */
    @Override
    public String toString() {
        return phase + ": " + left + " left, " + boots + " boots so far";
    }
}
