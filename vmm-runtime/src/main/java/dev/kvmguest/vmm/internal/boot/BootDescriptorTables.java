package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;

/**
 * The GDT and IDT that a guest outside real mode finds: flat segments for ring 0 and ring 3, and no gate. Source: Intel
 * SDM volume 3A, 3.4.5, "Segment Descriptors".
 */
final class BootDescriptorTables {

    static final int KERNEL_CODE = 0x08;
    static final int KERNEL_DATA = 0x10;

    static final DescriptorTable GDT = new DescriptorTable(0x500, 5 * SegmentDescriptor.BYTES - 1);
    static final DescriptorTable IDT = new DescriptorTable(0x528, InterruptTable.FULL_LIMIT);

    private static final int DATA = AccessRights.GRANULARITY
            | AccessRights.BIG
            | AccessRights.PRESENT
            | AccessRights.CODE_OR_DATA
            | AccessRights.WRITABLE_OR_READABLE;
    private static final int CODE = DATA | AccessRights.CODE;
    private static final int DPL_3 = 3 << AccessRights.DPL_SHIFT;

    private BootDescriptorTables() {}

    static void take(LayoutPlan layout) {
        layout.take(Kind.GDT, "the boot GDT", GDT.base(), GDT.base() + GDT.limit() + 1);
        layout.take(Kind.IDT, "the boot IDT", IDT.base(), IDT.base() + IDT.limit() + 1);
    }

    /** Writes the GDT: null, code 0x08, data 0x10, user code 0x18, user data 0x20. The IDT is zero as all RAM is. */
    static void write(GuestMemory memory) {
        long[] descriptors = {0, flat(CODE), flat(DATA), flat(CODE | DPL_3), flat(DATA | DPL_3)};
        for (int i = 0; i < descriptors.length; i++) {
            memory.writeLong(GDT.base() + (long) i * SegmentDescriptor.BYTES, descriptors[i]);
        }
    }

    /** A segment from 0 to 4 GiB. */
    private static long flat(int rights) {
        return SegmentDescriptor.of(0, 0xffff_ffffL, rights).raw();
    }
}
