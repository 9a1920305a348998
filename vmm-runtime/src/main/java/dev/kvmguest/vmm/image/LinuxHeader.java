package dev.kvmguest.vmm.image;

import static dev.kvmguest.vmm.text.Notation.hex;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The setup header of a Linux kernel's bzImage or zImage, and what its version of the boot protocol leaves to defaults.
 *
 * <p>Source: Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
 *
 * @param version the protocol's: the major one times 256, and the minor one
 * @param setupBytes bytes of the file before the protected-mode code: the boot sector and the 16-bit setup code
 * @param headerEnd the offset in the file just past the header
 * @param high whether the protected-mode code is loaded at 1 MiB or above, as that of a bzImage; else at 64 KiB
 * @param relocatable whether it can be loaded at any multiple of {@code alignment}
 * @param alignment a power of two, in bytes; 0 if the protocol has none
 * @param entry64 whether it has a 64-bit entry point, 0x200 bytes into the protected-mode code
 * @param initrdMax the highest address that an initial RAM disk may have
 * @param commandLineSize the most bytes of a command line, without the NUL at its end
 * @param preferredAddress where it is to run; 0 if the protocol has none
 * @param initSize bytes that it needs there before it can look at the memory map; 0 if the protocol has none
 * @param handoverOffset where the entry point for UEFI is in the protected-mode code; 0 if there is none
 */
