package dev.kvmguest.vmm.internal.boot.plain;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.boot.layout.EntryRegisters;
import dev.kvmguest.vmm.internal.boot.layout.Handover;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.PlacedGuest;
import dev.kvmguest.vmm.internal.boot.tables.LongModeTables;
import dev.kvmguest.vmm.memory.GuestMemory;

/** A guest in 64-bit mode. */
public final class LongModeHandover implements Handover {

    private final PlacedGuest guest;
    private LongModeTables tables;

    /**
     * Places a guest.
     *
     * @throws IllegalArgumentException if it can't be entered
     */
    public LongModeHandover(VcpuConfig config) {
        guest = PlacedGuest.entered(PlainImage.place(config), config);
    }

    @Override
    public PlacedGuest guest() {
        return guest;
    }

    @Override
    public void takeTables(LayoutPlan plan) {
        tables = LongModeTables.take(plan, LongModeTables.Flavour.OWN);
    }

    @Override
    public void write(GuestMemory memory) {
        tables.write(memory);
    }

    @Override
    public CpuState state() {
        return tables.enter(EntryRegisters.fixed())
                .set(Register.RIP, guest.entry().offset())
                .build();
    }
}
