package dev.kvmguest.vmm.internal.boot.limine;

import dev.kvmguest.vmm.internal.boot.layout.CString;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Memory in which a loader puts one thing after the other, each on a boundary of 8 bytes. */
final class LimineBlock {

    private final long base;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /**
     * Creates an empty block.
     *
     * @param base the linear address of its first byte
     */
    LimineBlock(long base) {
        this.base = base;
    }

    /** Adds bytes, and returns their linear address. */
    long add(byte[] more) {
        long address = base + bytes.size();
        bytes.writeBytes(more);
        bytes.writeBytes(new byte[-more.length & Long.BYTES - 1]);
        return address;
    }

    /** Adds 64-bit values, and returns the linear address of the first. */
    long add(long... words) {
        ByteBuffer buffer = ByteBuffer.allocate(words.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asLongBuffer().put(words);
        return add(buffer.array());
    }

    /** Adds an array of them, and returns its linear address. */
    long add(List<Long> words) {
        return add(words.stream().mapToLong(Long::longValue).toArray());
    }

    /** Adds a text in UTF-8 with a NUL after it, and returns its linear address. */
    long add(String text) {
        return add(CString.of(text));
    }

    /** Returns what it holds. */
    byte[] bytes() {
        return bytes.toByteArray();
    }
}
