package dev.kvmguest.vmm.image;

import java.util.Arrays;
import java.util.Optional;

/**
 * A piece of information that a Multiboot 2 loader may give a kernel.
 *
 * <p>Source: Multiboot2 Specification version 2.0, 3.6, "Boot information format"; the numbers above 16 as in {@code
 * multiboot2.h} of GRUB 2.06.
 */
public enum Multiboot2Tag {
    END("the end"),
    COMMAND_LINE("the command line"),
    LOADER_NAME("the loader's name"),
    MODULE("modules"),
    BASIC_MEMORY("the sizes of lower and upper memory"),
    BOOT_DEVICE("the BIOS boot device"),
    MEMORY_MAP("the memory map"),
    VBE("VBE information"),
    FRAMEBUFFER("the framebuffer"),
    ELF_SECTIONS("ELF section headers"),
    APM("the APM table"),
    EFI_32("the EFI system table (32 bits)"),
    EFI_64("the EFI system table (64 bits)"),
    SMBIOS("SMBIOS tables"),
    ACPI_OLD("the RSDP of ACPI 1.0"),
    ACPI_NEW("the RSDP of ACPI 2.0"),
    NETWORK("the DHCP acknowledgement"),
    EFI_MEMORY_MAP("the EFI memory map"),
    EFI_BOOT_SERVICES("EFI boot services"),
    EFI_32_IMAGE("the EFI image handle (32 bits)"),
    EFI_64_IMAGE("the EFI image handle (64 bits)"),
    LOAD_BASE("the load base address");

    private final String words;

    Multiboot2Tag(String words) {
        this.words = words;
    }

    /** Returns its type in the boot information, and in requests. */
    public int number() {
        return ordinal();
    }

    /** Returns what it tells, as it stands in a sentence. */
    public String words() {
        return words;
    }

    /** Returns whether only a machine with UEFI firmware can have it. */
    public boolean isEfi() {
        return switch (this) {
            case EFI_32, EFI_64, EFI_MEMORY_MAP, EFI_BOOT_SERVICES, EFI_32_IMAGE, EFI_64_IMAGE -> true;
            default -> false;
        };
    }

    /** Returns the tag with this number, unsigned; empty if the specification has none. */
    static Optional<Multiboot2Tag> numbered(long number) {
        return Arrays.stream(values()).filter(tag -> tag.number() == number).findFirst();
    }
}
