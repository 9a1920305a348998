package dev.kvmguest.maven.boot;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.function.Consumer;

/** Hands the keys that a user types to a guest, but for the escape key, which ends the run. */
final class Keyboard implements AutoCloseable {

    /** Ctrl-], which telnet and virsh use for the same. */
    static final int ESCAPE_KEY = 0x1d;

    private final InputStream in;
    private final Consumer<byte[]> typed;
    private final Runnable escape;
    private final Thread thread = new Thread(this::run, "kvmguest-keyboard");
    private volatile boolean closed;

    /**
     * Creates a keyboard.
     *
     * @param in the terminal's keys, as {@link Terminal#keys} gives them
     * @param typed takes the keys
     * @param escape called at the escape key, or when the terminal is gone
     */
    Keyboard(InputStream in, Consumer<byte[]> typed, Runnable escape) {
        this.in = in;
        this.typed = typed;
        this.escape = escape;
        thread.setDaemon(true);
    }

    /** Starts to read. */
    void start() {
        thread.start();
    }

    /** Waits until nothing is read any more, so that the next key is another reader's. */
    @Override
    public void close() {
        closed = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        boolean more = true;
        while (more && !closed) {
            more = handOn();
        }
    }

    /** Hands on what can be read by one read, and says whether to go on. */
    boolean handOn() {
        byte[] keys = new byte[256];
        int count;
        try {
            count = in.read(keys);
        } catch (IOException e) {
            escape.run();
            return false;
        }
        int end = 0;
        while (end < count && keys[end] != ESCAPE_KEY) {
            end++;
        }
        if (end > 0) {
            typed.accept(Arrays.copyOf(keys, end));
        }
        if (end < count) {
            escape.run();
            return false;
        }
        return true;
    }
}
