package dev.kvmguest.vmm.internal.boot.tables;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import java.util.List;

/**
 * The GDT and IDT that a guest outside real mode finds: flat segments for ring 0 and ring 3, or those of a boot loader,
 * and no gate. Source: Intel SDM volume 3A, 3.4.5, "Segment Descriptors".
 *
 * @param selectors what the segment registers have at entry
 * @param gdt where the GDT is
 * @param idt where the IDT is
 */
public record BootDescriptorTables(Selectors selectors, DescriptorTable gdt, DescriptorTable idt) {

    private static final long USUAL_GDT = 0x500;
    private static final long USUAL_IDT = 0x528;

    private static final int DATA = AccessRights.GRANULARITY
            | AccessRights.BIG
            | AccessRights.PRESENT
            | AccessRights.CODE_OR_DATA
            | AccessRights.WRITABLE_OR_READABLE;
    private static final int CODE = DATA | AccessRights.CODE;
    private static final int DPL_3 = 3 << AccessRights.DPL_SHIFT;

    /**
     * The selectors of a boot mode, and the segments in its GDT after the null descriptor.
     *
     * @param code CS
     * @param data the other segment registers
     * @param segments the access rights of the flat segments, from selector 0x08 on
     */
    public record Selectors(int code, int data, List<Integer> segments) {

        /** Code 0x08, data 0x10, user code 0x18, user data 0x20. */
        public static final Selectors OWN = new Selectors(0x08, 0x10, List.of(CODE, DATA, CODE | DPL_3, DATA | DPL_3));

        /**
         * Code 0x10 and data 0x18, as GRUB enters a kernel. Code 0x08 is there besides: by QEMU's own loader a kernel
         * starts with that, and some have it in their gates.
         */
        public static final Selectors GRUB = new Selectors(0x10, 0x18, List.of(CODE, CODE, DATA));
    }

    /** Takes room for the tables. */
    public static BootDescriptorTables take(LayoutPlan layout, Selectors selectors) {
        int gdtSize = (1 + selectors.segments.size()) * SegmentDescriptor.BYTES;
        int idtSize = InterruptTable.FULL_LIMIT + 1;
        long gdt = layout.takeOrMove(
                Kind.GDT, "the boot GDT", gdtSize, USUAL_GDT, SegmentDescriptor.BYTES, BootPageTables.IDENTITY_END);
        long idt = layout.takeOrMove(
                Kind.IDT, "the boot IDT", idtSize, USUAL_IDT, SegmentDescriptor.BYTES, BootPageTables.IDENTITY_END);
        return new BootDescriptorTables(
                selectors, new DescriptorTable(gdt, gdtSize - 1), new DescriptorTable(idt, idtSize - 1));
    }

    /** Writes the GDT. The IDT is zero as all RAM is. */
    public void write(GuestMemory memory) {
        long address = gdt.base();
        for (int rights : selectors.segments) {
            address += SegmentDescriptor.BYTES;
            // From 0 to 4 GiB.
            memory.writeLong(
                    address, SegmentDescriptor.of(0, 0xffff_ffffL, rights).raw());
        }
    }

    /** Sets the registers with which a guest is entered in protected mode without paging, but for EIP. */
    public CpuState.Builder enter(CpuState.Builder state) {
        SegmentState data = SegmentState.flatData(selectors.data());
        return state.segment(SegmentRegister.CS, SegmentState.flatCode(selectors.code()))
                .segment(SegmentRegister.DS, data)
                .segment(SegmentRegister.ES, data)
                .segment(SegmentRegister.FS, data)
                .segment(SegmentRegister.GS, data)
                .segment(SegmentRegister.SS, data)
                .set(Register.CR0, Cr0.ET | Cr0.PE)
                .gdt(gdt)
                .idt(idt);
    }
}
