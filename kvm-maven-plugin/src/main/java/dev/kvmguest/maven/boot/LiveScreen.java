package dev.kvmguest.maven.boot;

import dev.kvmguest.vmm.outcome.Screen;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Draws a guest's screen on a terminal whenever it has changed, over what was drawn before, for guests that write to
 * text memory only. Once something comes to the console, that has the terminal.
 */
final class LiveScreen implements AutoCloseable {

    private static final long PERIOD_MILLIS = 100;
    private static final String ERASE_BELOW = "\u001b[J";

    private final Supplier<Screen> screen;
    private final LiveConsole console;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "kvmguest-screen");

    private Screen drawn = Screen.BLANK;
    private int rows;
    private boolean shown;

    /**
     * Creates one that draws nothing yet.
     *
     * @param screen gives what the screen shows, to any thread
     * @param console has the terminal
     */
    LiveScreen(Supplier<Screen> screen, LiveConsole console) {
        this.screen = screen;
        this.console = console;
        thread.setDaemon(true);
    }

    /** Starts to look at the screen again and again. */
    void start() {
        thread.start();
    }

    /** Stops, after a last look. */
    @Override
    public void close() {
        closed.countDown();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        look();
    }

    /** Returns whether the terminal shows what the screen showed when it was last looked at. */
    synchronized boolean isShown() {
        return shown;
    }

    private void run() {
        try {
            while (!closed.await(PERIOD_MILLIS, TimeUnit.MILLISECONDS)) {
                look();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Draws the screen if it isn't what was drawn last. */
    synchronized void look() {
        Screen now = screen.get();
        if (now.text().equals(drawn.text())) {
            return;
        }
        String text = now.text();
        String back = rows == 0 ? "" : cursorUp(rows) + ERASE_BELOW;
        shown = console.showInstead(back + text + "\n");
        drawn = now;
        rows = (int) text.chars().filter(c -> c == '\n').count() + 1;
    }

    private static String cursorUp(int lines) {
        return "\u001b[" + lines + "A";
    }
}
