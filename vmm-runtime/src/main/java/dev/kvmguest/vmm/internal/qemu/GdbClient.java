package dev.kvmguest.vmm.internal.qemu;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Speaks the remote protocol of GDB with QEMU's stub, as far as a guest is put in place by it: packets of the form
 * {@code $text#checksum} (GDB manual, appendix "GDB Remote Serial Protocol").
 */
final class GdbClient implements AutoCloseable {

    private static final String OK = "OK";
    /** A hardware breakpoint is no change of memory. */
    private static final int HARDWARE_BREAKPOINT = 1;
    /** Bytes in one packet: the stub takes packets of 4096 characters. */
    private static final int CHUNK = 1024;

    private final UnixSocket socket;

    GdbClient(UnixSocket socket) throws IOException {
        this.socket = socket;
        // Single registers can be written only by a debugger that has asked which there are.
        ask("qSupported:xmlRegisters=i386");
        ask("qXfer:features:read:target.xml:0,fff");
    }

    /** Goes on to an instruction, and stops before it. */
    void runTo(long address) throws IOException {
        String where = HARDWARE_BREAKPOINT + "," + Long.toHexString(address) + ",1";
        require("Z" + where);
        ask("c");
        require("z" + where);
    }

    /** Sets a register by its number in the stub's description of the target. */
    void setRegister(int number, long value, int bytes) throws IOException {
        StringBuilder hex = new StringBuilder();
        for (int i = 0; i < bytes; i++) {
            hex.append(String.format("%02x", value >> 8 * i & 0xff));
        }
        require("P" + Integer.toHexString(number) + "=" + hex);
    }

    /** Clears physical memory, that of devices too. */
    void clear(long address, int length) throws IOException {
        require("Qqemu.PhyMemMode:1");
        for (int at = 0; at < length; at += CHUNK) {
            int count = Math.min(CHUNK, length - at);
            require("M" + Long.toHexString(address + at) + "," + Integer.toHexString(count) + ":" + "00".repeat(count));
        }
        require("Qqemu.PhyMemMode:0");
    }

    /** Lets the machine run, and has nothing to do with it any more. */
    void detach() throws IOException {
        require("D");
    }

    private void require(String packet) throws IOException {
        String answer = ask(packet);
        if (!answer.equals(OK)) {
            throw new IOException("QEMU's GDB stub answers " + packet.substring(0, Math.min(packet.length(), 20))
                    + " with \"" + answer + "\"");
        }
    }

    private String ask(String packet) throws IOException {
        int sum = packet.chars().sum() & 0xff;
        socket.write(("$" + packet + "#" + String.format("%02x", sum)).getBytes(StandardCharsets.ISO_8859_1));
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        while (next() != '$') {
            continue;
        }
        for (int c = next(); c != '#'; c = next()) {
            answer.write(c);
        }
        next();
        next();
        socket.write(new byte[] {'+'});
        return answer.toString(StandardCharsets.ISO_8859_1);
    }

    private int next() throws IOException {
        int c = socket.read();
        if (c < 0) {
            throw new IOException("QEMU has closed its GDB stub");
        }
        return c;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
