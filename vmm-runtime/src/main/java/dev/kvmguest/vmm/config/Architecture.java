package dev.kvmguest.vmm.config;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What a guest's code is compiled for. */
public enum Architecture {
    /** 16-bit and 32-bit code; ELF files have 32 bits. */
    I386("i386"),

    /** 64-bit code; ELF files have 64 bits. */
    X86_64("x86_64");

    private final String id;

    Architecture(String id) {
        this.id = id;
    }

    /** Returns the name used in POMs and manifests. */
    public String id() {
        return id;
    }

    /** Returns what a guest is compiled for of which only the boot mode is known. */
    public static Architecture of(BootMode boot) {
        return boot.longMode() ? X86_64 : I386;
    }

    /**
     * Returns whether a boot mode can enter such code. Code for x86-64 may be entered in 32-bit mode without paging, as
     * GRUB does with a Multiboot kernel: it enters long mode itself.
     */
    public boolean fits(BootMode boot) {
        return switch (boot) {
            case REAL, PAGED, PAGED_4K -> this == I386;
            case LONG, LIMINE -> this == X86_64;
            case PROTECTED, MULTIBOOT, MULTIBOOT2, PVH, LINUX -> true;
        };
    }

    /**
     * Returns the architecture with this {@link #id()}; {@code x86-64} and capitals work too.
     *
     * @throws IllegalArgumentException if there is none; the message lists the names
     */
    public static Architecture parse(String text) {
        String wanted = text.trim().toLowerCase(Locale.ROOT).replace('-', '_');
        return Arrays.stream(values())
                .filter(architecture -> architecture.id.equals(wanted))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("architecture \"" + text + "\" is unknown; use one of "
                        + Arrays.stream(values()).map(Architecture::id).collect(Collectors.joining(", "))));
    }

    @Override
    public String toString() {
        return id;
    }
}
