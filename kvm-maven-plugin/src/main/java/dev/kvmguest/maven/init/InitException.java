package dev.kvmguest.maven.init;

/** A project can't be made; nothing was written. The message says why, and the way out. */
public final class InitException extends Exception {

    private static final long serialVersionUID = 1;

    InitException(String message) {
        super(message);
    }

    InitException(String message, Throwable cause) {
        super(message, cause);
    }
}
