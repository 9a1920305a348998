package dev.kvmguest.maven.boot;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.IntConsumer;

/** Shows what a guest writes as soon as it is written, byte for byte. Any thread may call any method. */
final class LiveConsole implements IntConsumer {

    private final OutputStream out;
    private boolean used;
    private boolean midLine;
    private boolean gone;

    LiveConsole(OutputStream out) {
        this.out = out;
    }

    @Override
    public synchronized void accept(int octet) {
        used = true;
        midLine = octet != '\n';
        write(new byte[] {(byte) octet});
    }

    /**
     * Shows whole lines of text in its place, as long as the guest has written nothing.
     *
     * @return whether they are shown
     */
    synchronized boolean showInstead(String lines) {
        if (!used) {
            write(lines.getBytes(StandardCharsets.UTF_8));
        }
        return !used && !gone;
    }

    /** Ends the line that the guest has left open, so that what follows starts one of its own. */
    synchronized void endLine() {
        if (midLine) {
            midLine = false;
            write(new byte[] {'\n'});
        }
    }

    private void write(byte[] octets) {
        if (gone) {
            return;
        }
        try {
            out.write(octets);
            out.flush();
        } catch (IOException e) {
            // Nobody reads any more, as after "| head"; that is no reason for the guest to end another way.
            gone = true;
        }
    }
}
