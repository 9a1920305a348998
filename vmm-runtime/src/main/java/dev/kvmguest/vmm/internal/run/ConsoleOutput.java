package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.outcome.Console;
import java.util.function.IntConsumer;

/**
 * Puts what a guest writes on its console, until its run is over: a guest that is examined afterwards may go on
 * writing.
 */
final class ConsoleOutput implements IntConsumer {

    private final Console console = new Console();
    private volatile boolean stopped;

    /** Takes a byte, 0 to 255. */
    @Override
    public void accept(int octet) {
        if (!stopped) {
            console.append(octet);
        }
    }

    /** Drops what comes from now on. */
    void stop() {
        stopped = true;
    }

    Console console() {
        return console;
    }
}
