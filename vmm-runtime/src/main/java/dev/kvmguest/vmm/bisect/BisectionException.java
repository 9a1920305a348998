package dev.kvmguest.vmm.bisect;

/**
 * A bisection that can't answer: the same image gave two results, nothing can be exchanged, or the boots that it may
 * take were used up. The message says which, and the way out.
 */
public final class BisectionException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** Creates one with a sentence without a full stop. */
    public BisectionException(String message) {
        super(message);
    }
}
