package dev.kvmguest.vmm;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Writes an archive that a Linux kernel unpacks as its initial RAM disk.
 *
 * <p>Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst, "newc".
 */
final class Cpio {

    private static final int EXECUTABLE_FILE = 0100755;

    private final ByteArrayOutputStream archive = new ByteArrayOutputStream();
    private int files;

    /** Adds a file that can be executed. */
    Cpio program(String name, byte[] bytes) {
        add(name, EXECUTABLE_FILE, bytes);
        return this;
    }

    /** Returns the archive, with the entry at its end. */
    byte[] build() {
        add("TRAILER!!!", 0, new byte[0]);
        return archive.toByteArray();
    }

    private void add(String name, int mode, byte[] bytes) {
        // The magic number; inode, mode, owner, group, links, time, size, the numbers of devices, size of the name,
        // sum.
        int[] fields = {++files, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length() + 1, 0};
        StringBuilder head = new StringBuilder("070701");
        for (int field : fields) {
            head.append(String.format("%08x", field));
        }
        archive.writeBytes((head + name + "\0").getBytes(StandardCharsets.US_ASCII));
        align();
        archive.writeBytes(bytes);
        align();
    }

    private void align() {
        archive.writeBytes(new byte[-archive.size() & 3]);
    }
}
