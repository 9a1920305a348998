package dev.kvmguest.vmm.internal.boot.plain;

import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.layout.EntryRegisters;
import dev.kvmguest.vmm.internal.boot.layout.Handover;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.PlacedGuest;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.function.Predicate;

/** A guest in real mode, alone on the machine or with others. */
public final class RealModeHandover implements Handover {

    private static final long SEGMENT_SIZE = 0x1_0000;
    private static final long LAST_SEGMENT = 0xf_0000;

    private final PlacedGuest guest;
    private final boolean isAlone;
    private RealModeStack stack;

    private RealModeHandover(PlacedGuest guest, boolean isAlone) {
        this.guest = guest;
        this.isAlone = isAlone;
    }

    /**
     * Places a guest that has the machine to itself.
     *
     * @param isPossible whether a guest could be placed with another configuration, which a refusal then recommends
     * @throws IllegalArgumentException if it can't be entered
     */
    public static RealModeHandover alone(VcpuConfig config, Predicate<VcpuConfig> isPossible) {
        return new RealModeHandover(place(config, isPossible), true);
    }

    /**
     * Places a guest that shares the machine with others. One that is linked for a segment of its own, with the entry
     * SEG:OFF and the image at or above SEG:0, gets the 64 KiB segment of its vCPU, 0x10000 for the first; any other
     * stays where it says.
     *
     * @throws IllegalArgumentException if it can't be entered, or there is no such segment
     */
    public static RealModeHandover amongOthers(VcpuConfig config, int vcpu, Predicate<VcpuConfig> isPossible) {
        return new RealModeHandover(inSegmentOf(vcpu, place(config, isPossible)), false);
    }

    private static PlacedGuest place(VcpuConfig config, Predicate<VcpuConfig> isPossible) {
        PlacedGuest placed = PlacedGuest.at(PlainImage.place(config), config);
        EntryPoint entry = placed.entry();
        if (entry.segment().isEmpty() && entry.offset() > 0xffff) {
            throw new IllegalArgumentException("entry " + entry
                    + " is not below 64 KiB, where real mode can start at a linear address; "
                    + EntryAdvice.of(config, placed, isPossible));
        }
        placed.requireUsableEntry();
        return placed;
    }

    private static PlacedGuest inSegmentOf(int vcpu, PlacedGuest alone) {
        if (alone.entry().segment().isEmpty()) {
            return alone;
        }
        GuestImage image = alone.image();
        long from = alone.entry().segment().getAsInt() * 16L;
        long to = SEGMENT_SIZE * (vcpu + 1);
        if (image.physicalStart() < from || image.physicalEnd() > from + SEGMENT_SIZE) {
            return alone;
        }
        if (to > LAST_SEGMENT) {
            throw new IllegalArgumentException("vCPU " + vcpu + " has no segment of its own left for image "
                    + image.name() + ": real mode reaches 15 of 64 KiB, from 0x10000 to 0xfffff");
        }
        return new PlacedGuest(
                image.movedTo(image.physicalStart() - from + to),
                alone.boot(),
                EntryPoint.segmented((int) (to / 16), (int) alone.entry().offset()));
    }

    @Override
    public PlacedGuest guest() {
        return guest;
    }

    /** There is no table. With others on the machine, a guest must not push into its neighbour. */
    @Override
    public void takeTables(LayoutPlan plan) {
        stack = RealModeStack.of(guest, plan.ram().size());
        if (!isAlone) {
            plan.takeStack(
                    "the stack of image " + guest.image().name(), stack.end() - RealModeStack.SMALLEST, stack.end());
        }
    }

    @Override
    public void write(GuestMemory memory) {
        // The image is all.
    }

    @Override
    public CpuState state() {
        SegmentState segment = SegmentState.real(guest.entry().segment().orElse(0));
        return EntryRegisters.fixed()
                .segment(SegmentRegister.CS, segment)
                .segment(SegmentRegister.DS, segment)
                .segment(SegmentRegister.ES, segment)
                .segment(SegmentRegister.SS, SegmentState.real(stack.segment()))
                .segment(SegmentRegister.FS, SegmentState.real(0))
                .segment(SegmentRegister.GS, SegmentState.real(0))
                .set(Register.RIP, guest.entry().offset())
                .set(Register.RSP, stack.pointer())
                .set(Register.CR0, Cr0.ET)
                .idt(new DescriptorTable(0, InterruptTable.REAL_MODE_LIMIT))
                .build();
    }
}
