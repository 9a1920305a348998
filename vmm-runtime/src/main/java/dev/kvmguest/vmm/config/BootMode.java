package dev.kvmguest.vmm.config;

import static dev.kvmguest.vmm.text.Notation.hex;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * The processor state in which a guest is entered.
 *
 * <p>Outside {@link #REAL} all general registers are 0 except for those that a boot loader sets, EFLAGS is 2, LDTR is
 * null, TR is a busy 32-bit TSS at base 0 with limit 0xffff except where a mode says otherwise, and CR4 and EFER are 0
 * except for the bits named below.
 * Memory below 0x500 is as a PC's firmware leaves it, unless the image is there.
 */
public enum BootMode {
    /**
     * 16-bit real mode, interrupts off. A linear entry below 64 KiB gives CS=DS=ES=SS=0 and IP=entry; an entry
     * {@code SEG:OFF} gives the four segment registers SEG and IP=OFF. SP is just below the image, never inside it; an
     * image that fills its segment has SS elsewhere.
     */
    REAL("real"),

    /**
     * 32-bit protected mode without paging: flat 4 GiB code 0x08 and data 0x10 (user code 0x18, user data 0x20), the
     * GDT at 0x500, the IDT at 0x528 with limit 0x7ff and no gate in it. Where the image is there, they are elsewhere.
     */
    PROTECTED("protected"),

    /**
     * {@link #PROTECTED} with paging in 4 MiB pages (CR4.PSE): linear 0 and 0x80000000 map physical 0, linear
     * 0x80400000 maps physical 0x400000; the page directory is at 0x100000.
     */
    PAGED("paged", 0x8000_0000L, 0x40_0000, 0x80_0000),

    /**
     * The map of {@link #PAGED} in 4 KiB pages, without CR4.PSE: the page directory at 0x100000 and two page tables
     * after it.
     */
    PAGED_4K("paged-4k", 0x8000_0000L, 0x40_0000, 0x80_0000),

    /**
     * What a Multiboot 1 boot loader hands over (Multiboot Specification 0.6.96, 3.2): {@link #PROTECTED} with EAX
     * 0x2badb002 and EBX the physical address of the boot information. The specification leaves GDTR, IDTR and ESP to
     * the loader; they are as with GRUB 2.06: code 0x10 (and 0x08), data 0x18, ESP 0x7ff00. A kernel brings its own of
     * all three.
     */
    MULTIBOOT("multiboot"),

    /**
     * What a PVH loader hands over to an ELF file, of 32 or 64 bits, with Xen's note of its entry (Xen,
     * docs/misc/pvh.pandoc): {@link #PROTECTED} at the physical address in the note, with EBX the physical address of
     * hvm_start_info, version 1, and in TR a busy 32-bit TSS at base 0 with limit 0x67.
     */
    PVH("pvh"),

    /**
     * What a loader of Linux hands over to a bzImage or zImage (Linux, Documentation/arch/x86/boot.rst). A kernel with
     * a 64-bit entry point is entered there, 0x200 bytes into its protected-mode code: in 64-bit mode, each address
     * below 4 GiB mapped to itself, RSI the physical address of boot_params, and the TSS of {@link #LONG}. Any other
     * one is entered at its first byte in 32-bit protected mode without paging, with ESI that address. Code 0x10, data
     * 0x18.
     */
    LINUX("linux"),

    /**
     * 64-bit mode with 2 MiB pages: linear 0 to 4 GiB map themselves, and linear 0xffffffff80000000 up maps physical 0
     * to 2 GiB. CR4.PAE, EFER.LME and LMA are set. Code 0x08, data 0x10, user data 0x18, user code 0x20, as SYSRET
     * wants them, and at 0x28 a busy 64-bit TSS without any stack; an IDT with limit 0xfff and no gate in it; RSP 0.
     * Flat images are loaded at 0x100000 and entered there.
     */
    LONG("long", 0xffff_ffff_8000_0000L, 1L << 32, 1L << 31);

    private final String id;
    private final long kernelBase;
    /** Bytes that are mapped to themselves, from linear 0 on; 0 without paging. */
    private final long lowMap;
    /** Bytes that are mapped to physical 0 and up, from the kernel's base on. */
    private final long highMap;

    /** Creates a mode without paging. */
    BootMode(String id) {
        this(id, 0, 0, 0);
    }

    /** Creates a mode with paging. */
    BootMode(String id, long kernelBase, long lowMap, long highMap) {
        this.id = id;
        this.kernelBase = kernelBase;
        this.lowMap = lowMap;
        this.highMap = highMap;
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
        if (!paging()) {
            return OptionalLong.of(linear);
        }
        if (Long.compareUnsigned(linear, lowMap) < 0) {
            return OptionalLong.of(linear);
        }
        return Long.compareUnsigned(linear - kernelBase, highMap) < 0
                ? OptionalLong.of(linear - kernelBase)
                : OptionalLong.empty();
    }

    /** Returns the linear addresses that are mapped when a guest is entered with paging on, in words. */
    public String mapped() {
        return hex(0) + "-" + hex(lowMap - 1) + " and " + hex(kernelBase) + "-" + hex(kernelBase + highMap - 1);
    }

    /** Returns whether the guest is entered with CR0.PG set. */
    public boolean paging() {
        return lowMap != 0;
    }

    /** Returns whether the guest is entered in 64-bit mode. */
    public boolean longMode() {
        return this == LONG;
    }

    /**
     * Returns whether the guest is entered as by a boot loader, which tells it a command line and loads modules beside
     * it.
     */
    public boolean hasLoader() {
        return this == MULTIBOOT || this == PVH || this == LINUX;
    }

    /** Returns the modes that {@linkplain #hasLoader() have a boot loader}, in words. */
    public static String withLoader() {
        List<String> modes = Arrays.stream(values())
                .filter(BootMode::hasLoader)
                .map(BootMode::id)
                .toList();
        int last = modes.size() - 1;
        return String.join(", ", modes.subList(0, last)) + " or " + modes.get(last);
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
