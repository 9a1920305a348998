package dev.kvmguest.vmm.internal.boot.pvh;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.PvhNote;
import dev.kvmguest.vmm.internal.boot.layout.EntryRegisters;
import dev.kvmguest.vmm.internal.boot.layout.Firmware;
import dev.kvmguest.vmm.internal.boot.layout.Handover;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.PlacedGuest;
import dev.kvmguest.vmm.internal.boot.tables.BootDescriptorTables;
import dev.kvmguest.vmm.internal.boot.tables.BootDescriptorTables.Selectors;
import dev.kvmguest.vmm.memory.GuestMemory;

/**
 * A PVH kernel: an ELF file with Xen's note of where it is entered.
 *
 * <p>Source: Xen's docs/misc/pvh.pandoc, "x86/HVM direct boot ABI". It leaves selectors, GDTR, IDTR and the stack to
 * the loader; the selectors are those of QEMU's.
 */
public final class PvhHandover implements Handover {

    /** The limit of a 32-bit TSS without a map of ports. */
    private static final long TASK_LIMIT = 0x67;

    private final VcpuConfig config;
    private final PlacedGuest guest;
    private BootDescriptorTables descriptors;
    private StartInfo information;

    /**
     * Places a kernel.
     *
     * @throws IllegalArgumentException if it has no note or one that contradicts the file or its configuration
     */
    public PvhHandover(VcpuConfig config) {
        this.config = config;
        this.guest = place(config);
    }

    private static PlacedGuest place(VcpuConfig config) {
        GuestImage original = config.image();
        GuestImage image =
                original.placed(original.segments(), PvhNote.find(original).entry());
        if (config.load().isPresent() && config.load().getAsLong() != image.physicalStart()) {
            throw new IllegalArgumentException("load " + hex(config.load().getAsLong()) + " contradicts image "
                    + image.name() + ", whose program headers say that it is to be loaded at "
                    + hex(image.physicalStart()) + "; leave load out, or link the image for that address");
        }
        return PlacedGuest.entered(image, config);
    }

    @Override
    public PlacedGuest guest() {
        return guest;
    }

    @Override
    public void takeTables(LayoutPlan plan) {
        descriptors = BootDescriptorTables.take(plan, Selectors.OWN);
    }

    @Override
    public void takeInformation(LayoutPlan plan, Firmware firmware) {
        information = new StartInfo(config, guest, plan, firmware);
    }

    @Override
    public void write(GuestMemory memory) {
        descriptors.write(memory);
        information.write(memory);
    }

    @Override
    public CpuState state() {
        SegmentState task = SegmentState.resetTask();
        return descriptors
                .enter(EntryRegisters.fixed())
                .segment(
                        SegmentRegister.TR,
                        new SegmentState(task.selector(), task.base(), TASK_LIMIT, task.accessRights()))
                .set(Register.RIP, guest.entry().offset())
                .set(Register.RBX, information.address())
                .build();
    }
}
