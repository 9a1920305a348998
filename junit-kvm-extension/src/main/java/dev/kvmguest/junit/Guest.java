package dev.kvmguest.junit;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.Snapshot;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.keyboard.Key;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.mouse.MouseButton;
import dev.kvmguest.vmm.outcome.Console;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.PatternSearch;
import dev.kvmguest.vmm.outcome.Picture;
import dev.kvmguest.vmm.outcome.PictureTolerance;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.text.ConsoleText;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * A guest that a test talks to while it runs. It boots on first use and is gone after the test.
 *
 * <pre>{@code
 * @Test
 * @KvmGuest("kernel")
 * void multiplies(Guest guest) {
 *     guest.awaitOutput("Select:");
 *     guest.type("1\n");
 *     guest.awaitOutput("9 x 9 = 81");
 *     assertThat(guest).ended().hypercallExited();
 * }
 * }</pre>
 *
 * <p>When the test has passed, the guest has what was typed for it and goes on for 100 ms of guest time, unless it ends
 * or waits for input before, as {@link Machine#finish} says. If it dies then, the test fails. On the emulator the same
 * test has the same verdict every time if it ends soon after it last awaited output or typed. A test that looks at the
 * screen or at memory, or sleeps, sees the guest wherever the host has brought it.
 *
 * <p>Awaiting reads the console like a conversation: each call looks only at what came after the text that the previous
 * one found. With several vCPUs this is the first one; {@link #vcpu} returns the others. Any thread may call any
 * method. Interrupting a thread that awaits something stops the guest.
 */
public final class Guest {

    /**
     * How long what the guest does is awaited if no time is named: its own time limit ends the run, after which
     * nothing is awaited. How long it takes until that shows depends on the host.
     */
    private static final Duration UNTIL_THE_GUEST_ENDS = ChronoUnit.FOREVER.getDuration();

    /**
     * The interval between looks at the screen, in milliseconds: short for a person, and almost no load for a
     * processor.
     */
    private static final long SCREEN_INTERVAL = 5;

    private final GuestSession session;
    private final int vcpu;

    Guest(GuestSession session, int vcpu) {
        this.session = session;
        this.vcpu = vcpu;
    }

    /**
     * Waits until the guest has written a text, up to the guest's time limit.
     *
     * @return what it wrote since what was last awaited, up to and including {@code text}
     * @throws AssertionError if the guest ends first; the message says how, with the console's tail
     */
    public String awaitOutput(String text) {
        return found(text, UNTIL_THE_GUEST_ENDS);
    }

    /**
     * Waits until the guest has written a text, at most {@code timeout}, as {@link TimeFactor} stretches it.
     *
     * @return what it wrote since what was last awaited, up to and including {@code text}
     * @throws AssertionError if the guest ends or the time runs out first
     */
    public String awaitOutput(String text, Duration timeout) {
        return found(text, TimeFactor.stretch(timeout));
    }

    /**
     * Waits until what the guest has written contains a match, up to the guest's time limit. See
     * {@link Console#await(Pattern, Duration)} about patterns that end in a quantifier.
     *
     * @return what it wrote since what was last awaited, up to the end of the match
     * @throws AssertionError if the guest ends first, or the search for the pattern takes too long
     */
    public String awaitOutput(Pattern pattern) {
        return found(pattern, UNTIL_THE_GUEST_ENDS);
    }

    /**
     * Waits until what the guest has written contains a match, at most {@code timeout}, as {@link TimeFactor} stretches
     * it.
     *
     * @return what it wrote since what was last awaited, up to the end of the match
     * @throws AssertionError if the guest ends or the time runs out first, or the search for the pattern takes too long
     */
    public String awaitOutput(Pattern pattern, Duration timeout) {
        return found(pattern, TimeFactor.stretch(timeout));
    }

    /**
     * Waits until a text is on the screen, up to the guest's time limit. Lines of the text are ended by LF; see
     * {@link Screen#text} for blanks.
     *
     * @return the screen with the text on it
     * @throws AssertionError if the guest ends first; the message says how, and shows the screen
     */
    public Screen awaitScreen(String text) {
        return shown(text, UNTIL_THE_GUEST_ENDS);
    }

    /**
     * Waits until a text is on the screen, at most {@code timeout}, as {@link TimeFactor} stretches it.
     *
     * @return the screen with the text on it
     * @throws AssertionError if the guest ends or the time runs out first
     */
    public Screen awaitScreen(String text, Duration timeout) {
        return shown(text, TimeFactor.stretch(timeout));
    }

    /**
     * Waits until the screen shows exactly this picture, up to the guest's time limit. If it never does, the expected
     * and the actual picture and their difference are published with the test's other files.
     *
     * @return the screen that shows it
     * @throws AssertionError if the guest ends first; the message says how, and where the pictures differ
     */
    public Screen awaitPicture(Picture expected) {
        return awaitPicture(expected, PictureTolerance.EXACT);
    }

    /**
     * Waits until the screen shows a picture, as nearly as the tolerance says, up to the guest's time limit.
     *
     * @return the screen that shows it
     * @throws AssertionError if the guest ends first
     */
    public Screen awaitPicture(Picture expected, PictureTolerance tolerance) {
        return shown(ExpectedPicture.of(expected, tolerance), UNTIL_THE_GUEST_ENDS);
    }

    /**
     * Waits until the screen shows a picture, as nearly as the tolerance says, at most {@code timeout}, as
     * {@link TimeFactor} stretches it.
     *
     * @return the screen that shows it
     * @throws AssertionError if the guest ends or the time runs out first
     */
    public Screen awaitPicture(Picture expected, PictureTolerance tolerance, Duration timeout) {
        return shown(ExpectedPicture.of(expected, tolerance), TimeFactor.stretch(timeout));
    }

    /**
     * Waits until the screen shows exactly the picture in a PNG file, up to the guest's time limit. If there is no such
     * file, this fails at the guest's end, and the picture that is shown then is published, to be copied there.
     *
     * @return the screen that shows it
     * @throws AssertionError if the guest ends first
     * @throws IllegalArgumentException if the file isn't a PNG file that can be read
     */
    public Screen awaitPicture(Path expected) {
        return awaitPicture(expected, PictureTolerance.EXACT);
    }

    /**
     * Waits until the screen shows the picture in a PNG file, as nearly as the tolerance says, up to the guest's time
     * limit.
     *
     * @return the screen that shows it
     * @throws AssertionError if the guest ends first
     * @throws IllegalArgumentException if the file isn't a PNG file that can be read
     */
    public Screen awaitPicture(Path expected, PictureTolerance tolerance) {
        return shown(ExpectedPicture.in(expected, tolerance), UNTIL_THE_GUEST_ENDS);
    }

    /**
     * Types text, in UTF-8, for the guest to read from COM1, the hypercall port or the keyboard; see
     * {@link Machine#type(int, byte[])}.
     */
    public void type(String text) {
        session.machine().type(vcpu, text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Types text on the guest's keyboard, which has the US layout. See {@link Machine#typeOnKeyboard}.
     *
     * @throws IllegalArgumentException if the layout doesn't have a character; nothing is typed then
     */
    public void typeOnKeyboard(String text) {
        session.machine().typeOnKeyboard(vcpu, text);
    }

    /**
     * Presses keys of the guest's keyboard together: one after the other, then releases them in the opposite order.
     *
     * @throws IllegalArgumentException if no key is given
     */
    public void press(Key... keys) {
        session.machine().press(vcpu, keys);
    }

    /**
     * Moves the guest's mouse, with buttons held down; those that aren't named are released. It waits until the guest
     * has had the mouse report and looks for packets; see {@link Machine#moveMouse}.
     *
     * @param dx counts to the right, -32767 to 32767; a packet has at most 255
     * @param dy counts away from the user, which mostly is up on a screen, -32767 to 32767
     * @param held the buttons that are held down meanwhile
     * @throws IllegalArgumentException if {@code dx} or {@code dy} is out of range; nothing is moved then
     */
    public void moveMouse(int dx, int dy, MouseButton... held) {
        session.machine().moveMouse(vcpu, dx, dy, held);
    }

    /**
     * Presses buttons of the guest's mouse at once and releases them.
     *
     * @throws IllegalArgumentException if no button is given
     */
    public void click(MouseButton... buttons) {
        session.machine().click(vcpu, buttons);
    }

    /**
     * Turns the wheel of the guest's mouse, with no button held; see {@link Machine#turnMouseWheel}.
     *
     * @param notches towards the user, -32767 to 32767
     * @throws IllegalArgumentException if {@code notches} is out of range; nothing is turned then
     */
    public void turnMouseWheel(int notches) {
        session.machine().turnMouseWheel(vcpu, notches);
    }

    /** Returns what the guest has written so far. */
    public String console() {
        return bootedConsole().text();
    }

    /** Returns what the screen shows now, which all vCPUs share; it may be half drawn. */
    public Screen screen() {
        return session.machine().screen();
    }

    /** Waits until the guest has ended, by itself or at its time limit, and returns how. */
    public Outcome await() {
        return session.await(vcpu);
    }

    /** Waits until every vCPU has ended, and returns how, in the order of their numbers. */
    public List<Outcome> awaitAll() {
        return session.runToEnd();
    }

    /** Returns how the guest ended; empty while it runs or before it has booted. Boots nothing. */
    public Optional<Outcome> outcome() {
        return session.outcome(vcpu);
    }

    /** Returns whether the guest has booted and not ended. Boots nothing. */
    public boolean isRunning() {
        return session.booted().isPresent() && outcome().isEmpty();
    }

    /** Stops every vCPU without waiting for it. Does nothing before the guest has booted. */
    public void stop() {
        session.booted().ifPresent(machine -> machine.stop());
    }

    /** Returns the guest's RAM, which all vCPUs share; it can be read until the test has ended. */
    public GuestMemory memory() {
        return session.machine().memory();
    }

    /** Returns the number of vCPUs. */
    public int vcpus() {
        return session.config().vcpus().size();
    }

    /**
     * Returns the same machine as seen by another vCPU, by its number from 0.
     *
     * @throws IllegalArgumentException if there is no such vCPU
     */
    public Guest vcpu(int number) {
        if (number < 0 || number >= vcpus()) {
            throw new IllegalArgumentException(
                    "vcpu " + number + " does not exist; this guest's are 0 to " + (vcpus() - 1));
        }
        return new Guest(session, number);
    }

    /** Returns the name of the image and, if there are several, the vCPU's number. */
    @Override
    public String toString() {
        String image = session.config().vcpus().get(vcpu).image().name();
        return vcpus() == 1 ? image : image + " (vCPU " + vcpu + ")";
    }

    private Console bootedConsole() {
        return session.machine().console(vcpu);
    }

    /**
     * Takes a snapshot of the guest, wherever it is; it goes on meanwhile. What is looked for on the console after
     * {@link #restore} is what came after what was awaited until now.
     *
     * @throws IllegalStateException if it has ended, or there are several vCPUs
     */
    public Snapshot checkpoint() {
        return session.checkpoint();
    }

    /**
     * Has the guest go on from a checkpoint, with a new machine and its whole time limit. What it did since then is
     * undone; how it ended, if it did, must have been asserted.
     *
     * @throws AssertionError if the guest had died, hung or could not be run, and the test has not asserted that
     */
    public void restore(Snapshot checkpoint) {
        session.restore(checkpoint);
    }

    /**
     * Tries each of several inputs from here: the guest goes on from where it is now each time, as it does at the end.
     *
     * @param inputs what is tried, one after the other
     * @param trial what is done with the guest and an input, and asserted
     * @throws AssertionError if a trial fails, or the guest died in it and that was not asserted; the message names the
     *     input
     */
    public <T> void forEach(Iterable<T> inputs, Consumer<? super T> trial) {
        try (Snapshot here = checkpoint()) {
            for (T input : inputs) {
                try {
                    restore(here);
                    trial.accept(input);
                    session.requireAcceptedEnd();
                } catch (AssertionError e) {
                    throw new AssertionError(
                            "with input " + ConsoleText.quoted(String.valueOf(input)) + ": " + e.getMessage(), e);
                }
            }
            restore(here);
        }
    }

    private String found(String text, Duration timeout) {
        String found = found(() -> bootedConsole().await(text, timeout), ConsoleText.quoted(text), timeout);
        session.awaited(vcpu, Consoles.literally(text));
        return found;
    }

    private String found(Pattern pattern, Duration timeout) {
        String found = found(() -> bootedConsole().await(pattern, timeout), '/' + pattern.pattern() + '/', timeout);
        session.awaited(vcpu, pattern);
        return found;
    }

    private String found(Wait wait, String wanted, Duration timeout) {
        try {
            return wait.forOutput()
                    .orElseThrow(() -> new AssertionError(
                            missing("expected the guest to write " + wanted + afterWhat(), "it has not", timeout)));
        } catch (PatternSearch.GivenUpException e) {
            throw new AssertionError(
                    outcome()
                            .map(outcome -> Failures.message(e.getMessage(), outcome))
                            .orElseGet(() -> Failures.message(e.getMessage(), this)),
                    e);
        } catch (InterruptedException e) {
            throw interrupted("output " + wanted, e);
        }
    }

    /** Returns what came before the place from which on output is looked at, if there is any. */
    private String afterWhat() {
        Console console = bootedConsole();
        int awaited = console.awaited();
        String before = new String(console.bytes(), 0, awaited, StandardCharsets.UTF_8);
        return awaited == 0 ? "" : " after " + ConsoleText.quoted(ConsoleText.tail(before));
    }

    private Screen shown(String text, Duration timeout) {
        Look look = look(screen -> screen.text().contains(text), timeout, "screen " + ConsoleText.quoted(text));
        if (!look.found) {
            String expected = "expected the guest to show " + ConsoleText.quoted(text) + " on its screen";
            throw new AssertionError(missing(expected, look.screen.isBlank() ? "it is blank" : "it has not", timeout));
        }
        return look.screen;
    }

    private Screen shown(ExpectedPicture picture, Duration timeout) {
        Look look = look(picture::isShownBy, timeout, picture.name());
        if (!look.found) {
            String expected = "expected " + picture.mismatch(look.screen);
            String message = outcome()
                    .map(outcome -> Failures.message(expected + "\nthe guest " + outcome.describe(), outcome))
                    .orElseGet(() ->
                            Failures.message(expected + "\nthat was awaited for " + timeout.toMillis() + " ms", this));
            throw picture.failure(message, look.screen);
        }
        return look.screen;
    }

    /** A look at the screen: what was awaited, or the last one. */
    private record Look(Screen screen, boolean found) {}

    private Look look(Predicate<Screen> wanted, Duration timeout, String what) {
        // Saturates: what is longer than a long of nanoseconds is for ever.
        long patience = TimeUnit.NANOSECONDS.convert(timeout);
        long start = System.nanoTime();
        try {
            while (true) {
                // In this order: what is on the screen of a guest that has ended is all that will ever be.
                boolean last = outcome().isPresent() || System.nanoTime() - start >= patience;
                Screen screen = screen();
                boolean found = wanted.test(screen);
                if (found || last) {
                    return new Look(screen, found);
                }
                Thread.sleep(SCREEN_INTERVAL);
            }
        } catch (InterruptedException e) {
            throw interrupted(what, e);
        }
    }

    private VmmException interrupted(String awaited, InterruptedException e) {
        stop();
        Thread.currentThread().interrupt();
        return new VmmException("interrupted while awaiting " + awaited + "; the guest has been stopped", e);
    }

    private String missing(String expected, String state, Duration timeout) {
        return outcome()
                .map(outcome -> Failures.message(expected + ", but it " + outcome.describe(), outcome))
                .orElseGet(
                        () -> Failures.message(expected + " within " + timeout.toMillis() + " ms, but " + state, this));
    }

    private interface Wait {
        Optional<String> forOutput() throws InterruptedException;
    }
}
