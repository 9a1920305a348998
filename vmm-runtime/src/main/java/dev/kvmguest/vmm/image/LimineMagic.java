package dev.kvmguest.vmm.image;

import dev.kvmguest.vmm.image.GuestImage.Segment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/**
 * The numbers by which a loader of the Limine boot protocol finds in an executable what the kernel asks for. They are
 * 64-bit values on boundaries of 8 bytes.
 *
 * <p>Source: The Limine Boot Protocol, base revision 6, "Requests Delimiters", "Base Revisions" and "Request".
 */
public enum LimineMagic {
    /** What the requests begin with, if the executable says where that is. */
    START_MARKER(0xf6b8_f4b3_9de7_d1aeL, 0xfab9_1a69_40fc_b9cfL, 0x785c_6ed0_15d3_e316L, 0x181e_920a_7852_b9d9L),

    /** What comes after the requests, if the executable says where that is. */
    END_MARKER(0xadc0_e053_1bb1_0d03L, 0x9572_709f_3176_4c62L),

    /** The first two of the three values of a base revision tag. */
    BASE_REVISION(0xf956_2b2d_5c95_a6c8L, 0x6a7b_3849_4453_6bdcL),

    /** The first two of the four values of each request's ID. */
    REQUEST(0xc7b1_dd30_df4c_8b88L, 0x0a82_e883_a194_f07bL);

    /** The lowest linear address of a kernel. */
    public static final long LOWEST_ADDRESS = 0xffff_ffff_8000_0000L;

    private static final LimineMagic[] ALL = values();
    private static final int SHORTEST = 2 * Long.BYTES;

    private final long[] numbers;

    LimineMagic(long... numbers) {
        this.numbers = numbers;
    }

    /** Returns whether an image is a 64-bit ELF file with a base revision tag, a marker or a request. */
    public static boolean isMeant(GuestImage image) {
        return image.format() == GuestImage.Format.ELF64 && isIn(image.segments());
    }

    /** Returns whether one of them is in the bytes of segments, at a linear address that is a multiple of 8. */
    static boolean isIn(List<Segment> segments) {
        for (Segment segment : segments) {
            ByteBuffer bytes = ElfLayout.buffer(segment.data());
            int first = (int) (-segment.virtualAddress() & Long.BYTES - 1);
            for (int at = first; at + SHORTEST <= bytes.capacity(); at += Long.BYTES) {
                if (at(bytes, at).isPresent()) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Returns which of them is at an offset of little-endian bytes, if there are as many bytes. */
    public static Optional<LimineMagic> at(ByteBuffer bytes, int at) {
        long first = bytes.getLong(at);
        for (LimineMagic magic : ALL) {
            if (first == magic.numbers[0] && magic.isWholeAt(bytes, at)) {
                return Optional.of(magic);
            }
        }
        return Optional.empty();
    }

    private boolean isWholeAt(ByteBuffer bytes, int at) {
        if (at + numbers.length * Long.BYTES > bytes.capacity()) {
            return false;
        }
        for (int i = 1; i < numbers.length; i++) {
            if (bytes.getLong(at + i * Long.BYTES) != numbers[i]) {
                return false;
            }
        }
        return true;
    }

    /** Returns one of its values, the first of which has the number 0. */
    public long number(int index) {
        return numbers[index];
    }
}
