package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareRom;
import dev.kvmguest.vmm.internal.boot.firmware.LowMemory;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Puts firmware, images, descriptor tables, page tables and registers in place, as each {@link BootMode} says. */
public final class BootLoader {

    /** ESP of a kernel that GRUB 2.06 has loaded. */
    public static final int MULTIBOOT_STACK = 0x7_ff00;

    /** CS of such a kernel. */
    public static final int MULTIBOOT_CODE = 0x10;

    /** Its other segment registers. */
    public static final int MULTIBOOT_DATA = 0x18;

    private final List<PlacedGuest> guests = new ArrayList<>();
    private final List<Tables> tables = new ArrayList<>();
    private final List<MultibootInfo> information = new ArrayList<>();
    private final List<CpuState> states = new ArrayList<>();
    private final LayoutPlan plan;
    private final Optional<FirmwareRom> firmware;

    /** What a guest is entered with in memory; empty where its boot mode has none. */
    private record Tables(
            Optional<BootDescriptorTables> descriptors,
            Optional<BootPageTables> pages,
            Optional<LongModeTables> longMode) {

        static Tables take(BootMode boot, LayoutPlan layout) {
            if (boot == BootMode.LONG) {
                return new Tables(Optional.empty(), Optional.empty(), Optional.of(LongModeTables.take(layout)));
            }
            return new Tables(
                    boot == BootMode.REAL ? Optional.empty() : Optional.of(BootDescriptorTables.take(layout, boot)),
                    boot.paging()
                            ? Optional.of(BootPageTables.take(layout, boot == BootMode.PAGED_4K))
                            : Optional.empty(),
                    Optional.empty());
        }

        void write(GuestMemory memory) {
            descriptors.ifPresent(present -> present.write(memory));
            pages.ifPresent(present -> present.write(memory));
            longMode.ifPresent(present -> present.write(memory));
        }
    }

    /**
     * Finds a place for everything that these vCPUs run, in a memory of this size.
     *
     * @param memorySize RAM in bytes
     * @throws IllegalArgumentException if an image overlaps another, passes the end of RAM, has its entry elsewhere, or
     *     leaves no room for a table or a stack
     */
    public BootLoader(long memorySize, List<VcpuConfig> vcpus) {
        plan = new LayoutPlan(memorySize);
        for (int i = 0; i < vcpus.size(); i++) {
            guests.add(vcpus.size() == 1 ? PlacedGuest.of(vcpus.get(i)) : PlacedGuest.amongOthers(vcpus.get(i), i));
        }
        guests.forEach(guest -> guest.take(plan));
        guests.forEach(guest -> tables.add(Tables.take(guest.boot(), plan)));
        if (guests.size() > 1) {
            guests.forEach(guest -> guest.takeStack(plan));
        }
        firmware = takeFirmware();
        for (int i = 0; i < vcpus.size(); i++) {
            states.add(entryState(guests.get(i), tables.get(i), memorySize));
            if (vcpus.get(i).boot() == BootMode.MULTIBOOT) {
                MultibootInfo info = new MultibootInfo(vcpus.get(i), guests.get(i), plan, lowMemory());
                states.set(i, states.get(i).with(state -> state.set(Register.RAX, MultibootInfo.MAGIC)
                        .set(Register.RBX, info.address())
                        .set(Register.RSP, MULTIBOOT_STACK)));
                information.add(info);
            }
        }
    }

    private long lowMemory() {
        return LowMemory.size(plan.ram().size(), firmware.map(FirmwareRom::base).orElse(Long.MAX_VALUE));
    }

    private Optional<FirmwareRom> takeFirmware() {
        OptionalLong base = plan.takeFirmware("the firmware's ROM", FirmwareRom.SIZE, FirmwareRom.USUAL_BASE);
        if (base.isEmpty()) {
            return Optional.empty();
        }
        plan.leave(Kind.INTERRUPT_VECTORS, "the interrupt vector table", 0, LowMemory.VECTORS_END);
        plan.leave(Kind.BIOS_DATA, "the BIOS data area", LowMemory.VECTORS_END, LowMemory.END);
        return Optional.of(new FirmwareRom(base.getAsLong()));
    }

