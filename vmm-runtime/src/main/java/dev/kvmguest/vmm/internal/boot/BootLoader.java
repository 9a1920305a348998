package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import java.util.ArrayList;
import java.util.List;

/** Puts images, descriptor tables, page tables and registers in place, as each {@link BootMode} says. */
public final class BootLoader {

    private final List<PlacedGuest> guests = new ArrayList<>();
    private final List<MultibootInfo> information = new ArrayList<>();
    private final List<CpuState> states = new ArrayList<>();
    private final LayoutPlan plan;

    /**
     * Finds a place for everything that these vCPUs run, in a memory of this size.
     *
     * @param memorySize RAM in bytes
     * @throws IllegalArgumentException if an image overlaps another or a table, passes the end of RAM, has its entry
     *     elsewhere, or leaves no room for a stack
     */
    public BootLoader(long memorySize, List<VcpuConfig> vcpus) {
        plan = new LayoutPlan(memorySize);
        for (int i = 0; i < vcpus.size(); i++) {
            guests.add(vcpus.size() == 1 ? PlacedGuest.of(vcpus.get(i)) : PlacedGuest.amongOthers(vcpus.get(i), i));
        }
        for (PlacedGuest guest : guests) {
            takeTables(guest.boot(), plan);
            guest.take(plan);
        }
        if (guests.size() > 1) {
            guests.forEach(guest -> guest.takeStack(plan));
        }
        for (int i = 0; i < vcpus.size(); i++) {
            states.add(entryState(guests.get(i), memorySize));
            if (vcpus.get(i).boot() == BootMode.MULTIBOOT) {
                MultibootInfo info = new MultibootInfo(vcpus.get(i), guests.get(i), plan);
                states.set(i, states.get(i).with(state -> state.set(Register.RAX, MultibootInfo.MAGIC)
                        .set(Register.RBX, info.address())));
                information.add(info);
            }
        }
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
        for (PlacedGuest guest : guests) {
            writeTables(guest.boot(), memory);
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

    private static void takeTables(BootMode boot, LayoutPlan layout) {
        if (boot != BootMode.REAL) {
            BootDescriptorTables.take(layout);
        }
        if (boot.paging()) {
            BootPageTables.take(layout, boot == BootMode.PAGED_4K);
        }
    }

    private static void writeTables(BootMode boot, GuestMemory memory) {
        if (boot != BootMode.REAL) {
            BootDescriptorTables.write(memory);
        }
        switch (boot) {
            case PAGED -> BootPageTables.writeLargePages(memory);
            case PAGED_4K -> BootPageTables.writeSmallPages(memory);
            case REAL, PROTECTED, MULTIBOOT -> {
                // No paging, no tables.
            }
        }
    }

    private static CpuState entryState(PlacedGuest guest, long memorySize) {
        return guest.boot() == BootMode.REAL ? realState(guest, memorySize) : protectedState(guest);
    }

    private static CpuState realState(PlacedGuest guest, long memorySize) {
        SegmentState segment = SegmentState.real(guest.entry().segment().orElse(0));
        return withFixedState()
                .segment(SegmentRegister.CS, segment)
                .segment(SegmentRegister.DS, segment)
                .segment(SegmentRegister.ES, segment)
                .segment(SegmentRegister.SS, segment)
                .segment(SegmentRegister.FS, SegmentState.real(0))
                .segment(SegmentRegister.GS, SegmentState.real(0))
                .set(Register.RIP, guest.entry().offset())
                .set(Register.RSP, guest.realModeStackPointer(memorySize))
                .set(Register.CR0, Cr0.ET)
                .idt(new DescriptorTable(0, InterruptTable.REAL_MODE_LIMIT))
                .build();
    }

    private static CpuState protectedState(PlacedGuest guest) {
        BootMode boot = guest.boot();
        SegmentState data = SegmentState.flatData(BootDescriptorTables.KERNEL_DATA);
        CpuState.Builder state = withFixedState()
                .segment(SegmentRegister.CS, SegmentState.flatCode(BootDescriptorTables.KERNEL_CODE))
                .segment(SegmentRegister.DS, data)
                .segment(SegmentRegister.ES, data)
                .segment(SegmentRegister.FS, data)
                .segment(SegmentRegister.GS, data)
                .segment(SegmentRegister.SS, data)
                .set(Register.RIP, guest.entry().offset())
                .set(Register.CR0, Cr0.ET | Cr0.PE | (boot.paging() ? Cr0.PG : 0))
                .gdt(BootDescriptorTables.GDT)
                .idt(BootDescriptorTables.IDT);
        if (boot.paging()) {
            state.set(Register.CR3, BootPageTables.DIRECTORY);
        }
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
