package dev.kvmguest.vmm.image;

import static dev.kvmguest.vmm.text.Notation.hex;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The header that tells a Multiboot 1 loader how to boot a kernel.
 *
 * <p>Source: Multiboot Specification version 0.6.96, 3.1, "OS image format".
 *
 * @param offset where it starts in the file
 * @param videoMode the video mode that the kernel prefers, if it asks for one (flag 2)
 * @param addresses where to load the file, if the header says so (flag 16) instead of an ELF header
 */
public record MultibootHeader(int offset, Optional<VideoMode> videoMode, Optional<Addresses> addresses) {

    /**
     * What a kernel prefers (3.1.4, "The graphics fields of Multiboot header"). A loader may choose otherwise.
     *
     * @param type {@value #GRAPHICS} for a framebuffer, {@value #TEXT} for the text screen; everything else is reserved
     * @param width pixels or characters in a row; 0 for no preference
     * @param height rows; 0 for no preference
     * @param depth bits of a pixel; 0 for no preference and for text
     */
    public record VideoMode(long type, long width, long height, long depth) {

        /** The type of a mode with a linear framebuffer. */
        public static final long GRAPHICS = 0;

        /** The type of EGA's text mode. */
        public static final long TEXT = 1;
    }

    /**
     * Physical addresses, by which the bytes of the file from {@code offset - (header - load)} on are loaded.
     *
     * @param header where the header's first byte belongs
     * @param load where the first byte that is loaded belongs
     * @param loadEnd the end of what is loaded, exclusive; 0 for the end of the file
     * @param bssEnd the end of the zeroed memory after that, exclusive; 0 for none
     * @param entry where the kernel is entered
     */
    public record Addresses(long header, long load, long loadEnd, long bssEnd, long entry) {}

    private static final int MAGIC = 0x1BAD_B002;
    private static final int SEARCHED = 8192;
    private static final int ALIGNMENT = 4;

    private static final int NT_GNU_BUILD_ID = 3;
    /** The name "GNU" with its zero byte. */
    private static final int GNU = 0x0055_4e47;

    private static final int PAGE_ALIGN = 1;
    private static final int MEMORY_INFO = 1 << 1;
    private static final int VIDEO_MODE = 1 << 2;
    private static final int ADDRESSES = 1 << 16;
    private static final int KNOWN = PAGE_ALIGN | MEMORY_INFO | VIDEO_MODE;
    private static final int REQUIRED = 0xffff;

    private static final int SIZE = 12;
    private static final int SIZE_WITH_ADDRESSES = 32;
    private static final int SIZE_WITH_VIDEO_MODE = 48;

    /**
     * Finds the header in the first 8192 bytes of a file.
     *
     * @param name the image's name, for errors
     * @throws IllegalArgumentException if there is no header, if it is damaged, or if it requires something that this
     *     loader doesn't know; the message says how to fix it
     */
    public static MultibootHeader find(String name, byte[] bytes) {
        ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int damaged = -1;
        for (int at = 0; at + SIZE <= Math.min(SEARCHED, bytes.length); at += ALIGNMENT) {
            if (file.getInt(at) == MAGIC) {
                if (hasChecksum(file, at)) {
                    return read(name, file, at);
                }
                damaged = damaged < 0 ? at : damaged;
            }
        }
        throw new IllegalArgumentException(
                "image " + name + " " + (damaged < 0 ? whyNotFound(file) : wrongChecksum(file, damaged)));
    }

    /**
     * Returns whether a file means to be a Multiboot kernel: whether it has a header that a loader would find or, in an
     * ELF file, one that it would not, for a reason that {@link #find} names.
     */
    public static boolean isMeant(GuestImage image) {
        ByteBuffer file = ByteBuffer.wrap(image.file()).order(ByteOrder.LITTLE_ENDIAN);
        boolean elf = image.format().isElf();
        for (int at = 0; at + SIZE <= Math.min(SEARCHED, file.capacity()); at += ALIGNMENT) {
            if (file.getInt(at) == MAGIC && (elf || hasChecksum(file, at))) {
                return true;
            }
        }
        return elf && misplaced(file).isPresent();
    }

    /**
     * Returns why no loader finds the header that a file has, to follow its name: it lies beyond the first bytes, or at
     * an odd place.
     *
     * @return empty if a loader finds one, or if there is none
     */
    public static Optional<String> overlooked(byte[] bytes) {
        ByteBuffer file = ElfLayout.buffer(bytes);
        OptionalInt at = isThere(file) ? OptionalInt.empty() : misplaced(file);
        return at.isPresent() ? Optional.of(whyMisplaced(file, at.getAsInt())) : Optional.empty();
    }

    /** Returns whether a file has a header that a loader finds. */
    static boolean isThere(ByteBuffer file) {
        for (int at = 0; at + SIZE <= Math.min(SEARCHED, file.capacity()); at += ALIGNMENT) {
            if (file.getInt(at) == MAGIC && hasChecksum(file, at)) {
                return true;
            }
        }
        return false;
    }

