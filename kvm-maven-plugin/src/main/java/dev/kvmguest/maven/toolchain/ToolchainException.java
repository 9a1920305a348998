package dev.kvmguest.maven.toolchain;

/** A toolchain can't be had on this host. The message says why, and what to do about it. */
public final class ToolchainException extends Exception {

    private static final long serialVersionUID = 1L;

    /** Creates one without a cause. */
    public ToolchainException(String message) {
        super(message);
    }

    /** Creates one with a cause. */
    public ToolchainException(String message, Throwable cause) {
        super(message, cause);
    }
}
