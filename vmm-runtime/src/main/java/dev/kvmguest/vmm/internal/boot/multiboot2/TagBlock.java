package dev.kvmguest.vmm.internal.boot.multiboot2;

import dev.kvmguest.vmm.image.Multiboot2Tag;
import dev.kvmguest.vmm.internal.boot.layout.CString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The bytes of the boot information: its size, a reserved doubleword, and tags of type, size and content, each at a
 * multiple of 8. A tag's size doesn't count what is left free before the next.
 */
final class TagBlock {

    private static final int ALIGNMENT = 8;
    private static final int SIZE_IN_TAG = 4;

    private ByteBuffer buffer = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
    /** Where the tag that is being written starts; 0 before the first. */
    private int tag;

    TagBlock() {
        putInt(0).putInt(0);
    }

    /** Starts a tag. What follows is its content. */
    TagBlock start(Multiboot2Tag type) {
        finish();
        room(ALIGNMENT);
        buffer.position(buffer.position() + ALIGNMENT - 1 & -ALIGNMENT);
        tag = buffer.position();
        return putInt(type.number()).putInt(0);
    }

    /** Ends the block with the tag for that. */
    void end() {
        start(Multiboot2Tag.END);
        finish();
        buffer.putInt(0, buffer.position());
    }

    private void finish() {
        if (tag != 0) {
            buffer.putInt(tag + SIZE_IN_TAG, buffer.position() - tag);
        }
    }

    TagBlock putByte(int value) {
        room(Byte.BYTES).put((byte) value);
        return this;
    }

    TagBlock putShort(int value) {
        room(Short.BYTES).putShort((short) value);
        return this;
    }

    TagBlock putInt(int value) {
        room(Integer.BYTES).putInt(value);
        return this;
    }

    TagBlock putLong(long value) {
        room(Long.BYTES).putLong(value);
        return this;
    }

    /** Puts a text in UTF-8, ended by NUL. */
    TagBlock putString(String text) {
        return putBytes(CString.of(text));
    }

    TagBlock putBytes(byte[] bytes) {
        room(bytes.length).put(bytes);
        return this;
    }

    /** Returns the block's bytes so far. */
    byte[] bytes() {
        return Arrays.copyOf(buffer.array(), buffer.position());
    }

    private ByteBuffer room(int bytes) {
        if (buffer.remaining() < bytes) {
            ByteBuffer larger = ByteBuffer.allocate(Math.max(2 * buffer.capacity(), buffer.position() + bytes))
                    .order(ByteOrder.LITTLE_ENDIAN);
            larger.put(buffer.array(), 0, buffer.position());
            buffer = larger;
        }
        return buffer;
    }
}