    /**
     * Loads what each vCPU runs into zeroed memory.
     *
     * @return the registers with which each vCPU starts
     * @throws IllegalArgumentException as the constructor does; memory is unchanged then
     */
    public static List<CpuState> load(GuestMemory memory, List<VcpuConfig> vcpus) {
        BootLoader loader = new BootLoader(memory.size(), vcpus);
        loader.load(memory);
        return loader.states();
    }

    /** Writes it all into zeroed memory of the size that it was planned for. */
    public void load(GuestMemory memory) {
        firmware.ifPresent(rom -> rom.write(memory));
        loadGuests(memory);
    }

    /** Writes it all but the firmware, of which the machine has its own. */
    public void loadGuests(GuestMemory memory) {
        tables.forEach(table -> table.write(memory));
        for (PlacedGuest guest : guests) {
            for (GuestImage.Segment segment : guest.image().segments()) {
                memory.write(segment.physicalAddress(), segment.data());
            }
        }
        information.forEach(info -> info.write(memory));
    }

    /** Returns the registers with which each vCPU starts. */
    public List<CpuState> states() {
        return states;
    }

    /** Returns what lies where, with warnings of what lies close. */
    public MemoryLayout layout() {
        return LayoutCheck.of(plan, guests.stream().map(PlacedGuest::image).toList());
    }

    private static CpuState entryState(PlacedGuest guest, Tables tables, long memorySize) {
        if (tables.longMode.isPresent()) {
            return tables.longMode
                    .get()
                    .enter(withFixedState())
                    .set(Register.RIP, guest.entry().offset())
                    .build();
        }
        return tables.descriptors
                .map(descriptors -> protectedState(guest, descriptors, tables.pages))
                .orElseGet(() -> realState(guest, memorySize));
    }

    private static CpuState realState(PlacedGuest guest, long memorySize) {
        SegmentState segment = SegmentState.real(guest.entry().segment().orElse(0));
        PlacedGuest.RealModeStack stack = guest.realModeStack(memorySize);
        return withFixedState()
                .segment(SegmentRegister.CS, segment)
                .segment(SegmentRegister.DS, segment)
                .segment(SegmentRegister.ES, segment)
                .segment(SegmentRegister.SS, SegmentState.real(stack.segment()))
                .segment(SegmentRegister.FS, SegmentState.real(0))
                .segment(SegmentRegister.GS, SegmentState.real(0))
                .set(Register.RIP, guest.entry().offset())
                .set(Register.RSP, stack.pointer())
                .set(Register.CR0, Cr0.ET)
                .idt(new DescriptorTable(0, InterruptTable.REAL_MODE_LIMIT))
                .build();
    }

    private static CpuState protectedState(
            PlacedGuest guest, BootDescriptorTables tables, Optional<BootPageTables> pages) {
        BootMode boot = guest.boot();
        SegmentState data = SegmentState.flatData(tables.selectors().data());
        CpuState.Builder state = withFixedState()
                .segment(
                        SegmentRegister.CS,
                        SegmentState.flatCode(tables.selectors().code()))
                .segment(SegmentRegister.DS, data)
                .segment(SegmentRegister.ES, data)
                .segment(SegmentRegister.FS, data)
                .segment(SegmentRegister.GS, data)
                .segment(SegmentRegister.SS, data)
                .set(Register.RIP, guest.entry().offset())
                .set(Register.CR0, Cr0.ET | Cr0.PE | (boot.paging() ? Cr0.PG : 0))
                .gdt(tables.gdt())
                .idt(tables.idt());
        pages.ifPresent(present -> state.set(Register.CR3, present.directory()));
        if (boot == BootMode.PAGED) {
            state.set(Register.CR4, Cr4.PSE);
        }
        return state.build();
    }

    private static CpuState.Builder withFixedState() {
        return CpuState.builder()
                .set(Register.RFLAGS, Flag.FIXED)
                .segment(SegmentRegister.TR, SegmentState.resetTask())
                .segment(SegmentRegister.LDTR, SegmentState.unusable());
    }
}
