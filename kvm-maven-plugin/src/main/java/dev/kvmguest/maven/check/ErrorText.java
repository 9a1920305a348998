package dev.kvmguest.maven.check;

import dev.kvmguest.maven.assemble.GuestBuildException;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.text.Reasons;
import java.io.IOException;

/** What is said of an exception that kept a guest from running. */
final class ErrorText {

    private ErrorText() {}

    /** Returns the message where it was written for the user, else the exception's type as well. */
    static String of(Exception e) {
        if (e instanceof IOException) {
            return Reasons.of(e);
        }
        boolean speaksForItself = isExpected(e) && e.getMessage() != null;
        return speaksForItself ? e.getMessage() : e.toString();
    }

    /**
     * Returns whether the exception tells of the host or of the configuration, so that its stack trace adds nothing.
     */
    static boolean isExpected(Exception e) {
        return e instanceof VmmException
                || e instanceof IllegalArgumentException
                || e instanceof IOException
                || e instanceof GuestBuildException;
    }
}
