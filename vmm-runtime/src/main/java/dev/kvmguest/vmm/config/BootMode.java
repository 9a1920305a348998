package dev.kvmguest.vmm.config;

import java.util.Arrays;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * The processor state in which a guest is entered.
 *
 * <p>Outside {@link #REAL} all general registers are 0 except for three in {@link #MULTIBOOT}, EFLAGS is 2, LDTR is
 * null, TR is a busy 32-bit TSS at base 0 with limit 0xffff except in {@link #LONG}, and CR4 and EFER are 0 except for
 * the bits named below.
 * Memory below 0x500 is as a PC's firmware leaves it, unless the image is there.
 */
public enum BootMode {
    /**
     * 16-bit real mode, interrupts off. A linear entry below 64 KiB gives CS=DS=ES=SS=0 and IP=entry; an entry
     * {@code SEG:OFF} gives the four segment registers SEG and IP=OFF. SP is just below the image, never inside it; an
     * image that fills its segment has SS elsewhere.
     */
    REAL("real", 0),

    /**
     * 32-bit protected mode without paging: flat 4 GiB code 0x08 and data 0x10 (user code 0x18, user data 0x20), the
     * GDT at 0x500, the IDT at 0x528 with limit 0x7ff and no gate in it. Where the image is there, they are elsewhere.
     */
    PROTECTED("protected", 0),

    /**
     * {@link #PROTECTED} with paging in 4 MiB pages (CR4.PSE): linear 0 and 0x80000000 map physical 0, linear
     * 0x80400000 maps physical 0x400000; the page directory is at 0x100000.
     */
    PAGED("paged", 0x8000_0000L),

    /**
     * The map of {@link #PAGED} in 4 KiB pages, without CR4.PSE: the page directory at 0x100000 and two page tables
     * after it.
     */
    PAGED_4K("paged-4k", 0x8000_0000L),

    /**
     * What a Multiboot 1 boot loader hands over (Multiboot Specification 0.6.96, 3.2): {@link #PROTECTED} with EAX
     * 0x2badb002 and EBX the physical address of the boot information. The specification leaves GDTR, IDTR and ESP to
     * the loader; they are as with GRUB 2.06: code 0x10 (and 0x08), data 0x18, ESP 0x7ff00. A kernel brings its own of
     * all three.
     */
    MULTIBOOT("multiboot", 0),

    /**
     * 64-bit mode with 2 MiB pages: linear 0 to 4 GiB map themselves, and linear 0xffffffff80000000 up maps physical 0
     * to 2 GiB. CR4.PAE, EFER.LME and LMA are set. Code 0x08, data 0x10, user data 0x18, user code 0x20, as SYSRET
     * wants them, and at 0x28 a busy 64-bit TSS without any stack; an IDT with limit 0xfff and no gate in it; RSP 0.
     * Flat images are loaded at 0x100000 and entered there.
     */
    LONG("long", 0xffff_ffff_8000_0000L);

    /** Bytes that are mapped from linear 0 on, and from the kernel's base on. */
    private static final long LOW_MAP = 0x40_0000;

    private static final long HIGH_MAP = 0x80_0000;

    /** The same in long mode. */
    private static final long LOW_MAP_LONG = 1L << 32;

    private static final long HIGH_MAP_LONG = 1L << 31;

    private final String id;
    private final long kernelBase;

    BootMode(String id, long kernelBase) {
        this.id = id;
        this.kernelBase = kernelBase;
    }

    /** Returns the name used in POMs, on command lines and in reports, such as {@code paged-4k}. */
    public String id() {
        return id;
    }

    /** Returns the linear address at which an image linked for this mode sees physical address 0. */
    public long kernelBase() {
        return kernelBase;
    }

    /**
     * Returns the guest physical address of a linear one, by the page tables with which the guest is entered, if any.
     */
    public OptionalLong physical(long linear) {
        if (this == LONG) {
            boolean high = linear >= kernelBase && linear < 0;
            return high || linear >= 0 && linear < LOW_MAP_LONG
                    ? OptionalLong.of(high ? linear & HIGH_MAP_LONG - 1 : linear)
                    : OptionalLong.empty();
        }
        if (!paging()) {
            return OptionalLong.of(linear);
        }
        return linear >= 0 && linear < LOW_MAP || linear >= kernelBase && linear < kernelBase + HIGH_MAP
                ? OptionalLong.of(linear % kernelBase)
                : OptionalLong.empty();
    }

    /** Returns whether the guest is entered with CR0.PG set. */
    public boolean paging() {
        return this == PAGED || this == PAGED_4K || this == LONG;
    }

    /**
     * Returns the mode with this {@link #id()}, in upper or lower case; {@code PAGED_4K} works too.
     *
     * @throws IllegalArgumentException if there is no such mode; the message lists the names
     */
    public static BootMode parse(String text) {
        String wanted = text.trim().toLowerCase(Locale.ROOT).replace('_', '-');
        for (BootMode mode : values()) {
            if (mode.id.equals(wanted)) {
                return mode;
            }
        }
        throw new IllegalArgumentException("boot mode \"" + text + "\" is unknown; use one of "
                + Arrays.stream(values()).map(BootMode::id).collect(Collectors.joining(", ")));
    }

    @Override
    public String toString() {
        return id;
    }
}
