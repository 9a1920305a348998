package dev.kvmguest.vmm.image;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.Multiboot2Header.Preference;
import dev.kvmguest.vmm.image.Multiboot2Header.Relocation;
import dev.kvmguest.vmm.image.Multiboot2Header.VideoMode;
import dev.kvmguest.vmm.image.MultibootHeader.Addresses;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Reads the tags of a {@link Multiboot2Header}, the later of two of a kind winning as with GRUB. */
final class Multiboot2HeaderReader {

    private static final int END = 0;
    private static final int INFORMATION_REQUEST = 1;
    private static final int ADDRESS = 2;
    private static final int ENTRY = 3;
    private static final int CONSOLE = 4;
    private static final int FRAMEBUFFER = 5;
    private static final int MODULE_ALIGNMENT = 6;
    private static final int EFI_BOOT_SERVICES = 7;
    private static final int EFI_32_ENTRY = 8;
    private static final int EFI_64_ENTRY = 9;
    private static final int RELOCATABLE = 10;

    private static final int OPTIONAL = 1;
    private static final int TAG = 8;
    private static final int ALIGNMENT = 8;

    private static final int CONSOLE_REQUIRED = 1;
    private static final int EGA_TEXT = 1 << 1;

    /** In load_addr: the file is loaded from its beginning. */
    private static final long FROM_THE_START = 0xffff_ffffL;

    private static final int PREFER_LOW = 1;
    private static final int PREFER_HIGH = 2;

    private final String name;
    private final ByteBuffer file;
    private final int offset;

    private final List<Multiboot2Tag> requests = new ArrayList<>();
    private Optional<Integer> addressTag = Optional.empty();
    private OptionalLong entry = OptionalLong.empty();
    private boolean textConsole = true;
    private boolean consoleRequired;
    private Optional<VideoMode> framebuffer = Optional.empty();
    private Optional<Relocation> relocation = Optional.empty();

    Multiboot2HeaderReader(String name, ByteBuffer file, int offset) {
        this.name = name;
        this.file = file;
        this.offset = offset;
    }

    /** Returns whether a header has a tag by which a loader may move the kernel, as far as its tags can be read. */
    static boolean isRelocatable(ByteBuffer file, int offset) {
        long end = Multiboot2Header.end(file);
        long at = offset + Multiboot2Header.SIZE;
        while (at + TAG <= end && u16(file, (int) at) != END) {
            if (u16(file, (int) at) == RELOCATABLE) {
                return true;
            }
            at += padded(Math.max(TAG, u32(file, (int) at + 4)));
        }
        return false;
    }

    Multiboot2Header read() {
        int end = offset + length();
        int at = offset + Multiboot2Header.SIZE;
        int before = at;
        while (true) {
            if (at + TAG > end) {
                throw error("no end tag (type 0, flags 0, size 8) in the " + length()
                        + " bytes of its header_length; end the tags with one, and have header_length count it"
                        + alignment(before, at));
            }
            int type = u16(file, at);
            if (type == END) {
                break;
            }
            long size = u32(file, at + 4);
            if (size < TAG || at + size > end) {
                throw error(name(type) + " at file offset " + hex(at) + " of " + size + " bytes, which must be from "
                        + TAG + " to the end of the header at " + hex(end) + "; check its size and header_length"
                        + alignment(before, at));
            }
            requireSize(type, at, size, before);
            readTag(type, at, size, before);
            before = at;
            at += (int) padded(size);
        }
        return header();
    }

    private int length() {
        long length = u32(file, offset + 8);
        long most = Multiboot2Header.end(file) - offset;
        if (length < Multiboot2Header.SIZE + TAG || length > most) {
            throw error("header_length " + hex(length) + ", which must be from "
                    + hex(Multiboot2Header.SIZE + TAG) + ", with an end tag and no other, to " + hex(most)
                    + ", what the file has of the first " + Multiboot2Header.SEARCHED
                    + " bytes from the header on; it counts from the magic number to the end of the end tag");
        }
        return (int) length;
    }

    private void requireSize(int type, int at, long size, int before) {
        long needed =
                switch (type) {
                    case ADDRESS, RELOCATABLE -> 24;
                    case FRAMEBUFFER -> 20;
                    case ENTRY, CONSOLE, EFI_32_ENTRY, EFI_64_ENTRY -> 12;
                    default -> TAG;
                };
        if (size < needed) {
            throw error(name(type) + " at file offset " + hex(at) + " of " + size + " bytes; it has " + needed
                    + alignment(before, at));
        }
    }

    private void readTag(int type, int at, long size, int before) {
        boolean optional = (u16(file, at + 2) & OPTIONAL) != 0;
        switch (type) {
            case INFORMATION_REQUEST -> {
                if (!optional) {
                    readRequests(at, size);
                }
            }
            case ADDRESS -> addressTag = Optional.of(at);
            case ENTRY -> entry = OptionalLong.of(u32(file, at + 8));
            case CONSOLE -> {
                int flags = file.getInt(at + 8);
                consoleRequired = (flags & CONSOLE_REQUIRED) != 0;
                textConsole = (flags & EGA_TEXT) != 0;
            }
            case FRAMEBUFFER ->
                framebuffer =
                        Optional.of(new VideoMode(file.getInt(at + 8), file.getInt(at + 12), file.getInt(at + 16)));
            case RELOCATABLE -> relocation = Optional.of(relocation(at));
            case MODULE_ALIGNMENT -> {
                // Modules are aligned to pages for every kernel.
            }
            default -> {
                if (!optional) {
                    throw refusal(type, at, before);
                }
            }
        }
    }

