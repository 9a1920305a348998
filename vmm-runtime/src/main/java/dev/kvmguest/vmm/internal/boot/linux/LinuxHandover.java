package dev.kvmguest.vmm.internal.boot.linux;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.LinuxHeader;
import dev.kvmguest.vmm.internal.boot.layout.EntryRegisters;
import dev.kvmguest.vmm.internal.boot.layout.Firmware;
import dev.kvmguest.vmm.internal.boot.layout.Handover;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.internal.boot.layout.PlacedGuest;
import dev.kvmguest.vmm.internal.boot.tables.BootDescriptorTables;
import dev.kvmguest.vmm.internal.boot.tables.LongModeTables;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * A Linux kernel, entered in 64-bit mode if it has an entry point for that, else in 32-bit protected mode. Its 16-bit
 * setup code doesn't run.
 *
 * <p>Source: Linux, Documentation/arch/x86/boot.rst, "32-bit Boot Protocol" and "64-bit Boot Protocol".
 */
public final class LinuxHandover implements Handover {

    private final VcpuConfig config;
    private final LinuxHeader header;
    private final PlacedGuest guest;
    private Consumer<GuestMemory> tables;
    private UnaryOperator<CpuState.Builder> registers;
    private BootParameters parameters;

    /**
     * Places a kernel.
     *
     * @throws IllegalArgumentException if it has no setup header that can be booted, or contradicts its configuration
     */
    public LinuxHandover(VcpuConfig config) {
        this.config = config;
        header = LinuxHeader.find(config.image());
        guest = PlacedGuest.entered(LinuxImage.place(config, header), config);
    }

    @Override
    public PlacedGuest guest() {
        return guest;
    }

    @Override
    public void takeTables(LayoutPlan plan) {
        if (header.entry64()) {
            LongModeTables wide = LongModeTables.take(plan, LongModeTables.Flavour.LINUX);
            tables = wide::write;
            registers = wide::enter;
        } else {
            // The protocol's __BOOT_CS and __BOOT_DS are those that GRUB has for Multiboot kernels, too.
            BootDescriptorTables narrow = BootDescriptorTables.take(plan, BootDescriptorTables.Selectors.GRUB);
            tables = narrow::write;
            registers = narrow::enter;
        }
    }

    @Override
    public void takeInformation(LayoutPlan plan, Firmware firmware) {
        parameters = new BootParameters(config, header, guest.image().physicalStart(), plan, firmware);
    }

    @Override
    public Optional<LinearFramebuffer> framebuffer() {
        return parameters.framebuffer();
    }

    @Override
    public void write(GuestMemory memory) {
        tables.accept(memory);
        parameters.write(memory);
    }

    @Override
    public CpuState state() {
        return registers
                .apply(EntryRegisters.fixed())
                .set(Register.RIP, guest.entry().offset())
                .set(Register.RSI, parameters.address())
                .build();
    }
}
