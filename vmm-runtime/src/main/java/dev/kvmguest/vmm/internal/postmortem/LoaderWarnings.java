package dev.kvmguest.vmm.internal.postmortem;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareRom;
import dev.kvmguest.vmm.internal.boot.firmware.LowMemory;
import dev.kvmguest.vmm.internal.boot.limine.LimineNotes;
import dev.kvmguest.vmm.internal.boot.tables.BootDescriptorTables.Selectors;
import dev.kvmguest.vmm.internal.boot.tables.GrubEntry;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Warns of what a guest got away with since its boot loader or firmware was kind: it lived on their tables or stack,
 * which others leave in another state; and of what it didn't get of what it asked for. Looks at what is in memory at
 * the end, so that it costs the run nothing.
 */
final class LoaderWarnings {

    /** A stack of the loader's that is in use isn't far from where it was. */
    private static final long STACK_SIZE = 0x1_0000;
    /** Between the loader's ESP and the next round address, from which a kernel may have its own stack grow. */
    private static final int ABOVE = 0x100;
    /** Some words that a CALL or PUSH leaves below ESP. */
    private static final int BELOW = 0x40;

    private static final int TIMER = 8;

    private static final List<SegmentRegister> KEPT =
            List.of(SegmentRegister.CS, SegmentRegister.DS, SegmentRegister.ES, SegmentRegister.SS);

    private LoaderWarnings() {}

    /**
     * Returns the warnings, a sentence each without a full stop.
     *
     * @param guest the guest, and how it was entered
     * @param registers its registers at the end; empty if they aren't known
     */
    static List<String> of(VcpuConfig guest, Optional<CpuState> registers, GuestMemory memory, MemoryLayout layout) {
        BootMode boot = guest.boot();
        List<String> warnings = new ArrayList<>();
        if (boot == BootMode.LIMINE) {
            warnings.addAll(LimineNotes.of(guest));
        }
        if (boot == BootMode.MULTIBOOT || boot == BootMode.MULTIBOOT2) {
            gdt(memory, layout).ifPresent(warnings::add);
            registers.flatMap(state -> segments(state, memory, layout)).ifPresent(warnings::add);
            registers.flatMap(state -> stack(state, memory)).ifPresent(warnings::add);
        }
        if (boot == BootMode.REAL) {
            timer(memory, layout).ifPresent(warnings::add);
        }
        return warnings;
    }

    /** A processor that loads a segment register marks its descriptor as accessed. At entry none of them is. */
    private static Optional<String> gdt(GuestMemory memory, MemoryLayout layout) {
        return layout.ranges().stream()
                .filter(range -> range.kind() == Kind.GDT)
                .findFirst()
                .flatMap(table -> gdt(memory, table));
    }

    private static Optional<String> gdt(GuestMemory memory, Range table) {
        List<String> used = new ArrayList<>();
        for (int selector = SegmentDescriptor.BYTES; table.start() + selector < table.end(); selector += 8) {
            SegmentDescriptor descriptor = new SegmentDescriptor(memory.readLong(table.start() + selector));
            if (!descriptor.isCodeOrData() || !descriptor.isPresent() || descriptor.limit() != 0xffff_ffffL) {
                // The guest has written there, and what it wrote says nothing.
                return Optional.empty();
            }
            if ((descriptor.accessByte() & AccessRights.ACCESSED) != 0) {
                used.add(hex(selector));
            }
        }
        return used.isEmpty()
                ? Optional.empty()
                : Optional.of("the guest loaded " + String.join(" and ", used) + " from the boot loader's GDT at "
                        + hex(table.start()) + ", by a segment load, a far jump, an interrupt or IRET; Multiboot leaves"
                        + " GDTR undefined, so that it may die of that after another loader: load a GDT of its own with"
                        + " LGDT and set all segment registers before");
    }

    /** With a GDT of its own, a guest that has loaded a segment register has marked an entry of that as accessed. */
    private static Optional<String> segments(CpuState registers, GuestMemory memory, MemoryLayout layout) {
        DescriptorTable table = registers.gdt();
        boolean loaders =
                layout.ranges().stream().anyMatch(range -> range.kind() == Kind.GDT && range.start() == table.base());
        if (loaders || !registers.protectedMode()) {
            return Optional.empty();
        }
        LinearMemory linear = new LinearMemory(memory, registers);
        List<String> kept = new ArrayList<>();
        for (SegmentRegister register : KEPT) {
            int selector = registers.segment(register).selector();
            OptionalLong entry = linear.readLong(table.base() + Selector.offset(selector));
            boolean ofLoader =
                    selector == (register == SegmentRegister.CS ? Selectors.GRUB.code() : Selectors.GRUB.data());
            if (ofLoader
                    && Selector.isWithin(selector, table.limit())
                    && entry.isPresent()
                    && isUntouched(new SegmentDescriptor(entry.getAsLong()))) {
                kept.add(register.name());
            }
        }
        return kept.isEmpty()
                ? Optional.empty()
                : Optional.of(String.join(", ", kept) + (kept.size() == 1 ? " was" : " were")
                        + " not loaded after LGDT and " + (kept.size() == 1 ? "has" : "have")
                        + " what the boot loader put there (CS " + hex(Selectors.GRUB.code()) + ", the others "
                        + hex(Selectors.GRUB.data())
                        + "); another loader may use other selectors: after LGDT load CS with a far"
                        + " jump, and the other segment registers with MOV");
    }

    private static boolean isUntouched(SegmentDescriptor descriptor) {
        return descriptor.isCodeOrData() && (descriptor.accessByte() & AccessRights.ACCESSED) == 0;
    }

    private static Optional<String> stack(CpuState registers, GuestMemory memory) {
        long top = GrubEntry.STACK;
        long esp = registers.get(Register.RSP);
        boolean near = esp <= top && esp > top - STACK_SIZE;
        if (!near
                || registers.segment(SegmentRegister.SS).base() != 0
                || !memory.map().contains(top, ABOVE)
                || new LinearMemory(memory, registers).physical(esp).orElse(0) != esp
                || !isZero(memory, top, ABOVE)
                || isZero(memory, top - BELOW, BELOW)) {
            return Optional.empty();
        }
        return Optional.of(
                "the guest's stack is the boot loader's: ESP was " + hex(top) + " at entry and is " + hex(esp)
                        + "; Multiboot leaves ESP undefined, so that it may die at its first CALL after another loader: set ESP"
                        + " to the top of a stack of its own before");
    }

    private static boolean isZero(GuestMemory memory, long start, int length) {
        for (byte octet : memory.read(start, length)) {
            if (octet != 0) {
                return false;
            }
        }
        return true;
    }

    private static Optional<String> timer(GuestMemory memory, MemoryLayout layout) {
        long ticks = Integer.toUnsignedLong(memory.readInt(LowMemory.TICKS));
        boolean firmwares = layout.ranges().stream().anyMatch(range -> range.kind() == Kind.BIOS_DATA)
                && FirmwareRom.in(layout)
                        .filter(rom -> rom.holds(memory.readInt(4 * TIMER) & 0xffff_ffffL))
                        .isPresent();
        return firmwares && ticks > 0
                ? Optional.of("IRQ 0 came " + (ticks == 1 ? "once" : ticks + " times")
                        + " and found the firmware's handler at vector 8, which counts the tick at 0x46c and returns;"
                        + " a handler of the guest's own has its offset at 0000:0020 and its segment at 0000:0022")
                : Optional.empty();
    }
}
