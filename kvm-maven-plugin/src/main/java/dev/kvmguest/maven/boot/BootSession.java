package dev.kvmguest.maven.boot;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.OutputStream;
import java.time.Duration;

/** One run of a guest whose console is the terminal. */
public final class BootSession {

    /** What the user presses to end a run, in words. */
    public static final String ESCAPE_KEY = "Ctrl-]";

    /** The time limit of a run that a user watches and can end: longer than anybody does. */
    public static final Duration NO_LIMIT = Duration.ofDays(365);

    private final OutputStream out;
    private final boolean keyboard;
    private final boolean draws;
    private boolean screenIsShown;

    /**
     * Creates a session.
     *
     * @param out takes the guest's console, byte for byte, flushed after each
     * @param keyboard whether the terminal's keys go to the guest; see {@link #hasKeyboard}
     * @param draws whether the guest's screen is drawn while its console is empty: {@code out} is a terminal
     */
    public BootSession(OutputStream out, boolean keyboard, boolean draws) {
        this.out = out;
        this.keyboard = keyboard;
        this.draws = draws;
    }

    /** Returns whether this process has a terminal whose single keys can be passed to a guest. */
    public static boolean hasKeyboard() {
        return Terminal.available();
    }

    /** Returns whether the standard output of this process is a terminal. */
    public static boolean hasTerminal() {
        return Terminal.isOutput();
    }

    /**
     * Boots a guest and waits for its end, or for the user to end it.
     *
     * @throws IllegalArgumentException if the guest can't be placed as the configuration says
     * @throws dev.kvmguest.vmm.config.VmmException if this host can't run it
     */
    public Outcome run(MachineConfig config) {
        try (Machine machine = Machine.create(config)) {
            LiveConsole console = new LiveConsole(out);
            machine.console().forwardTo(console);
            Outcome outcome = draws ? runWithScreen(machine, console) : runToItsEnd(machine);
            console.endLine();
            return outcome;
        }
    }

    /** Returns whether what the screen showed at the end of the run can be seen on the terminal. */
    public boolean screenIsShown() {
        return screenIsShown;
    }

    private Outcome runWithScreen(Machine machine, LiveConsole console) {
        LiveScreen screen = new LiveScreen(machine::screen, console);
        try (screen) {
            screen.start();
            return runToItsEnd(machine);
        } finally {
            screenIsShown = screen.isShown();
        }
    }

    private Outcome runToItsEnd(Machine machine) {
        return keyboard ? runWithKeyboard(machine) : machine.run();
    }

    private static Outcome runWithKeyboard(Machine machine) {
        try (Terminal terminal = Terminal.singleKeys();
                Keyboard keyboard = new Keyboard(terminal.keys(), keys -> machine.type(0, keys), machine::stop)) {
            keyboard.start();
            // So that a guest which halts until a key is pressed goes on waiting.
            machine.start();
            return machine.run();
        }
    }
}