    private void readRequests(int at, long size) {
        for (int request = at + TAG; request + Integer.BYTES <= at + size; request += Integer.BYTES) {
            long number = u32(file, request);
            Multiboot2Tag tag = Multiboot2Tag.numbered(number)
                    .orElseThrow(() -> error("an information request for tag " + number
                            + ", which the specification doesn't know; the last is "
                            + Multiboot2Tag.LOAD_BASE.number() + ": take it out of the request, or set bit 0 of the"
                            + " request's flags, which makes it optional"));
            if (tag.isEfi()) {
                throw error("an information request for tag " + number + ", " + tag.words()
                        + ", which a PC without UEFI firmware hasn't; set bit 0 of the request's flags, which makes it"
                        + " optional, or take the tag out of it");
            }
            if (tag == Multiboot2Tag.SMBIOS) {
                throw error("an information request for tag " + number + ", " + tag.words()
                        + ", which GRUB doesn't know, so that it boots no such kernel; set bit 0 of the request's flags,"
                        + " which makes it optional, or take the tag out of it");
            }
            requests.add(tag);
        }
    }

    private Relocation relocation(int at) {
        long alignment = Math.max(1, u32(file, at + 16));
        if (Long.bitCount(alignment) != 1) {
            throw error("a relocatable tag with the alignment " + hex(alignment) + ", which is no power of two; write"
                    + " one, such as 0x1000");
        }
        Preference preference =
                switch (file.getInt(at + 20)) {
                    case PREFER_LOW -> Preference.LOW;
                    case PREFER_HIGH -> Preference.HIGH;
                    default -> Preference.NONE;
                };
        return new Relocation(u32(file, at + 8), u32(file, at + 12), alignment, preference);
    }

    private Multiboot2Header header() {
        if (addressTag.isPresent() && entry.isEmpty()) {
            throw error("an address tag and no entry address tag (type 3); add one, since the address tag takes the"
                    + " place of an ELF header, which would name the entry");
        }
        if (consoleRequired && !textConsole && framebuffer.isEmpty()) {
            throw error("console flags that require a console, no framebuffer tag, and no support for EGA text (bit 1"
                    + " of the flags), so that no console is left; set that bit, or add a framebuffer tag");
        }
        return new Multiboot2Header(
                offset,
                List.copyOf(requests),
                addressTag.map(this::addresses),
                entry,
                textConsole,
                consoleRequired,
                framebuffer,
                relocation);
    }

    private Addresses addresses(int at) {
        long header = u32(file, at + 8);
        long load = u32(file, at + 12);
        return new Addresses(
                header,
                load == FROM_THE_START ? header - offset : load,
                u32(file, at + 16),
                u32(file, at + 20),
                entry.orElseThrow());
    }

    private IllegalArgumentException refusal(int type, int at, int before) {
        String what =
                switch (type) {
                    case EFI_BOOT_SERVICES, EFI_32_ENTRY, EFI_64_ENTRY ->
                        name(type) + ", which needs UEFI firmware, and this machine has none; set bit 0 of its flags,"
                                + " which makes it optional";
                    default ->
                        name(type) + " at file offset " + hex(at) + ", which the specification doesn't know; take it"
                                + " out, or set bit 0 of its flags, which makes it optional";
                };
        return error(what + alignment(before, at));
    }

    /** Returns why a tag may have been read where there is none, to follow the rest of a sentence. */
    private String alignment(int before, int at) {
        boolean first = before == at;
        long size = first ? 0 : u32(file, before + 4);
        return size % ALIGNMENT == 0
                ? ""
                : "; the tag before it ends at " + hex(before + size) + ", and the next one begins at the next multiple"
                        + " of 8 from the header on: put .balign 8 before each tag";
    }

    private static String name(int type) {
        return switch (type) {
            case INFORMATION_REQUEST -> "an information request";
            case ADDRESS -> "an address tag";
            case ENTRY -> "an entry address tag";
            case CONSOLE -> "a console flags tag";
            case FRAMEBUFFER -> "a framebuffer tag";
            case MODULE_ALIGNMENT -> "a module alignment tag";
            case EFI_BOOT_SERVICES -> "an EFI boot services tag (type 7)";
            case EFI_32_ENTRY -> "an EFI i386 entry address tag (type 8)";
            case EFI_64_ENTRY -> "an EFI amd64 entry address tag (type 9)";
            case RELOCATABLE -> "a relocatable tag";
            default -> "a tag of type " + type;
        };
    }

    private IllegalArgumentException error(String what) {
        return new IllegalArgumentException(
                "image " + name + " has a Multiboot 2 header at file offset " + hex(offset) + " with " + what);
    }

    private static long padded(long size) {
        return size + ALIGNMENT - 1 & -ALIGNMENT;
    }

    private static int u16(ByteBuffer file, int at) {
        return Short.toUnsignedInt(file.getShort(at));
    }

    private static long u32(ByteBuffer file, int at) {
        return Integer.toUnsignedLong(file.getInt(at));
    }
}
