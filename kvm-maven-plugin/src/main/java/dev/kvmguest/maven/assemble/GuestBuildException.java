package dev.kvmguest.maven.assemble;

import java.util.List;
import java.util.stream.Collectors;

/** A guest could not be built. The message says what its compiler or linker objected to, or why one could not run. */
public final class GuestBuildException extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient List<Diagnostic> diagnostics;

    /** Creates the exception for what is said in one piece. */
    public GuestBuildException(String message) {
        this(message, (Throwable) null);
    }

    GuestBuildException(String message, Throwable cause) {
        super(message, cause);
        this.diagnostics = List.of();
    }

    private GuestBuildException(String message, List<Diagnostic> diagnostics) {
        super(message);
        this.diagnostics = diagnostics;
    }

    /** Returns the exception for sources that have errors; its message has a line for each of several. */
    static GuestBuildException of(List<Diagnostic> diagnostics) {
        List<Diagnostic> errors =
                diagnostics.stream().filter(Diagnostic::isError).toList();
        if (errors.size() == 1) {
            return new GuestBuildException("1 error in " + errors.get(0).summary(), diagnostics);
        }
        return new GuestBuildException(
                errors.size() + " errors:\n"
                        + errors.stream().map(Diagnostic::summary).collect(Collectors.joining("\n")),
                diagnostics);
    }

    /** Returns what the compilers and the linker said, errors and warnings, as far as that was the reason. */
    public List<Diagnostic> diagnostics() {
        return diagnostics;
    }
}
