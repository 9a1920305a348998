package dev.kvmguest.vmm.internal.engine;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.LinuxHeader;
import java.util.List;

/** Something that a guest or the runtime may need of an engine and that not every host offers. */
public enum Feature {
    REAL_MODE("real mode"),
    REAL_MODE_INTERRUPTS("INT and IRET in real mode"),
    PROTECTED_MODE("protected mode without paging"),
    PROTECTED_MODE_INTERRUPTS("INT and IRET in protected mode"),
    PAGING_4M("32-bit paging with 4 MiB pages"),
    PAGING_4K("32-bit paging with 4 KiB pages"),
    LONG_MODE("long mode"),
    LONG_MODE_EXCEPTIONS("exceptions in long mode"),
    LONG_MODE_INTERRUPTS("INT and IRET in long mode"),
    LONG_MODE_SYSCALL("SYSCALL and SYSRET in long mode"),
    REAL_MODE_SPEED("real mode at a processor's speed"),
    PROTECTED_MODE_SPEED("protected mode at a processor's speed"),
    LONG_MODE_SPEED("long mode at a processor's speed"),
    SINGLE_STEP("single-stepping"),
    PARALLEL_VCPUS("several vCPUs in parallel");

    private final String words;

    Feature(String words) {
        this.words = words;
    }

    /** Returns the feature in words, as it stands in a sentence. */
    public String words() {
        return words;
    }

    /**
     * Returns the boot mode that needs of an engine what a guest needs: its own, but for a Linux kernel with a 64-bit
     * entry point, which runs in long mode from its first instruction on.
     */
    public static BootMode modeOf(VcpuConfig guest) {
        return guest.boot() == BootMode.LINUX
                        && LinuxHeader.isMeant(guest.image())
                        && LinuxHeader.find(guest.image()).entry64()
                ? BootMode.LONG
                : guest.boot();
    }

    /** Returns what a guest booted in this mode can't do without. */
    public static Feature neededBy(BootMode mode) {
        return switch (mode) {
            case REAL -> REAL_MODE;
            case PROTECTED, MULTIBOOT, MULTIBOOT2, PVH, LINUX -> PROTECTED_MODE;
            case PAGED -> PAGING_4M;
            case PAGED_4K -> PAGING_4K;
            case LONG, LIMINE -> LONG_MODE;
        };
    }

    /** Returns what a guest booted in this mode can't take an interrupt or an exception without. */
    public static Feature interruptsIn(BootMode mode) {
        return switch (mode) {
            case REAL -> REAL_MODE_INTERRUPTS;
            case LONG, LIMINE -> LONG_MODE_INTERRUPTS;
            case PROTECTED, MULTIBOOT, MULTIBOOT2, PVH, LINUX, PAGED, PAGED_4K -> PROTECTED_MODE_INTERRUPTS;
        };
    }

    /** Returns what else a kernel booted in this mode comes to. */
    public static List<Feature> furtherIn(BootMode mode) {
        return mode.longMode() ? List.of(LONG_MODE_EXCEPTIONS, LONG_MODE_SYSCALL) : List.of();
    }

    /** Returns what makes a guest booted in this mode slower than on the emulator if it is missing. */
    public static Feature speedIn(BootMode mode) {
        return switch (mode) {
            case REAL -> REAL_MODE_SPEED;
            case LONG, LIMINE -> LONG_MODE_SPEED;
            case PROTECTED, MULTIBOOT, MULTIBOOT2, PVH, LINUX, PAGED, PAGED_4K -> PROTECTED_MODE_SPEED;
        };
    }
}
