package dev.kvmguest.vmm.config;

/**
 * The host failed, not the guest: an operation of the operating system or of an engine could not be carried out. The
 * message names the operation, the error and, where there is one, the way out.
 */
public class VmmException extends RuntimeException {

    /** Creates an exception whose message names the operation, the error and the way out. */
    public VmmException(String message) {
        super(message);
    }

    /** Creates an exception with a cause. */
    public VmmException(String message, Throwable cause) {
        super(message, cause);
    }
}
