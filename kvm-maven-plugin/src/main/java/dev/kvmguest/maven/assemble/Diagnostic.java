package dev.kvmguest.maven.assemble;

/**
 * One objection of a compiler or linker.
 *
 * @param severity how grave it is
 * @param where the file and line, as {@code file:line} with the file relative to the project, or the program's name
 * @param message what is wrong, in one line
 * @param text all that was printed about it, such as the source line; several lines
 */
public record Diagnostic(Severity severity, String where, String message, String text) {

    /** How grave an objection is. */
    public enum Severity {
        /** The guest can't be built. */
        ERROR,
        /** The guest can be built. */
        WARNING
    }

    /** Returns whether this is an {@link Severity#ERROR}. */
    public boolean isError() {
        return severity == Severity.ERROR;
    }

    /** Returns place and message in one line. */
    public String summary() {
        return where + ": " + message;
    }
}
