package dev.kvmguest.vmm.internal.boot.multiboot2;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.Multiboot2Header;
import dev.kvmguest.vmm.internal.boot.layout.ElfSectionHeaders;
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
import java.util.stream.Stream;

/**
 * A Multiboot 2 kernel, as GRUB 2.06 hands over.
 *
 * <p>Source: Multiboot2 Specification version 2.0, 3.3, "I386 machine state".
 */
public final class Multiboot2Handover implements Handover {

    /** What the layout calls the tags that the kernel is told. */
    public static final String INFORMATION = "the Multiboot 2 information";

    private static final long BEYOND_32_BITS = 1L << 32;
    private static final String HEADER = "a Multiboot 2 header";

    private final VcpuConfig config;
    private final Multiboot2Header header;
    private final Optional<ElfSectionHeaders> sections;
    private final Optional<String> contradiction;
    private PlacedGuest guest;
    private GrubEntry entry;
    private Multiboot2Info information;

    /**
     * Finds the place of a kernel that can't be moved, and reads how one can that can.
     *
     * @throws IllegalArgumentException if it has no header or one that contradicts the file or its configuration
     */
    public Multiboot2Handover(VcpuConfig config) {
        this.config = config;
        GuestImage image = config.image();
        header = Multiboot2Header.find(image.name(), image.file());
        sections = header.addresses().isPresent() || !image.format().isElf()
                ? Optional.empty()
                : ElfSectionHeaders.of(image);
        requireNoRelocations();
        GuestImage linked = linked(image);
        if (header.relocation().isEmpty()) {
            KernelFile.requireOwnPlace(linked, config);
        }
        guest = PlacedGuest.entered(linked, config);
        contradiction = header.addresses()
                .filter(addresses -> header.relocation().isEmpty())
                .flatMap(addresses -> KernelFile.contradiction(addresses, image, HEADER, header.offset()));
    }

    /** GRUB boots none, be it that nothing reads them. */
    private void requireNoRelocations() {
        if (sections.isPresent() && sections.get().hasRelocations()) {
            throw new IllegalArgumentException("image " + config.image().name()
                    + " has sections with relocations (SHT_REL or SHT_RELA), which no Multiboot 2 loader applies, and"
                    + " with which GRUB refuses a kernel; link it with -no-pie and without --emit-relocs (-q)");
        }
    }

    /** Returns the image where it is linked, with the physical address of its entry point. */
    private GuestImage linked(GuestImage image) {
        if (header.addresses().isPresent()) {
            return KernelFile.at(header.addresses().get(), image, HEADER, header.offset());
        }
        if (!image.format().isElf()) {
            throw new IllegalArgumentException("image " + image.name()
                    + " is a flat binary, and its Multiboot 2 header at file offset " + hex(header.offset())
                    + " has no load addresses; add an address tag (type 2) and an entry address tag (type 3), or boot"
                    + " the ELF file");
        }
        if (Long.compareUnsigned(image.physicalEnd(), BEYOND_32_BITS) > 0) {
            throw new IllegalArgumentException("image " + image.name() + " is to be loaded up to physical "
                    + hex(image.physicalEnd() - 1) + ", and Multiboot 2 loaders load below 4 GiB; link it with a lower"
                    + " physical address, by AT(...) in the linker script");
        }
        return header.entry().isPresent()
                ? image.placed(image.segments(), header.entry().getAsLong())
                : KernelFile.withPhysicalEntry(image);
    }

    @Override
    public PlacedGuest guest() {
        return guest;
    }

    @Override
    public void takeImage(LayoutPlan plan) {
        header.relocation().ifPresent(relocation -> {
            RelocatableKernel kernel = new RelocatableKernel(guest.image(), relocation, plan.ram());
            guest = PlacedGuest.entered(kernel.moved(config.load()), config);
        });
        guest.take(plan);
    }

    @Override
    public void takeTables(LayoutPlan plan) {
        entry = new GrubEntry(plan);
    }

    @Override
    public void takeInformation(LayoutPlan plan, Firmware firmware) {
        information = new Multiboot2Info(config, header, sections, guest, plan, firmware);
    }

    @Override
    public Optional<LinearFramebuffer> framebuffer() {
        return information.framebuffer();
    }

    @Override
    public List<String> warnings() {
        Stream<String> missing = information.missing().stream()
                .map(tag -> "image " + config.image().name() + " requires tag " + tag.number() + " of the Multiboot 2"
                        + " information, " + tag.words() + ", which this machine hasn't got; as with GRUB the kernel is"
                        + " booted without it");
        return Stream.concat(contradiction.stream(), missing).toList();
    }

    @Override
    public void write(GuestMemory memory) {
        entry.write(memory);
        information.write(memory);
    }

    @Override
    public CpuState state() {
        return entry.state(guest.entry().offset(), Multiboot2Info.MAGIC, information.address());
    }
}
