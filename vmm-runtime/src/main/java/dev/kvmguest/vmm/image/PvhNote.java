package dev.kvmguest.vmm.image;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/**
 * The note in an ELF file that says where a PVH loader enters the kernel: XEN_ELFNOTE_PHYS32_ENTRY of the name "Xen".
 *
 * <p>Source: Xen's docs/misc/pvh.pandoc, "x86/HVM direct boot ABI", and its xen/include/public/elfnote.h; System V
 * gABI, chapter 5, "Note Section".
 *
 * @param offset where the note starts in the file
 * @param entry the physical address at which the kernel is entered, below 4 GiB
 */
public record PvhNote(int offset, long entry) {

    private static final int PT_NOTE = 4;
    private static final int PHYS32_ENTRY = 18;
    /** The name "Xen" with its zero byte. */
    private static final int XEN = 0x006e_6558;

    private static final int NAME_SIZE = 4;
    private static final int NAME = 12;
    private static final int DESCRIPTOR = NAME + NAME_SIZE;
    private static final int ALIGNMENT = 4;
    private static final int WIDE_ALIGNMENT = 8;

    /** A word of a symbol's name, such as pvh_start and xen_pvh_entry have it, and no part of a word. */
    private static final Pattern MEANT = Pattern.compile("(?i)(?<![a-z0-9])pvh(?![a-z0-9])");

    private static final String HAS_NONE = "has no Xen note of type " + PHYS32_ENTRY + " (XEN_ELFNOTE_PHYS32_ENTRY)";

    private static final String WAY_OUT =
            "; give its section the flag \"a\" (.section .note.Xen, \"a\", @note), and have the linker script put that"
                    + " into a program header of the type PT_NOTE, by :note after it, and keep it (KEEP)";

    /**
     * Finds the note.
     *
     * @throws IllegalArgumentException if the image is no ELF file, has no such note where loaders look, or one that is
     *     damaged; the message says how to fix it
     */
    public static PvhNote find(GuestImage image) {
        if (!image.format().isElf()) {
            throw error(image, "is a flat binary, in which no note can be found; boot mode pvh boots the ELF file");
        }
        ByteBuffer file = ElfLayout.buffer(image.file());
        return find(image, file).orElseThrow(() -> error(image, whyNotFound(image, file)));
    }

    /**
     * Returns that an ELF file has no note although its symbols speak of one, to follow its name: a linker script that
     * drops the note leaves the code that the note leads to.
     *
     * @return empty if it has the note, or no such symbol
     */
    public static Optional<String> dropped(GuestImage image) {
        return isMeant(image) ? Optional.empty() : symbol(image).map(name -> HAS_NONE + whyDropped(name) + WAY_OUT);
    }

    private static String whyDropped(String symbol) {
        return ", though it has " + symbol + ", so that a linker script may have dropped it (/DISCARD/)";
    }

    private static Optional<String> symbol(GuestImage image) {
        return image.format().isElf()
                ? image.symbols().stream()
                        .map(Symbol::name)
                        .filter(name -> MEANT.matcher(name).find())
                        .findFirst()
                : Optional.empty();
    }

    /** Returns whether an ELF file means to be a PVH kernel: whether it has the note, were it one that is damaged. */
    public static boolean isMeant(GuestImage image) {
        return image.format().isElf()
                && image.file().length > 0
                && misplaced(ElfLayout.buffer(image.file())).isPresent();
    }

    private static Optional<PvhNote> find(GuestImage image, ByteBuffer file) {
        ElfLayout layout = ElfLayout.of(image.file()).orElseThrow();
        // The table of the program headers lies within the file: the image's reader has looked.
        int table = (int) layout.word(file, layout.header().programHeaders());
        int size = Short.toUnsignedInt(file.getShort(layout.header().programHeaderSize()));
        int count = Short.toUnsignedInt(file.getShort(layout.header().programHeaderCount()));
        for (int at = table; at < table + count * size; at += size) {
            if (file.getInt(at) == PT_NOTE) {
                Optional<PvhNote> found = findIn(image, file, layout, at);
                if (found.isPresent()) {
                    return found;
                }
            }
        }
        return Optional.empty();
    }

