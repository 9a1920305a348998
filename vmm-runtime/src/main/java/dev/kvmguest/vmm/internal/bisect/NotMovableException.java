package dev.kvmguest.vmm.internal.bisect;

/** Code that would mean something else at another address, or of which that isn't certain. */
final class NotMovableException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** Creates one; the reason follows the function's name and a colon. */
    NotMovableException(String reason) {
        super(reason, null, false, false);
    }
}
