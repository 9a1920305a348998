package dev.kvmguest.vmm.internal.boot.tables;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
import dev.kvmguest.vmm.internal.x86.LongModeTask;
import dev.kvmguest.vmm.internal.x86.PageEntry;
import dev.kvmguest.vmm.internal.x86.PageLevel;
import dev.kvmguest.vmm.internal.x86.PagingMode;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What a guest finds that is entered in 64-bit mode: GDT, TSS, IDT and page tables. Source: Intel SDM volume 3A, 3.4.5,
 * 4.5 and 7.7.
 *
 * @param flavour which segments and which map of linear memory there are
 * @param gdt where the GDT is
 * @param tss the physical address of the TSS
 * @param idt where the IDT is, without a gate
 * @param pages the physical address of the page tables: the outermost one, the two for both ends of linear memory, and
 *     a page directory for each GiB below 4 GiB
 */
public record LongModeTables(Flavour flavour, DescriptorTable gdt, long tss, DescriptorTable idt, long pages) {

    private static final long USUAL_GDT = 0x500;
    private static final long USUAL_TSS = 0x540;
    private static final long USUAL_IDT = 0x7_0000;
    private static final long USUAL_PAGES = 0x7_1000;

    private static final int TSS_SELECTOR = 0x28;

    private static final int DATA = AccessRights.GRANULARITY
            | AccessRights.BIG
            | AccessRights.PRESENT
            | AccessRights.CODE_OR_DATA
            | AccessRights.WRITABLE_OR_READABLE;
    private static final int CODE = DATA & ~AccessRights.BIG | AccessRights.CODE | AccessRights.LONG;
    private static final int DPL_3 = 3 << AccessRights.DPL_SHIFT;

    /** Whose tables they are. */
    public enum Flavour {
        /** Those of boot mode {@code long}. SYSRET takes its stack from below its 64-bit code. */
        OWN(0x08, 0x10, true, Kind.PAGE_TABLES, CODE, DATA, DATA | DPL_3, CODE | DPL_3),

        /** Those of a loader of Linux: __BOOT_CS and __BOOT_DS, and each address mapped to itself. */
        LINUX(0x10, 0x18, false, Kind.BOOT_INFORMATION, 0, CODE, DATA);

        private final int code;
        private final int data;
        private final boolean mapsHigh;
        /** Page tables that are called so have the map of the boot mode, as the diagnosis takes it. */
        private final Kind pages;
        /** By selector, from 0x08 on. */
        private final int[] segments;

        Flavour(int code, int data, boolean mapsHigh, Kind pages, int... segments) {
            this.code = code;
            this.data = data;
            this.mapsHigh = mapsHigh;
            this.pages = pages;
            this.segments = segments;
        }
    }

    private static final int BUSY_TSS = AccessRights.PRESENT | 11;

    private static final int GDT_SIZE = TSS_SELECTOR + LongModeDescriptor.BYTES;
    private static final int IDT_SIZE = InterruptTable.VECTORS * LongModeDescriptor.BYTES;

    private static final int PAGE = PagingMode.PAGE;
    private static final int ENTRIES = PagingMode.LEVELS_4.entries(PageLevel.TABLE);
    private static final long LARGE_PAGE = PagingMode.LEVELS_4.span(PageLevel.DIRECTORY);
    private static final int LOW_POINTERS = 1;
    private static final int HIGH_POINTERS = 2;
    private static final int DIRECTORIES = 3;
    private static final int GIBIBYTES = 4;
    private static final int PAGES_SIZE = (DIRECTORIES + GIBIBYTES) * PAGE;

    /** The page tables at their usual address: they are most of what is done to make a machine. */
    private static final Map<Flavour, byte[]> USUAL_TABLES = new ConcurrentHashMap<>();

