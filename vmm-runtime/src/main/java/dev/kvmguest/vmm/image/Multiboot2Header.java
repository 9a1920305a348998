package dev.kvmguest.vmm.image;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.MultibootHeader.Addresses;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The header that tells a Multiboot 2 loader how to boot a kernel.
 *
 * <p>Source: Multiboot2 Specification version 2.0, 3.1, "OS image format"; where that leaves a choice, GRUB 2.06.
 *
 * @param offset where it starts in the file
 * @param requests the information that the kernel requires, as far as the specification knows it
 * @param addresses where to load the file, if the header says so instead of an ELF header; the entry is {@link #entry}
 * @param entry the physical address at which the kernel is entered, if it isn't the ELF file's entry
 * @param textConsole whether the kernel can do with the text screen
 * @param consoleRequired whether it can't do without a console
 * @param framebuffer the video mode that it asks for, if it can do with a framebuffer
 * @param relocation where it can be moved to, if it can
 */
public record Multiboot2Header(
        int offset,
        List<Multiboot2Tag> requests,
        Optional<Addresses> addresses,
        OptionalLong entry,
        boolean textConsole,
        boolean consoleRequired,
        Optional<VideoMode> framebuffer,
        Optional<Relocation> relocation) {

    /**
     * A video mode.
     *
     * @param width pixels in a row, unsigned; 0 for any number
     * @param height rows, unsigned; 0 for any number
     * @param depth bits for a pixel, unsigned; 0 for any number
     */
    public record VideoMode(int width, int height, int depth) {}

    /**
     * Where a kernel can be moved to.
     *
     * @param lowest the lowest physical address that it may have
     * @param highest the physical address that its end, exclusive, must not pass
     * @param alignment of its first byte, a power of two
     * @param preference which of the places to take
     */
    public record Relocation(long lowest, long highest, long alignment, Preference preference) {}

    /** Which of several places a kernel wants to be moved to. */
    public enum Preference {
        /** It doesn't matter. GRUB takes the lowest. */
        NONE,
        /** The lowest. */
        LOW,
        /** The highest. */
        HIGH
    }

    /** A header's first doubleword. */
    static final int MAGIC = 0xE852_50D6;

    /** Bytes of a file in which a header is looked for. */
    static final int SEARCHED = 32768;

    private static final int ALIGNMENT = 8;
    static final int SIZE = 16;

    private static final int I386 = 0;
    private static final int MIPS = 4;

    /**
     * Finds the header in the first 32768 bytes of a file.
     *
     * @param name the image's name, for errors
     * @throws IllegalArgumentException if there is no header, if it is damaged or for another processor, or if it
     *     requires something that this loader can't do; the message says how to fix it
     */
    public static Multiboot2Header find(String name, byte[] bytes) {
        ByteBuffer file = ElfLayout.buffer(bytes);
        OptionalInt at = first(file, I386);
        if (at.isEmpty()) {
            throw new IllegalArgumentException("image " + name + " " + whyNotFound(file));
        }
        return new Multiboot2HeaderReader(name, file, at.getAsInt()).read();
    }

    /** Returns whether a file has a header that a loader finds. */
    public static boolean isIn(byte[] bytes) {
        return first(ElfLayout.buffer(bytes), I386).isPresent();
    }

    /**
     * Returns whether a file means to be a Multiboot 2 kernel: whether it has a header that a loader finds or, in an
     * ELF file, one that it does not, for a reason that {@link #find} names.
     */
    public static boolean isMeant(GuestImage image) {
        ByteBuffer file = ElfLayout.buffer(image.file());
        return first(file, I386).isPresent()
                || image.format().isElf()
                        && (first(file, MIPS).isPresent()
                                || damaged(file).isPresent()
                                || misplaced(file).isPresent());
    }

    /**
     * Returns why no loader finds the header that a file has, to follow its name: it lies beyond the first bytes, or at
     * an odd place.
     *
     * @return empty if a loader finds one, or if there is none
     */
    public static Optional<String> overlooked(byte[] bytes) {
        return isIn(bytes)
                ? Optional.empty()
                : misplaced(ElfLayout.buffer(bytes)).map(Multiboot2Header::whyMisplaced);
    }

    /** Returns whether bytes start with a header's magic number. */
    public static boolean startsWithMagic(byte[] bytes) {
        return bytes.length >= SIZE && ElfLayout.buffer(bytes).getInt() == MAGIC;
    }

    /** Returns whether a file has a header by which a loader may move it. */
    static boolean isRelocatable(byte[] bytes) {
        ByteBuffer file = ElfLayout.buffer(bytes);
        OptionalInt at = first(file, I386);
        return at.isPresent() && Multiboot2HeaderReader.isRelocatable(file, at.getAsInt());
    }

    /** Returns the address after the last byte in which a header may lie. */
    static int end(ByteBuffer file) {
        return Math.min(SEARCHED, file.capacity());
    }

    /** Returns where the first header for a processor is that loaders look for. */
    private static OptionalInt first(ByteBuffer file, int architecture) {
        for (int at = 0; at + SIZE <= end(file); at += ALIGNMENT) {
            if (file.getInt(at + 4) == architecture && isHeader(file, at)) {
                return OptionalInt.of(at);
            }
        }
        return OptionalInt.empty();
    }

    private static boolean isHeader(ByteBuffer file, int at) {
        return file.getInt(at) == MAGIC && file.getInt(at + 12) == checksum(file, at);
    }

    private static int checksum(ByteBuffer file, int at) {
        return -(file.getInt(at) + file.getInt(at + 4) + file.getInt(at + 8));
    }

    private static String whyNotFound(ByteBuffer file) {
        OptionalInt mips = first(file, MIPS);
        if (mips.isPresent()) {
            return "has a Multiboot 2 header at file offset " + hex(mips.getAsInt())
                    + " for MIPS (architecture 4); this machine boots headers for i386 (architecture 0), whose kernels"
                    + " are entered in 32 bits and may go on to 64";
        }
        return damaged(file)
                .map(at -> whyDamaged(file, at))
                .or(() -> misplaced(file).map(Multiboot2Header::whyMisplaced))
                .orElseGet(() -> MultibootHeader.isThere(file)
                        ? "has a Multiboot 1 header, and boot mode multiboot2 needs one of Multiboot 2 (magic"
                                + " 0xe85250d6); choose boot mode multiboot"
                        : "has no Multiboot 2 header (magic 0xe85250d6) in its first " + SEARCHED
                                + " bytes, which boot mode multiboot2 needs; put it into a section of its own that the"
                                + " linker script places first, with KEEP(...) if it links with --gc-sections, or"
                                + " choose another boot mode");
    }

    private static String whyDamaged(ByteBuffer file, int at) {
        int architecture = file.getInt(at + 4);
        if (file.getInt(at + 12) == checksum(file, at)) {
            return "has a Multiboot 2 header at file offset " + hex(at) + " for architecture "
                    + Integer.toUnsignedString(architecture)
                    + ", which the specification doesn't know; write 0, which is i386";
        }
        return "has a Multiboot 2 header at file offset " + hex(at) + " with the checksum "
                + hex(Integer.toUnsignedLong(file.getInt(at + 12))) + "; its architecture "
                + Integer.toUnsignedString(architecture) + " and length "
                + hex(Integer.toUnsignedLong(file.getInt(at + 8))) + " need "
                + hex(Integer.toUnsignedLong(checksum(file, at)))
                + ", which is -(0xe85250d6 + architecture + header_length)";
    }

    private static String whyMisplaced(int at) {
        return "has a Multiboot 2 header at file offset " + hex(at)
                + (at % ALIGNMENT != 0
                        ? ", which is not a multiple of " + ALIGNMENT + "; align it with .balign 8"
                        : ", not within the first " + SEARCHED
                                + " bytes, where loaders look; put its section first in the linker script");
    }

    /** Returns where a header lies that is where loaders look and has another checksum or an unknown architecture. */
    private static Optional<Integer> damaged(ByteBuffer file) {
        for (int at = 0; at + SIZE <= end(file); at += ALIGNMENT) {
            int architecture = file.getInt(at + 4);
            boolean isKnown = architecture == I386 || architecture == MIPS;
            if (file.getInt(at) == MAGIC && isKnown != isHeader(file, at)) {
                return Optional.of(at);
            }
        }
        return Optional.empty();
    }

    /** Returns where a header lies that no loader looks for: beyond the first bytes, or at an odd place. */
    private static Optional<Integer> misplaced(ByteBuffer file) {
        for (int at = 0; at + SIZE <= file.capacity(); at++) {
            if (file.getInt(at) == MAGIC && file.getInt(at + 4) == I386 && isHeader(file, at)) {
                return Optional.of(at);
            }
        }
        return Optional.empty();
    }
}
