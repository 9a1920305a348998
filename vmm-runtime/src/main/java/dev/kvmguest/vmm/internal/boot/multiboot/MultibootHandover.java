package dev.kvmguest.vmm.internal.boot.multiboot;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.MultibootHeader;
import dev.kvmguest.vmm.internal.boot.layout.Firmware;
import dev.kvmguest.vmm.internal.boot.layout.Handover;
import dev.kvmguest.vmm.internal.boot.layout.KernelFile;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.internal.boot.layout.PlacedGuest;
import dev.kvmguest.vmm.internal.boot.tables.GrubEntry;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.List;
import java.util.Optional;

/** A Multiboot 1 kernel, as GRUB 2.06 hands over (measured). */
public final class MultibootHandover implements Handover {

    private static final String HEADER = "a Multiboot header";

    private final VcpuConfig config;
    private final PlacedGuest guest;
    private final Optional<String> contradiction;
    private GrubEntry entry;
    private MultibootInfo information;

    /**
     * Places a kernel.
     *
     * @throws IllegalArgumentException if it has no header or one that contradicts the file or its configuration
     */
    public MultibootHandover(VcpuConfig config) {
        this.config = config;
        MultibootHeader header =
                MultibootHeader.find(config.image().name(), config.image().file());
        GuestImage image = place(config.image(), header);
        KernelFile.requireOwnPlace(image, config);
        this.guest = PlacedGuest.entered(image, config);
        this.contradiction = header.addresses()
                .flatMap(addresses -> KernelFile.contradiction(addresses, config.image(), HEADER, header.offset()));
    }

    private static GuestImage place(GuestImage image, MultibootHeader header) {
        if (header.addresses().isPresent()) {
            return KernelFile.at(header.addresses().get(), image, HEADER, header.offset());
        }
        if (image.format() == GuestImage.Format.FLAT) {
            throw new IllegalArgumentException(
                    "image " + image.name() + " is a flat binary, and its Multiboot header at"
                            + " file offset " + hex(header.offset())
                            + " has no load addresses; set bit 16 of its flags and add them, or boot the ELF file");
        }
        return KernelFile.withPhysicalEntry(image);
    }

    @Override
    public PlacedGuest guest() {
        return guest;
    }

    @Override
    public void takeTables(LayoutPlan plan) {
        entry = new GrubEntry(plan);
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
    public List<String> warnings() {
        return contradiction.stream().toList();
    }

    @Override
    public void write(GuestMemory memory) {
        entry.write(memory);
        information.write(memory);
    }

    @Override
    public CpuState state() {
        return entry.state(guest.entry().offset(), MultibootInfo.MAGIC, information.address());
    }
}
