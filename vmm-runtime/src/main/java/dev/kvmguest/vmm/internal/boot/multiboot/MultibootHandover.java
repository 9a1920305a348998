package dev.kvmguest.vmm.internal.boot.multiboot;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.MultibootHeader;
import dev.kvmguest.vmm.internal.boot.layout.EntryRegisters;
import dev.kvmguest.vmm.internal.boot.layout.Firmware;
import dev.kvmguest.vmm.internal.boot.layout.Handover;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.internal.boot.layout.PlacedGuest;
import dev.kvmguest.vmm.internal.boot.tables.BootDescriptorTables;
import dev.kvmguest.vmm.internal.boot.tables.BootDescriptorTables.Selectors;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.Optional;

/** A Multiboot 1 kernel, as GRUB 2.06 hands over (measured). */
public final class MultibootHandover implements Handover {

    /** ESP at entry. */
    public static final int STACK = 0x7_ff00;

    private final VcpuConfig config;
    private final PlacedGuest guest;
    private BootDescriptorTables descriptors;
    private MultibootInfo information;

    /**
     * Places a kernel.
     *
     * @throws IllegalArgumentException if it has no header or one that contradicts the file or its configuration
     */
    public MultibootHandover(VcpuConfig config) {
        this.config = config;
        this.guest = place(config);
    }

    private static PlacedGuest place(VcpuConfig config) {
        GuestImage original = config.image();
        GuestImage image = MultibootImage.place(original, MultibootHeader.find(original.name(), original.file()));
        if (config.load().isPresent() && config.load().getAsLong() != image.physicalStart()) {
            throw new IllegalArgumentException("load " + hex(config.load().getAsLong()) + " contradicts image "
                    + image.name() + ", which says itself that it is to be loaded at " + hex(image.physicalStart())
                    + "; leave load out, or link the image for that address");
        }
        return PlacedGuest.entered(image, config);
    }

    @Override
    public PlacedGuest guest() {
        return guest;
    }

    @Override
    public void takeTables(LayoutPlan plan) {
        descriptors = BootDescriptorTables.take(plan, Selectors.GRUB);
    }

    @Override
    public void takeInformation(LayoutPlan plan, Firmware firmware) {
        information = new MultibootInfo(config, guest, plan, firmware);
    }

    @Override
    public Optional<LinearFramebuffer> framebuffer() {
        return information.framebuffer();
    }

    @Override
    public void write(GuestMemory memory) {
        descriptors.write(memory);
        information.write(memory);
    }

    @Override
    public CpuState state() {
        return descriptors
                .enter(EntryRegisters.fixed())
                .set(Register.RIP, guest.entry().offset())
                .set(Register.RAX, MultibootInfo.MAGIC)
                .set(Register.RBX, information.address())
                .set(Register.RSP, STACK)
                .build();
    }
}
