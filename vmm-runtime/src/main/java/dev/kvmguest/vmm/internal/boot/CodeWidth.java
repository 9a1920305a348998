package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.config.Architecture;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.ElfReader;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Format;

/**
 * Refuses an ELF file in a boot mode that would run its code as that of another width, or leave its pointers 0.
 */
final class CodeWidth {

    private CodeWidth() {}

    /**
     * Makes sure that a boot mode takes an image.
     *
     * @throws IllegalArgumentException if it doesn't; the message says what does
     */
    static void require(GuestImage image, BootMode boot) {
        if (image.format() == Format.ELF32 && !Architecture.I386.fits(boot)) {
            throw new IllegalArgumentException("image " + image.name() + " is a 32-bit ELF file, and boot mode " + boot
                    + " runs 64-bit code; choose boot mode " + BootMode.PROTECTED + ", or compile and link it for"
                    + " x86-64 (-m64, ld -m elf_x86_64)");
        }
        if (image.format() == Format.ELF64 && !Architecture.X86_64.fits(boot)) {
            throw new IllegalArgumentException("image " + image.name() + " is a 64-bit ELF file, and boot mode " + boot
                    + " runs " + (boot == BootMode.REAL ? 16 : 32) + "-bit code; choose boot mode " + BootMode.LONG
                    + ", or compile and link it for i386 (-m32, ld -m elf_i386)");
        }
        if (image.format() == Format.ELF64 && boot != BootMode.LIMINE) {
            ElfReader.requireFixedAddresses(image);
        }
    }
}
