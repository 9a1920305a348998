package dev.kvmguest.maven.boot;

import java.io.IOException;
import java.io.OutputStream;
import java.util.function.IntConsumer;

/** Shows what a guest writes as soon as it is written, byte for byte. */
final class LiveConsole implements IntConsumer {

    private final OutputStream out;
    private boolean midLine;
    private boolean gone;

    LiveConsole(OutputStream out) {
        this.out = out;
    }

    @Override
    public void accept(int octet) {
        midLine = octet != '\n';
        write(octet);
    }

    /** Ends the line that the guest has left open, so that what follows starts one of its own. */
    void endLine() {
        if (midLine) {
            midLine = false;
            write('\n');
        }
    }

    private void write(int octet) {
        if (gone) {
            return;
        }
        try {
            out.write(octet);
            out.flush();
        } catch (IOException e) {
            // Nobody reads any more, as after "| head"; that is no reason for the guest to end another way.
            gone = true;
        }
    }
}