    /** Takes room for the tables. */
    public static LongModeTables take(LayoutPlan layout, Flavour flavour) {
        long end = BootPageTables.IDENTITY_END;
        long gdt = layout.takeOrMove(Kind.GDT, "the boot GDT", GDT_SIZE, USUAL_GDT, SegmentDescriptor.BYTES, end);
        long tss = layout.takeOrMove(
                Kind.TSS, "the boot TSS", LongModeTask.SIZE, USUAL_TSS, LongModeDescriptor.BYTES, end);
        long idt = layout.takeOrMove(Kind.IDT, "the boot IDT", IDT_SIZE, USUAL_IDT, LongModeDescriptor.BYTES, end);
        long pages = layout.takeOrMove(flavour.pages, "the boot page tables", PAGES_SIZE, USUAL_PAGES, PAGE, end);
        return new LongModeTables(
                flavour, new DescriptorTable(gdt, GDT_SIZE - 1), tss, new DescriptorTable(idt, IDT_SIZE - 1), pages);
    }

    /** Writes them. The IDT and the TSS's stacks are zero as all RAM is. */
    public void write(GuestMemory memory) {
        long address = gdt.base();
        for (int rights : flavour.segments) {
            address += SegmentDescriptor.BYTES;
            if (rights != 0) {
                memory.writeLong(
                        address, SegmentDescriptor.of(0, 0xffff_ffffL, rights).raw());
            }
        }
        memory.writeLong(
                gdt.base() + TSS_SELECTOR,
                SegmentDescriptor.of(tss, LongModeTask.SIZE - 1, BUSY_TSS).raw());
        memory.write(tss + LongModeTask.IO_MAP_BASE, new byte[] {LongModeTask.SIZE, 0});
        memory.write(
                pages,
                pages == USUAL_PAGES ? USUAL_TABLES.computeIfAbsent(flavour, same -> pageTables()) : pageTables());
    }

    /** Put together apart: a guest's memory is written by the page much faster than by the entry. */
    private byte[] pageTables() {
        ByteBuffer tables = ByteBuffer.allocate(PAGES_SIZE).order(ByteOrder.LITTLE_ENDIAN);
        putEntry(tables, 0, 0, table(LOW_POINTERS));
        for (int i = 0; i < GIBIBYTES; i++) {
            putEntry(tables, LOW_POINTERS, i, table(DIRECTORIES + i));
        }
        if (flavour.mapsHigh) {
            // The last 2 GiB of linear memory.
            putEntry(tables, 0, ENTRIES - 1, table(HIGH_POINTERS));
            putEntry(tables, HIGH_POINTERS, ENTRIES - 2, table(DIRECTORIES));
            putEntry(tables, HIGH_POINTERS, ENTRIES - 1, table(DIRECTORIES + 1));
        }
        for (int i = 0; i < GIBIBYTES * ENTRIES; i++) {
            putEntry(tables, DIRECTORIES + i / ENTRIES, i % ENTRIES, i * LARGE_PAGE | PageEntry.LARGE);
        }
        return tables.array();
    }

    private long table(int number) {
        return pages + (long) number * PAGE;
    }

    private static void putEntry(ByteBuffer tables, int table, int index, long value) {
        int offset = table * PAGE + index * PagingMode.LEVELS_4.entryBytes();
        tables.putLong(offset, value | PageEntry.PRESENT | PageEntry.WRITABLE);
    }

    /** Sets the registers with which a guest is entered, but for RIP. */
    public CpuState.Builder enter(CpuState.Builder state) {
        SegmentState data = loaded(flavour.data, DATA);
        return state.segment(SegmentRegister.CS, loaded(flavour.code, CODE))
                .segment(SegmentRegister.DS, data)
                .segment(SegmentRegister.ES, data)
                .segment(SegmentRegister.FS, data)
                .segment(SegmentRegister.GS, data)
                .segment(SegmentRegister.SS, data)
                .segment(SegmentRegister.TR, new SegmentState(TSS_SELECTOR, tss, LongModeTask.SIZE - 1, BUSY_TSS))
                .set(Register.CR0, Cr0.ET | Cr0.PE | Cr0.PG)
                .set(Register.CR3, pages)
                .set(Register.CR4, Cr4.PAE)
                .set(Register.EFER, Efer.LME | Efer.LMA)
                .gdt(gdt)
                .idt(idt);
    }

    private static SegmentState loaded(int selector, int rights) {
        return SegmentDescriptor.of(0, 0xffff_ffffL, rights).loaded(selector);
    }
}
