package dev.kvmguest.maven.boot;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import dev.kvmguest.vmm.config.VmmException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.InputStream;

/**
 * The terminal on the standard input, set to give single keys without echo until it is closed. It is set back as it was
 * when the JVM ends too, by Ctrl-C for instance.
 */
final class Terminal implements AutoCloseable {

    private static final int STDIN = 0;
    private static final int STDOUT = 1;

    // <asm-generic/termbits.h> and glibc's <bits/termios-struct.h>: x86 and ARM have these, other architectures not.
    private static final int TCSADRAIN = 1;
    private static final int SIZEOF_TERMIOS = 60;
    private static final int OFFSET_IFLAG = 0;
    private static final int OFFSET_LFLAG = 12;
    private static final int OFFSET_CC = 17;
    private static final int IXON = 0x400;
    private static final int ICANON = 0x2;
    private static final int ECHO = 0x8;
    private static final int ECHONL = 0x40;
    private static final int IEXTEN = 0x8000;
    private static final int VQUIT = 1;
    private static final int VTIME = 5;
    private static final int VMIN = 6;
    private static final int VSUSP = 10;
    private static final byte DISABLED = 0;

    /** Reads that find no key end after this long, in tenths of a second. */
    private static final byte READ_TIMEOUT = 1;

    private final Memory before;
    private final Thread hook = new Thread(this::restore, "kvmguest-terminal");

    private Terminal(Memory before) {
        this.before = before;
    }

    /** Returns whether the standard input is a terminal that this process may read and that can give single keys. */
    static boolean available() {
        if (!Platform.isLinux() || !Platform.isIntel() && !Platform.isARM()) {
            return false;
        }
        try {
            return CLibrary.isatty(STDIN) == 1
                    // In the background, setting the terminal would stop the process.
                    && CLibrary.tcgetpgrp(STDIN) == CLibrary.getpgrp();
        } catch (LinkageError e) {
            // Without JNA's native library a guest can still be booted, on the emulator.
            return false;
        }
    }

    /** Returns whether the standard output is a terminal. */
    static boolean isOutput() {
        try {
            return Platform.isWindows() ? System.console() != null : CLibrary.isatty(STDOUT) == 1;
        } catch (LinkageError e) {
            return false;
        }
    }

    /**
     * Sets the terminal to single keys. Ctrl-C keeps its meaning; Ctrl-Z, Ctrl-\, Ctrl-S and Ctrl-Q become keys like
     * any other, and Enter stays a line feed.
     *
     * @throws VmmException if the terminal refuses
     */
    static Terminal singleKeys() {
        // As large as the C library's struct, which it reads and writes as a whole; freed with this object.
        Memory before = new Memory(SIZEOF_TERMIOS);
        if (CLibrary.tcgetattr(STDIN, before) != 0) {
            throw new VmmException("the terminal's settings can't be read (tcgetattr: error " + Native.getLastError()
                    + "); run Maven with -B to boot the guest without a keyboard");
        }
        Terminal terminal = new Terminal(before);
        // Before the change, so that no Ctrl-C comes between the two.
        Runtime.getRuntime().addShutdownHook(terminal.hook);
        Memory keys = new Memory(SIZEOF_TERMIOS);
        keys.write(0, before.getByteArray(0, SIZEOF_TERMIOS), 0, SIZEOF_TERMIOS);
        clear(keys, OFFSET_IFLAG, IXON);
        clear(keys, OFFSET_LFLAG, ICANON | ECHO | ECHONL | IEXTEN);
        keys.setByte(OFFSET_CC + VQUIT, DISABLED);
        keys.setByte(OFFSET_CC + VSUSP, DISABLED);
        keys.setByte(OFFSET_CC + VMIN, (byte) 0);
        keys.setByte(OFFSET_CC + VTIME, READ_TIMEOUT);
        CLibrary.tcsetattr(STDIN, TCSADRAIN, keys);
        return terminal;
    }

    /**
     * Returns the keys, of which each read gives those that are there or, after a short while, the end of the stream.
     */
    InputStream keys() {
        // Past the standard input's buffer: it would take keys that are not for this guest.
        return new FileInputStream(FileDescriptor.in);
    }

    @Override
    public void close() {
        restore();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The JVM is ending; the hook restores the same once more.
        }
    }

    private void restore() {
        CLibrary.tcsetattr(STDIN, TCSADRAIN, before);
    }

    private static void clear(Memory termios, int offset, int flags) {
        termios.setInt(offset, termios.getInt(offset) & ~flags);
    }

    /** What is needed of the C library. */
    private static final class CLibrary {

        static {
            Native.register(Platform.C_LIBRARY_NAME);
        }

        static native int isatty(int fd);

        static native int getpgrp();

        static native int tcgetpgrp(int fd);

        static native int tcgetattr(int fd, Memory termios);

        static native int tcsetattr(int fd, int when, Memory termios);
    }
}