    /** Looks through the notes of one program header. Each is a head of three words, a name and a descriptor. */
    private static Optional<PvhNote> findIn(GuestImage image, ByteBuffer file, ElfLayout layout, int header) {
        long start = layout.word(file, header + layout.programHeader().offset());
        long length = layout.word(file, header + layout.programHeader().fileSize());
        if (start < 0 || length < 0 || start > file.capacity() || length > file.capacity() - start) {
            throw error(
                    image,
                    "has a PT_NOTE program header for " + hex(length) + " bytes from file offset " + hex(start)
                            + " on, while the file has " + hex(file.capacity()) + " bytes");
        }
        // p_align is the last field of a program header in either class.
        boolean wide = layout.word(file, header + layout.programHeader().size() - layout.wordSize()) == WIDE_ALIGNMENT;
        int alignment = wide ? WIDE_ALIGNMENT : ALIGNMENT;
        long end = start + length;
        for (long at = start; at + NAME <= end; ) {
            long nameSize = Integer.toUnsignedLong(file.getInt((int) at));
            long size = Integer.toUnsignedLong(file.getInt((int) at + 4));
            long descriptor = at + aligned(NAME + nameSize, alignment);
            if (nameSize == NAME_SIZE && descriptor <= end && isXenEntry(file, (int) at)) {
                return Optional.of(read(image, file, (int) at, size, end));
            }
            at = descriptor + aligned(size, alignment);
        }
        return Optional.empty();
    }

    private static PvhNote read(GuestImage image, ByteBuffer file, int at, long size, long end) {
        String what = "has a Xen note of type " + PHYS32_ENTRY + " at file offset " + hex(at) + " with ";
        if (size != Integer.BYTES && size != Long.BYTES) {
            throw error(
                    image,
                    what + "a descriptor of " + size + " bytes; it is one number of 4 or 8 bytes, the physical"
                            + " address of the entry point");
        }
        if (at + DESCRIPTOR + size > end) {
            throw error(image, what + "a descriptor of " + size + " bytes that passes the end of its program header");
        }
        long entry = size == Long.BYTES
                ? file.getLong(at + DESCRIPTOR)
                : Integer.toUnsignedLong(file.getInt(at + DESCRIPTOR));
        if (entry >>> 32 != 0) {
            throw error(
                    image,
                    what + "the entry point " + hex(entry) + ", which 32-bit code can't have; the note has the"
                            + " physical address of the code that is entered, not the linear one that the kernel maps");
        }
        return new PvhNote(at, entry);
    }

    private static String whyNotFound(GuestImage image, ByteBuffer file) {
        OptionalInt found = misplaced(file);
        return found.isPresent()
                ? "has the Xen note of type " + PHYS32_ENTRY + " at file offset " + hex(found.getAsInt())
                        + ", which is in no PT_NOTE program header, where loaders look" + WAY_OUT
                : HAS_NONE + ", which boot mode pvh needs"
                        + symbol(image).map(PvhNote::whyDropped).orElse("")
                        + WAY_OUT + "; or choose another boot mode";
    }

    /** Returns where the note lies that loaders look for, wherever that is: a file need not align what it loads. */
    private static OptionalInt misplaced(ByteBuffer file) {
        for (int at = 0; at + DESCRIPTOR <= file.capacity(); at++) {
            if (file.getInt(at) == NAME_SIZE && isXenEntry(file, at)) {
                return OptionalInt.of(at);
            }
        }
        return OptionalInt.empty();
    }

    private static boolean isXenEntry(ByteBuffer file, int at) {
        return at + DESCRIPTOR <= file.capacity()
                && file.getInt(at + 8) == PHYS32_ENTRY
                && file.getInt(at + NAME) == XEN;
    }

    private static long aligned(long size, int alignment) {
        return size + alignment - 1 & -alignment;
    }

    private static IllegalArgumentException error(GuestImage image, String what) {
        return new IllegalArgumentException("image " + image.name() + " " + what);
    }
}
