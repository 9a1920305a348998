package dev.kvmguest.vmm.internal.qemu;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/** A connection to a server on this host that listens at a file; no network can reach it. */
final class UnixSocket implements AutoCloseable {

    private static final int NOTHING = -1;

    private final SocketChannel channel;
    private final ByteBuffer read = ByteBuffer.allocate(1 << 14).flip();

    UnixSocket(Path file) throws IOException {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(file));
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** Returns the next byte, 0 to 255, or -1 when the other side has closed. */
    int read() throws IOException {
        if (!read.hasRemaining()) {
            int count = channel.read(read.clear());
            read.flip();
            if (count < 0) {
                return NOTHING;
            }
        }
        return Byte.toUnsignedInt(read.get());
    }

    void write(byte[] bytes) throws IOException {
        ByteBuffer left = ByteBuffer.wrap(bytes);
        while (left.hasRemaining()) {
            channel.write(left);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
