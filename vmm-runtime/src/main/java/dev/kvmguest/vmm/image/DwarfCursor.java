package dev.kvmguest.vmm.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads DWARF data of a little-endian file from a part of a section, and never past that part. */
final class DwarfCursor {

    /** A part of the debug information contradicts itself, or is of a kind that isn't read here. */
    static final class DamagedException extends RuntimeException {

        private static final long serialVersionUID = 1;

        DamagedException(String message) {
            // For control flow only: a damaged unit has no lines, and this exception is never shown.
            super(message, null, false, false);
        }
    }

    private final ByteBuffer data;

    /** Creates a cursor that reads from the buffer's position to its limit; the buffer itself stays as it is. */
    DwarfCursor(ByteBuffer data) {
        this.data = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    int remaining() {
        return data.remaining();
    }

    int u8() {
        return Byte.toUnsignedInt(require(1).get());
    }

    int s8() {
        return require(1).get();
    }

    int u16() {
        return Short.toUnsignedInt(require(2).getShort());
    }

    long u32() {
        return Integer.toUnsignedLong(require(4).getInt());
    }

    /** Reads an address that takes all that is left: 4 or 8 bytes. */
    long address() {
        return switch (remaining()) {
            case Integer.BYTES -> u32();
            case Long.BYTES -> require(Long.BYTES).getLong();
            default -> throw new DamagedException("an address of " + remaining() + " bytes");
        };
    }

    /** Reads an unsigned LEB128 number; it must fit in 63 bits. */
    long uleb() {
        long value = 0;
        int shift = 0;
        int next;
        do {
            next = u8();
            long bits = next & 0x7f;
            if (shift < Long.SIZE - 1) {
                value |= bits << shift;
            } else if (bits != 0) {
                throw new DamagedException("an unsigned number of more than 63 bits");
            }
            shift += 7;
        } while (next >= 0x80);
        return value;
    }

    /** Reads a signed LEB128 number. Bits that don't fit in 64 are lost. */
    long sleb() {
        long value = 0;
        int shift = 0;
        int next;
        do {
            next = u8();
            if (shift < Long.SIZE) {
                value |= (long) (next & 0x7f) << shift;
            }
            shift += 7;
        } while (next >= 0x80);
        boolean negative = (next & 0x40) != 0;
        return negative && shift < Long.SIZE ? value | -1L << shift : value;
    }

    /** Reads past a text that ends with a zero byte. */
    DwarfText text() {
        DwarfText text = new DwarfText(data, data.position());
        while (u8() != 0) {
            // u8() ends this at the end of the data.
        }
        return text;
    }

    void skip(long size) {
        part(size);
    }

    /** Reads past a part and returns a cursor over it. */
    DwarfCursor part(long size) {
        ByteBuffer part = require(size).duplicate();
        part.limit(data.position() + (int) size);
        data.position(part.limit());
        return new DwarfCursor(part);
    }

    private ByteBuffer require(long size) {
        if (size > data.remaining()) {
            throw new DamagedException(size + " bytes where " + data.remaining() + " are left");
        }
        return data;
    }
}
