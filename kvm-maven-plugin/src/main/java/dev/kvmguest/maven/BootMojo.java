package dev.kvmguest.maven;

import dev.kvmguest.maven.boot.BootSession;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.report.TextReport;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.maven.execution.MavenSession;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;

/**
 * Boots a guest with its console on the terminal: an image file, for which no POM is needed, or guests of the project
 * that kvm:assemble has built. The build fails unless the guest ends as expected.
 *
 * <p>On a terminal, and without Maven's option -B, each key goes to the guest when it is pressed. Ctrl-] ends the run
 * and says where the guest stood, Ctrl-C ends the whole build. Enter is a line feed. The screen of a guest that writes
 * to VGA text memory, and nothing to its console, is drawn whenever it changes.
 */
@Mojo(name = "boot", requiresProject = false, threadSafe = true)
public class BootMojo extends AbstractBootMojo {

    /**
     * The guests of the project to boot, one after the other: an id, several with commas between them, or {@code all}.
     * Default: the project's only guest.
     */
    @Parameter(property = "kvm.guest")
    private String guest;

    /**
     * The state at entry: {@code real}, {@code protected}, {@code paged}, {@code paged-4k}, {@code multiboot},
     * {@code pvh}, {@code linux} or {@code long}. Default: what the project's guest says; for an image what it asks for
     * itself, by a loader's header, 64 bits or an entry that real mode can't reach, else {@code real}.
     */
    @Parameter(property = "kvm.boot")
    private String boot;

    /**
     * What runs the guest: {@code kvm}; {@code emulator}, which runs anywhere; {@code qemu}, an installed QEMU; or
     * {@code auto}, which is KVM if this host's KVM can run the boot mode at a processor's speed, else the emulator.
     */
    @Parameter(property = "kvm.engine", defaultValue = "auto")
    private String engine;

    /**
     * Further arguments for the engine {@code qemu}, with blanks between them, such as {@code -device edu}: hardware
     * that isn't modelled here. Default: none.
     */
    @Parameter(property = "kvm.qemuArguments")
    private String qemuArguments;

    /**
     * How long the guest may run, such as {@code 500ms}, {@code 5s} or {@code 2m}. Default: {@code 10s}; with a
     * keyboard, no limit.
     */
    @Parameter(property = "kvm.timeout")
    private String timeout;

    /** A file for the report in JSON. Default: none. */
    @Parameter(property = "kvm.report")
    private File report;

    /**
     * A file for a page, in HTML, with everything known of the run. Default: {@code kvm-reports/boot-ID.html} in the
     * project's build directory for a guest of the project that dies or hangs, else none.
     */
    @Parameter(property = "kvm.html")
    private File html;

    /** A file for a picture, in PNG, of the screen at the end. Default: none. */
    @Parameter(property = "kvm.screenshot")
    private File screenshot;

    /**
     * How the guest must end: {@code halted}, {@code debug-exit}, {@code hypercall-exit}, {@code triple-fault},
     * {@code unhandled-exception}, {@code reset}, {@code timed-out}, {@code unsupported} or {@code stopped} (by the
     * user). Default: {@code halted}, {@code debug-exit} or {@code hypercall-exit}, with exit code 0 if there is one.
     */
    @Parameter(property = "kvm.expect")
    private String expect;

    /** The exit code that the guest must end with. Default: 0, or any if {@code kvm.expect} is given. */
    @Parameter(property = "kvm.exitCode")
    private String exitCode;

    /** A text that the guest must have written to its console. Default: any. */
    @Parameter(property = "kvm.console")
    private String console;

    /**
     * Whether the build fails if the guest panics: a regular expression for what it writes to its console then, or
     * {@code default} for a line that begins with panic. A halt in a function called panic, abort, fatal, die or the
     * like, and in an exception's handler, counts too. Default: {@code none}; there is only a warning.
     */
    @Parameter(property = "kvm.panics")
    private String panics;

    /** Whether the build fails if the guest used a port without a device. */
    @Parameter(property = "kvm.strictPorts", defaultValue = "false")
    private boolean strictPorts;

    /** Whether the report lists the exceptions that the guest took and survived. */
    @Parameter(property = "kvm.watchExceptions", defaultValue = "false")
    private boolean watchExceptions;

    /** Whether Maven may talk to the user, which its option -B forbids. */
    @Parameter(defaultValue = "${settings.interactiveMode}", readonly = true)
    private boolean interactiveMode;

    /** The build, whose options say whether reports have colours. */
    @Parameter(defaultValue = "${session}", readonly = true, required = true)
    private MavenSession session;

    @Override
    public void execute() throws MojoExecutionException, MojoFailureException {
        if (skip) {
            getLog().info("No guest is booted: kvm.skip is set");
            return;
        }
        BootParameters parameters = BootParameters.read(text());
        List<BootTargets.Target> targets = guests().find(image, guest, boot);
        for (OutputFile file : List.of(
                new OutputFile("kvm.report", report),
                new OutputFile("kvm.html", html),
                new OutputFile("kvm.screenshot", screenshot))) {
            file.requireOneGuest(targets.size());
        }
        for (BootTargets.Target target : targets) {
            files(target.name()).requireFree(inputs(target));
        }
        boolean keyboard = interactiveMode && BootSession.hasKeyboard();
        for (BootTargets.Target target : targets) {
            boot(target, parameters, keyboard);
        }
    }

