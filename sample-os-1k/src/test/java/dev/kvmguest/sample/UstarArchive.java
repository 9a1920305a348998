package dev.kvmguest.sample;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Reads the regular files of a ustar archive. Source: POSIX.1-2017, pax, "ustar Interchange Format". */
final class UstarArchive {

    private static final int BLOCK = 512;
    private static final int NAME = 0;
    private static final int NAME_SIZE = 100;
    private static final int SIZE = 124;
    private static final int SIZE_SIZE = 12;
    private static final int CHECKSUM = 148;
    private static final int CHECKSUM_SIZE = 8;
    private static final int TYPE = 156;
    private static final int MAGIC = 257;

    private UstarArchive() {}

    /**
     * Returns the contents of each file by its name, in the archive's order.
     *
     * @throws AssertionError if a header or the end is not as it should be
     */
    static Map<String, String> read(byte[] archive) {
        Map<String, String> files = new LinkedHashMap<>();
        int at = 0;
        while (archive[at] != 0) {
            assertThat(text(archive, at + MAGIC, 8)).isEqualTo("ustar\00000");
            assertThat(octal(archive, at + CHECKSUM, CHECKSUM_SIZE)).isEqualTo(checksum(archive, at));
            assertThat(archive[at + TYPE]).isEqualTo((byte) '0');
            int size = octal(archive, at + SIZE, SIZE_SIZE);
            files.put(text(archive, at + NAME, NAME_SIZE).trim(), text(archive, at + BLOCK, size));
            at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
        }
        assertThat(text(archive, at, archive.length - at)).isEqualTo("\0".repeat(2 * BLOCK));
        return files;
    }

    /** Returns the sum of a header's bytes, those of the sum itself taken as spaces. */
    private static int checksum(byte[] archive, int header) {
        int sum = CHECKSUM_SIZE * ' ';
        for (int i = 0; i < BLOCK; i++) {
            sum += i >= CHECKSUM && i < CHECKSUM + CHECKSUM_SIZE ? 0 : Byte.toUnsignedInt(archive[header + i]);
        }
        return sum;
    }

    private static int octal(byte[] archive, int at, int length) {
        return Integer.parseInt(text(archive, at, length).replaceAll("[\0 ]", ""), 8);
    }

    private static String text(byte[] archive, int at, int length) {
        return new String(archive, at, length, StandardCharsets.ISO_8859_1);
    }
}