    /** Returns whether bytes start with a header's magic number. */
    public static boolean startsWithMagic(byte[] bytes) {
        return bytes.length >= SIZE
                && ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt() == MAGIC;
    }

    private static MultibootHeader read(String name, ByteBuffer file, int at) {
        int flags = file.getInt(at + 4);
        int unknown = flags & REQUIRED & ~KNOWN;
        if (unknown != 0) {
            throw new IllegalArgumentException("image " + name + " has a Multiboot header at file offset " + hex(at)
                    + " with flags " + hex(Integer.toUnsignedLong(flags)) + ", of which bit "
                    + Integer.numberOfTrailingZeros(unknown)
                    + " requires what no Multiboot 1 loader knows; of the bits 0 to 15 only 0, 1 and 2 may be set");
        }
        boolean hasVideoMode = (flags & VIDEO_MODE) != 0;
        boolean hasAddresses = (flags & ADDRESSES) != 0;
        int size = hasVideoMode ? SIZE_WITH_VIDEO_MODE : hasAddresses ? SIZE_WITH_ADDRESSES : SIZE;
        if (at + size > Math.min(SEARCHED, file.capacity())) {
            throw new IllegalArgumentException("image " + name + " has a Multiboot header at file offset " + hex(at)
                    + " whose " + size + " bytes don't lie within the first " + SEARCHED + " bytes of the file; put its"
                    + " section first in the linker script");
        }
        Optional<Addresses> addresses = hasAddresses
                ? Optional.of(new Addresses(
                        u32(file, at + 12),
                        u32(file, at + 16),
                        u32(file, at + 20),
                        u32(file, at + 24),
                        u32(file, at + 28)))
                : Optional.empty();
        Optional<VideoMode> videoMode = hasVideoMode
                ? Optional.of(
                        new VideoMode(u32(file, at + 32), u32(file, at + 36), u32(file, at + 40), u32(file, at + 44)))
                : Optional.empty();
        return new MultibootHeader(at, videoMode, addresses);
    }

    private static String wrongChecksum(ByteBuffer file, int at) {
        int flags = file.getInt(at + 4);
        return "has a Multiboot header at file offset " + hex(at) + " with the checksum " + hex(u32(file, at + 8))
                + "; its flags " + hex(Integer.toUnsignedLong(flags)) + " need "
                + hex(Integer.toUnsignedLong(-(MAGIC + flags))) + ", which is -(0x1badb002 + flags)";
    }

    private static String whyNotFound(ByteBuffer file) {
        if (Multiboot2Header.isIn(file.array())) {
            return "has a Multiboot 2 header, and boot mode multiboot needs one of Multiboot 1 (magic 0x1badb002);"
                    + " choose boot mode multiboot2";
        }
        OptionalInt misplaced = misplaced(file);
        if (misplaced.isEmpty()) {
            return "has no Multiboot header (magic 0x1badb002) in its first " + SEARCHED
                    + " bytes, which boot mode multiboot needs; put it into a section of its own that the linker script"
                    + " places first, or choose another boot mode";
        }
        return whyMisplaced(file, misplaced.getAsInt());
    }

    private static String whyMisplaced(ByteBuffer file, int at) {
        if (at % ALIGNMENT != 0) {
            return "has a Multiboot header at file offset " + hex(at) + ", which is not a multiple of " + ALIGNMENT
                    + "; align it with .balign 4";
        }
        return "has a Multiboot header at file offset " + hex(at) + ", after the first " + SEARCHED
                + " bytes, where loaders look; "
                + (hasBuildIdBefore(file, at)
                        ? "the linker put .note.gnu.build-id before it: link with -Wl,--build-id=none (ld"
                                + " --build-id=none), and put the header's section first in the linker script"
                        : "put its section first in the linker script");
    }

    private static boolean hasChecksum(ByteBuffer file, int at) {
        return MAGIC + file.getInt(at + 4) + file.getInt(at + 8) == 0;
    }

    /** Returns where a header lies that no loader looks for: beyond the first bytes, or at an odd place. */
    private static OptionalInt misplaced(ByteBuffer file) {
        for (int at = 0; at + SIZE <= file.capacity(); at++) {
            if (file.getInt(at) == MAGIC && hasChecksum(file, at)) {
                return OptionalInt.of(at);
            }
        }
        return OptionalInt.empty();
    }

    /** Looks for the note itself, since the file may have lost its section headers: name size 4, type 3, "GNU". */
    private static boolean hasBuildIdBefore(ByteBuffer file, int end) {
        for (int at = 0; at + 16 <= end; at += ALIGNMENT) {
            if (file.getInt(at) == 4 && file.getInt(at + 8) == NT_GNU_BUILD_ID && file.getInt(at + 12) == GNU) {
                return true;
            }
        }
        return false;
    }

    private static long u32(ByteBuffer file, int at) {
        return Integer.toUnsignedLong(file.getInt(at));
    }
}
