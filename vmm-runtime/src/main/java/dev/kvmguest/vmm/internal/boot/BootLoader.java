package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareRom;
import dev.kvmguest.vmm.internal.boot.firmware.LowMemory;
import dev.kvmguest.vmm.internal.boot.layout.Firmware;
import dev.kvmguest.vmm.internal.boot.layout.Handover;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Puts firmware, images, descriptor tables, page tables and registers in place, as each {@link BootMode} says. */
public final class BootLoader {

    private final List<Handover> guests;
    private final LayoutPlan plan;
    private final Optional<FirmwareRom> rom;

    /**
     * Finds a place for everything that a machine's vCPUs run.
     *
     * @throws IllegalArgumentException if an image overlaps another, passes the end of RAM, has its entry elsewhere, or
     *     leaves no room for a table or a stack
     */
    public BootLoader(MachineConfig config) {
        this(config.memorySize(), config.vcpus(), config.date());
    }

    private BootLoader(long memorySize, List<VcpuConfig> vcpus, LocalDateTime date) {
        plan = new LayoutPlan(memorySize);
        guests = Handovers.of(vcpus);
        guests.forEach(guest -> guest.takeImage(plan));
        guests.forEach(guest -> guest.takeTables(plan));
        rom = takeFirmware();
        Firmware firmware = new Firmware(
                LowMemory.size(memorySize, rom.map(FirmwareRom::base).orElse(Long.MAX_VALUE)), date);
        guests.forEach(guest -> guest.takeInformation(plan, firmware));
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
     * Loads what each vCPU runs into zeroed memory of a machine that has every default otherwise.
     *
     * @return the registers with which each vCPU starts
     * @throws IllegalArgumentException as the constructor does; memory is unchanged then
     */
    public static List<CpuState> load(GuestMemory memory, List<VcpuConfig> vcpus) {
        BootLoader loader = new BootLoader(memory.size(), vcpus, MachineConfig.DEFAULT_DATE);
        loader.load(memory);
        return loader.states();
    }

    /** Writes it all into zeroed memory of the size that it was planned for. */
    public void load(GuestMemory memory) {
        rom.ifPresent(present -> present.write(memory));
        loadGuests(memory);
    }

    /** Writes it all but the firmware, of which the machine has its own. */
    public void loadGuests(GuestMemory memory) {
        for (Handover guest : guests) {
            for (GuestImage.Segment segment : guest.guest().image().segments()) {
                memory.write(segment.physicalAddress(), segment.data());
            }
            guest.write(memory);
        }
    }

    /**
     * Sets the registers with which a vCPU starts.
     *
     * @param number the vCPU's number, from 0
     */
    public void enter(int number, VirtualCpu cpu) {
        Handover guest = guests.get(number);
        cpu.setState(guest.state());
        if (!guest.modelSpecificRegisters().isEmpty()) {
            cpu.restore(cpu.save().with(guest.modelSpecificRegisters()));
        }
    }

    /** Returns the registers with which each vCPU starts, but for model-specific ones. */
    public List<CpuState> states() {
        return guests.stream().map(Handover::state).toList();
    }

    /** Returns the video memory that a guest is told of, beside the VGA's; empty if there is none. */
    public Optional<LinearFramebuffer> framebuffer() {
        return guests.stream().flatMap(guest -> guest.framebuffer().stream()).findFirst();
    }

    /** Returns what lies where, with warnings of what lies close. */
    public MemoryLayout layout() {
        return LayoutCheck.of(plan, guests);
    }
}