    private void boot(BootTargets.Target target, BootParameters parameters, boolean keyboard)
            throws MojoExecutionException, MojoFailureException {
        String name = target.name();
        Duration defaultTimeout = keyboard ? BootSession.NO_LIMIT : MachineConfig.DEFAULT_TIMEOUT;
        BootFiles files = files(name);
        BootSession run = bootSession(keyboard);
        Outcome outcome;
        try {
            MachineConfig machine = parameters.machine(target.vcpu(), target.memory(), defaultTimeout);
            files.removeOld();
            announce("Booting " + name, keyboard);
            outcome = run.run(machine);
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException("guest " + name + " can't be booted: " + e.getMessage(), e);
        } catch (VmmException e) {
            files.writeRefusal(name, e.getMessage());
            throw new MojoExecutionException(lines(e.getMessage(), files.complaints()), e);
        }
        judge(outcome, target, parameters, keyboard, run.screenIsShown(), files);
    }

    /** Says how to end the guest in any case: nobody guesses that. */
    private void announce(String booting, boolean keyboard) {
        if (!keyboard) {
            getLog().info(booting);
            return;
        }
        String text = booting + "; " + BootSession.ESCAPE_KEY + " ends it";
        if (getLog().isInfoEnabled()) {
            getLog().info(text);
        } else {
            // Not among the guest's output, which may go to a file.
            System.err.println(text);
        }
    }

    private static BootSession bootSession(boolean keyboard) {
        // Maven's own standard output would take out the guest's escape sequences when it is no terminal.
        System.out.flush();
        FileOutputStream out = new FileOutputStream(FileDescriptor.out);
        return new BootSession(out, keyboard, BootSession.hasTerminal());
    }

    /** Tells how the guest ended before anything that may be wrong besides. */
    private void judge(
            Outcome outcome,
            BootTargets.Target target,
            BootParameters parameters,
            boolean keyboard,
            boolean screenIsShown,
            BootFiles files)
            throws MojoExecutionException, MojoFailureException {
        List<Mismatch> mismatches = parameters.mismatches(outcome, keyboard);
        boolean died = !outcome.endedNormally() && outcome.kind() != Outcome.Kind.STOPPED;
        boolean watched = outcome.run().diagnosis().exceptions().isPresent();
        String report =
                (died || watched ? TextReport.brief(outcome) : withoutDeath(outcome, screenIsShown)).stripTrailing();
        Optional<String> page = files.write(outcome, mismatches, died || html != null, sources(target));
        String text = (died ? Colors.of(session).report(report) : report)
                + page.map(line -> "\n" + line).orElse("");
        String guest = "guest " + outcome.run().guest();
        if (!died && !watched) {
            GuestWarnings.log(getLog(), guest, outcome.run().layout());
            outcome.warnings().forEach(warning -> getLog().warn(guest + ": " + warning));
        }
        if (mismatches.isEmpty()) {
            getLog().info(text);
            if (!getLog().isInfoEnabled()) {
                sayWithoutLog(outcome, screenIsShown);
            }
        } else {
            getLog().error(text);
        }
        files.complaints().forEach(complaint -> getLog().error(complaint));
        if (!mismatches.isEmpty()) {
            String sentences = mismatches.stream().map(Mismatch::sentence).collect(Collectors.joining("; "));
            throw new MojoFailureException(lines(guest + ": " + sentences, files.complaints()));
        }
        if (!files.complaints().isEmpty()) {
            throw new MojoExecutionException(lines(guest + " ended as expected, but:", files.complaints()));
        }
    }

    private static String lines(String first, List<String> others) {
        return Stream.concat(Stream.of(first), others.stream()).collect(Collectors.joining("\n"));
    }

    /** Without Maven's log, what the guest has shown is still what it was booted for. */
    private static void sayWithoutLog(Outcome outcome, boolean screenIsShown) {
        if (!screenIsShown) {
            System.out.print(screen(outcome));
        }
        if (outcome.kind() == Outcome.Kind.STOPPED) {
            System.err.print(TextReport.line(outcome) + "\n" + TextReport.standstill(outcome));
        }
    }

    private static String withoutDeath(Outcome outcome, boolean screenIsShown) {
        String where = outcome.kind() == Outcome.Kind.STOPPED ? TextReport.standstill(outcome) : "";
        return TextReport.line(outcome) + "\n" + where + (screenIsShown ? "" : screen(outcome));
    }

    private static String screen(Outcome outcome) {
        Screen screen = outcome.screen();
        return screen.isBlank() ? "" : TextReport.screen(screen);
    }

    private BootFiles files(String guest) {
        return new BootFiles(
                "kvm:boot",
                new OutputFile("kvm.report", report),
                pageFile(guest),
                new OutputFile("kvm.screenshot", screenshot));
    }

    /**
     * Returns the file for a guest's page: the one asked for, else one in the project, if there is a project.
     */
    private OutputFile pageFile(String guest) {
        File byDefault = project.getFile() == null
                ? null
                : new File(
                        project.getBuild().getDirectory(),
                        "kvm-reports/boot-" + guest.replaceAll("[^A-Za-z0-9._-]", "_") + ".html");
        return new OutputFile("kvm.html", html == null ? byDefault : html);
    }

    private BootParameters.Text text() {
        BootParameters.Text text = commonText();
        text.boot = boot;
        text.timeout = timeout;
        text.engine = engine;
        text.qemuArguments = qemuArguments;
        text.expect = expect;
        text.exitCode = exitCode;
        text.console = console;
        text.panics = panics;
        text.strictPorts = strictPorts;
        text.watchExceptions = watchExceptions;
        return text;
    }
}
