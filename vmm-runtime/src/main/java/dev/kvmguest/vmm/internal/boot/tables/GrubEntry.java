package dev.kvmguest.vmm.internal.boot.tables;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.boot.layout.EntryRegisters;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.tables.BootDescriptorTables.Selectors;
import dev.kvmguest.vmm.memory.GuestMemory;

/**
 * The machine as GRUB 2.06 hands it to a kernel (measured), by either version of Multiboot: protected mode without
 * paging, GRUB's GDT, and some stack.
 */
public final class GrubEntry {

    /** ESP at entry. */
    public static final int STACK = 0x7_ff00;

    private final BootDescriptorTables descriptors;

    /** Takes room for the descriptor tables. */
    public GrubEntry(LayoutPlan plan) {
        descriptors = BootDescriptorTables.take(plan, Selectors.GRUB);
    }

    /** Writes the GDT. */
    public void write(GuestMemory memory) {
        descriptors.write(memory);
    }

    /**
     * Returns the registers.
     *
     * @param entry EIP, a physical address
     * @param magic EAX, which names the protocol
     * @param information EBX, the physical address of what the kernel is told
     */
    public CpuState state(long entry, int magic, long information) {
        return descriptors
                .enter(EntryRegisters.fixed())
                .set(Register.RIP, entry)
                .set(Register.RAX, magic)
                .set(Register.RBX, information)
                .set(Register.RSP, STACK)
                .build();
    }
}
