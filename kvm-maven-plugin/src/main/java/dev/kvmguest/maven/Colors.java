package dev.kvmguest.maven;

import dev.kvmguest.maven.boot.BootSession;
import dev.kvmguest.vmm.report.TerminalColors;
import java.util.function.BooleanSupplier;
import org.apache.maven.execution.MavenSession;

/**
 * Decides whether reports on Maven's log have colours. They do if Maven's own messages have them and the output is a
 * terminal; not every Maven leaves colours out of a pipe. {@code -Dstyle.color=always} forces them, for a pipe to a
 * program that shows colours.
 *
 * <p>The environment variable NO_COLOR turns them off, as for many programs (no-color.org).
 */
final class Colors {

    private final boolean shown;

    private Colors(boolean shown) {
        this.shown = shown;
    }

    /** Returns the decision for this build. */
    static Colors of(MavenSession session) {
        String style = session.getUserProperties().getProperty("style.color", "auto");
        return of(style, mavenHasColors(), BootSession::hasTerminal, System.getenv("NO_COLOR"));
    }

    /**
     * Returns the decision for a build.
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

    /** Returns a report ready for the log. */
    String report(String text) {
        return shown ? TerminalColors.color(text) : text;
    }

    /**
     * Asks Jansi, which Maven 3 shares with its plugins and configures by its options. Later versions of Maven don't
     * have it.
     */
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
