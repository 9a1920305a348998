package dev.kvmguest.vmm.image;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Reads the table of tests of an ELF image without booting it: the pointers between the symbols
 * {@code __start_kvmguest_tests} and {@code __stop_kvmguest_tests}, each to a {@code struct kvmguest_test} of
 * {@code kvmguest.h}. Pointers have 4 bytes, or 8 in a 64-bit file. Every pointer in an image counts as hostile.
 */
public final class GuestTestTable {

    private static final String START = "__start_kvmguest_tests";
    private static final String STOP = "__stop_kvmguest_tests";
    /** Name, file, line and function; in a 64-bit file there is a gap after the line. */
    private static final int WORDS = 4;

    private static final int NAME_LIMIT = 255;
    private static final int FILE_LIMIT = 4095;

    private final GuestImage image;
    private final int pointerSize;

    private GuestTestTable(GuestImage image) {
        this.image = image;
        this.pointerSize = image.format() == GuestImage.Format.ELF64 ? Long.BYTES : Integer.BYTES;
    }

    /**
     * Returns an image's tests, in the order of their files and lines; empty if it has no table.
     *
     * @throws IllegalArgumentException if the table is damaged, or two tests have one name
     */
    public static List<GuestTestCase> read(GuestImage image) {
        return new GuestTestTable(image).read();
    }

    private List<GuestTestCase> read() {
        OptionalLong start = symbol(START);
        OptionalLong stop = symbol(STOP);
        if (start.isEmpty() && stop.isEmpty()) {
            return List.of();
        }
        if (start.isEmpty() || stop.isEmpty()) {
            throw error("has only one of the symbols " + START + " and " + STOP
                    + "; the linker script must define both or none");
        }
        long size = stop.getAsLong() - start.getAsLong();
        if (size < 0 || size % pointerSize != 0 || size / pointerSize > GuestTestCase.MAX_TESTS) {
            throw error("has a table of tests from " + hex(start.getAsLong()) + " to " + hex(stop.getAsLong())
                    + "; it must be made of at most " + GuestTestCase.MAX_TESTS + " pointers of " + pointerSize
                    + " bytes");
        }
        if (size == 0) {
            return List.of();
        }
        List<GuestTestCase> tests = new ArrayList<>();
        ByteBuffer table = bytes(start.getAsLong(), (int) size, "the table of tests");
        while (table.hasRemaining()) {
            tests.add(test(tests.size(), pointer(table)));
        }
        requireDistinctNames(tests);
        tests.sort(Comparator.comparing(GuestTestCase::file).thenComparingInt(GuestTestCase::line));
        return List.copyOf(tests);
    }

    private OptionalLong symbol(String name) {
        return image.symbols().stream()
                .filter(symbol -> symbol.name().equals(name))
                .mapToLong(Symbol::address)
                .findFirst();
    }

    private GuestTestCase test(int number, long address) {
        String what = "test " + number;
        ByteBuffer entry = bytes(address, WORDS * pointerSize, what);
        String name = text(pointer(entry), NAME_LIMIT, "the name of " + what);
        String file = text(pointer(entry), FILE_LIMIT, "the file name of " + what);
        try {
            return new GuestTestCase(number, name, file, entry.getInt());
        } catch (IllegalArgumentException e) {
            throw error("has a damaged " + what + ": " + e.getMessage());
        }
    }

    private long pointer(ByteBuffer bytes) {
        return pointerSize == Long.BYTES ? bytes.getLong() : Integer.toUnsignedLong(bytes.getInt());
    }

    private void requireDistinctNames(List<GuestTestCase> tests) {
        Map<String, GuestTestCase> byName = new HashMap<>();
        for (GuestTestCase test : tests) {
            GuestTestCase other = byName.put(test.name(), test);
            if (other != null) {
                throw error("has two tests called " + test.name() + ", " + other.file() + ":" + other.line() + " and "
                        + test.file() + ":" + test.line() + "; rename one of them");
            }
        }
    }

    private String text(long address, int limit, String what) {
        ByteBuffer rest = rest(address, what);
        int length = 0;
        while (length < rest.remaining() && length <= limit && rest.get(rest.position() + length) != 0) {
            length++;
        }
        if (length == rest.remaining() || length > limit) {
            throw error("has " + what + " at " + hex(address) + " without an end within " + limit + " bytes");
        }
        byte[] text = new byte[length];
        rest.get(text);
        return new String(text, StandardCharsets.UTF_8);
    }

    private ByteBuffer bytes(long address, int size, String what) {
        ByteBuffer rest = rest(address, what);
        if (rest.remaining() < size) {
            throw error("has " + what + " at " + hex(address) + ", which runs past the end of its segment");
        }
        return rest.limit(rest.position() + size).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Returns what the file has from this linear address to the end of its segment. */
    private ByteBuffer rest(long address, String what) {
        for (Segment segment : image.segments()) {
            long offset = address - segment.virtualAddress();
            if (Long.compareUnsigned(offset, segment.data().length) < 0) {
                return ByteBuffer.wrap(segment.data()).position((int) offset);
            }
        }
        throw error("has " + what + " at " + hex(address) + ", where the file has no bytes");
    }

    private IllegalArgumentException error(String what) {
        return new IllegalArgumentException("image " + image.name() + " " + what);
    }
}
