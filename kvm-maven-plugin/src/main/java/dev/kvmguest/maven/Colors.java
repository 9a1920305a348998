package dev.kvmguest.maven;

import dev.kvmguest.maven.boot.BootSession;
import dev.kvmguest.vmm.report.TerminalColors;
import java.util.function.BooleanSupplier;
import org.apache.maven.execution.MavenSession;

/**
 * Whether reports on Maven's log have colours: where Maven's own messages have, and only on a terminal, since not every
 * Maven leaves them out of a pipe. {@code -Dstyle.color=always} is for a pipe to something that shows them.
 *
 * <p>The environment variable NO_COLOR says no, as it does for many programs (no-color.org).
 */
final class Colors {

    private final boolean shown;

    private Colors(boolean shown) {
        this.shown = shown;
    }

    /** Returns what this build wants. */
    static Colors of(MavenSession session) {
        String style = session.getUserProperties().getProperty("style.color", "auto");
        return of(style, mavenHasColors(), BootSession::hasTerminal, System.getenv("NO_COLOR"));
    }

    /**
     * Returns what a build wants.
     *
     * @param style Maven's {@code style.color}
     * @param maven whether Maven's messages have colours; not so with -B, -l and {@code style.color=never}
     * @param terminal whether the standard output is a terminal; asked only if it matters
     * @param noColor the value of NO_COLOR; null if it isn't set
     */
    static Colors of(String style, boolean maven, BooleanSupplier terminal, String noColor) {
        boolean refused = noColor != null && !noColor.isEmpty();
        return new Colors(maven && !refused && (style.equals("always") || terminal.getAsBoolean()));
    }

    /** Returns a report as it is to be logged. */
    String report(String text) {
        return shown ? TerminalColors.color(text) : text;
    }

    /** Asks Jansi, which Maven 3 lends its plugins and sets by its options; a later Maven hasn't got it. */
    private static boolean mavenHasColors() {
        try {
            return (boolean) Class.forName("org.fusesource.jansi.Ansi")
                    .getMethod("isEnabled")
                    .invoke(null);
        } catch (ReflectiveOperationException | LinkageError e) {
            return false;
        }
    }
}
