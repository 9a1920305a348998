package dev.kvmguest.vmm.internal.boot.plain;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.boot.layout.EntryRegisters;
import dev.kvmguest.vmm.internal.boot.layout.Handover;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.PlacedGuest;
import dev.kvmguest.vmm.internal.boot.tables.BootDescriptorTables;
import dev.kvmguest.vmm.internal.boot.tables.BootDescriptorTables.Selectors;
import dev.kvmguest.vmm.internal.boot.tables.BootPageTables;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.Optional;

/** A guest in 32-bit protected mode, with paging on or off. */
public final class ProtectedModeHandover implements Handover {

    private final PlacedGuest guest;
    private BootDescriptorTables descriptors;
    private Optional<BootPageTables> pages = Optional.empty();

    /**
     * Places a guest.
     *
     * @throws IllegalArgumentException if it can't be entered
     */
    public ProtectedModeHandover(VcpuConfig config) {
        guest = PlacedGuest.entered(PlainImage.place(config), config);
    }

    @Override
    public PlacedGuest guest() {
        return guest;
    }

    @Override
    public void takeTables(LayoutPlan plan) {
        descriptors = BootDescriptorTables.take(plan, Selectors.OWN);
        if (guest.boot().paging()) {
            pages = Optional.of(BootPageTables.take(plan, guest.boot() == BootMode.PAGED_4K));
        }
    }

    @Override
    public void write(GuestMemory memory) {
        descriptors.write(memory);
        pages.ifPresent(present -> present.write(memory));
    }

    @Override
    public CpuState state() {
        CpuState.Builder state = descriptors
                .enter(EntryRegisters.fixed())
                .set(Register.RIP, guest.entry().offset());
        pages.ifPresent(
                present -> state.set(Register.CR0, Cr0.ET | Cr0.PE | Cr0.PG).set(Register.CR3, present.directory()));
        if (guest.boot() == BootMode.PAGED) {
            state.set(Register.CR4, Cr4.PSE);
        }
        return state.build();
    }
}