public record LinuxHeader(
        int version,
        int setupBytes,
        int headerEnd,
        boolean high,
        boolean relocatable,
        long alignment,
        boolean entry64,
        long initrdMax,
        long commandLineSize,
        long preferredAddress,
        long initSize,
        long handoverOffset) {

    /** Where the header starts, in the file and in the structure that a kernel is given. */
    public static final int START = 0x1f1;

    /** Where the structure that a kernel is given has something else behind the header. */
    private static final int LATEST_END = 0x290;

    private static final int SECTOR = 512;
    private static final int BOOT_FLAG = 0x1fe;
    private static final int BOOT_SIGNATURE = 0xaa55;
    private static final int JUMP_LENGTH = 0x201;
    private static final int MAGIC_OFFSET = 0x202;
    /** "HdrS". */
    private static final int MAGIC = 0x5372_6448;
    /** Just past the fields of version 2.02, which every file must have. */
    private static final int LEAST_END = 0x22c;

    /** The first version by which the command line lies where the loader likes. */
    private static final int OLDEST = 0x202;

    private static final int LOADED_HIGH = 1;
    private static final int KERNEL_64 = 1;

    private static final long OLD_INITRD_MAX = 0x37ff_ffffL;
    private static final long OLD_COMMAND_LINE = 255;

    /** Returns whether a file is a Linux kernel by its boot signature and the header's magic number. */
    public static boolean isMeant(GuestImage image) {
        byte[] file = image.file();
        return image.format() == GuestImage.Format.FLAT && file.length >= LEAST_END && hasMagic(buffer(file));
    }

    private static boolean hasMagic(ByteBuffer file) {
        return Short.toUnsignedInt(file.getShort(BOOT_FLAG)) == BOOT_SIGNATURE && file.getInt(MAGIC_OFFSET) == MAGIC;
    }

    /**
     * Reads the header.
     *
     * @throws IllegalArgumentException if the file has none, is truncated, or is of a version that can't be booted; the
     *     message says what to do
     */
    public static LinuxHeader find(GuestImage image) {
        if (image.format().isElf()) {
            throw error(
                    image,
                    "is an ELF file, and boot mode linux boots a bzImage or zImage; take arch/x86/boot/bzImage, or the"
                            + " file vmlinuz of a distribution, or choose boot mode pvh for a vmlinux with the Xen note");
        }
        ByteBuffer file = buffer(image.file());
        if (file.capacity() < LEAST_END || !hasMagic(file)) {
            throw error(image, whyNone(file));
        }
        int version = Short.toUnsignedInt(file.getShort(0x206));
        if (version < OLDEST) {
            throw error(
                    image,
                    "is a Linux kernel of boot protocol " + words(version) + "; the oldest that can be booted is "
                            + words(OLDEST) + ", of Linux 2.4: before it, the command line had its place in the setup"
                            + " code at 0x90000");
        }
        int end = Math.min(LATEST_END, MAGIC_OFFSET + Byte.toUnsignedInt(file.get(JUMP_LENGTH)));
        if (end < LEAST_END || end > file.capacity() || end < leastEnd(version)) {
            throw error(
                    image,
                    "has a Linux setup header of protocol " + words(version) + " that ends at file offset " + hex(end)
                            + " by the byte at 0x201; that protocol's fields end at " + hex(leastEnd(version)));
        }
        return new Fields(image, file, version, end).read();
    }

    /** Returns the offset just past the last field that is read of a version. */
    private static int leastEnd(int version) {
        if (version >= 0x20b) {
            return 0x268;
        }
        return version >= 0x20a ? 0x264 : version >= 0x206 ? 0x23c : version >= 0x205 ? 0x235 : LEAST_END;
    }

    private static String whyNone(ByteBuffer file) {
        String none = "has no Linux setup header (0x55 0xaa at file offset 0x1fe and \"HdrS\" at 0x202)";
        boolean uefi = file.capacity() >= 2 && file.get(0) == 'M' && file.get(1) == 'Z';
        return none
                + (uefi
                        ? ": it is a program for UEFI, which this machine doesn't have; boot the bzImage that it was made"
                                + " from"
                        : ", which boot mode linux needs; boot arch/x86/boot/bzImage or a distribution's vmlinuz, or"
                                + " choose another boot mode");
    }

    /** Reads the fields that a version has. */
    private record Fields(GuestImage image, ByteBuffer file, int version, int end) {

        LinuxHeader read() {
            int sectors = Byte.toUnsignedInt(file.get(START));
            // 0 means 4, as in the oldest kernels.
            int setup = ((sectors == 0 ? 4 : sectors) + 1) * SECTOR;
            if (setup >= file.capacity()) {
                throw error(
                        image,
                        "is truncated: its setup code has " + setup + " bytes, and the file " + file.capacity()
                                + ", so that there is no protected-mode code");
            }
            boolean relocatable = version >= 0x205 && file.get(0x234) != 0;
            long alignment = version >= 0x205 ? u32(0x230) : 0;
            boolean aligned = Long.bitCount(alignment) == 1;
            if (relocatable && !aligned) {
                throw error(
                        image,
                        "has a Linux setup header with kernel_alignment " + hex(alignment)
                                + ", which is not a power of two");
            }
            return new LinuxHeader(
                    version,
                    setup,
                    end,
                    (file.get(0x211) & LOADED_HIGH) != 0,
                    relocatable,
                    aligned ? alignment : 0,
                    version >= 0x20c && (file.get(0x236) & KERNEL_64) != 0,
                    version >= 0x203 ? u32(0x22c) : OLD_INITRD_MAX,
                    version >= 0x206 ? u32(0x238) : OLD_COMMAND_LINE,
                    version >= 0x20a ? file.getLong(0x258) : 0,
                    version >= 0x20a ? u32(0x260) : 0,
                    version >= 0x20b ? u32(0x264) : 0);
        }

        private long u32(int at) {
            return Integer.toUnsignedLong(file.getInt(at));
        }
    }

    /** Returns the protocol's version as it is written, such as {@code 2.15}. */
    public String versionWords() {
        return words(version);
    }

    private static String words(int version) {
        return (version >> 8) + "." + (version & 0xff) / 10 + (version & 0xff) % 10;
    }

    private static ByteBuffer buffer(byte[] file) {
        return ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static IllegalArgumentException error(GuestImage image, String what) {
        return new IllegalArgumentException("image " + image.name() + " " + what);
    }
}
