package dev.kvmguest.vmm.internal.emulator.differential;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.io.ByteArrayOutputStream;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/**
 * What random programs run in: the registers that they don't change, and where their memory is. Linear addresses are
 * the same in each mode.
 */
enum Mode {
    /** Real mode: 16-bit code, overlapping segments, exceptions through the IVT. */
    REAL(Feature.REAL_MODE),
    /** Protected mode, 32-bit code in flat segments, exceptions through an IDT. */
    FLAT(Feature.PROTECTED_MODE),
    /** The same with paging, and the data's pages in reverse order. */
    PAGED(Feature.PAGING_4K),
    /** 32-bit code in ring 3 of long mode; exceptions through gates of 16 bytes, on the stack of ring 0. */
    COMPATIBILITY(Feature.LONG_MODE),
    /** 64-bit code in ring 0. */
    LONG(Feature.LONG_MODE),
    /** 64-bit code in ring 3. */
    LONG_USER(Feature.LONG_MODE);

    /** Those of 64-bit code, which has instructions of its own. */
    static final Set<Mode> OF_64_BITS = EnumSet.of(LONG, LONG_USER);
    /** Those of 16- and 32-bit code. */
    static final Set<Mode> OF_32_BITS = EnumSet.complementOf(EnumSet.of(LONG, LONG_USER));

    /** RAM, in bytes. */
    static final int MEMORY = 0x10_0000;
    /** Where programs are, up to {@link #CODE_END}. */
    static final int CODE = 0x1000;

    static final int CODE_END = 0x4000;
    /** Where they read and write, up to {@link #DATA_END}; then comes the stack. */
    static final int DATA = 0x4000;

    static final int DATA_END = 0x6000;
    static final int STACK_TOP = 0x7800;
    static final int STACK_END = 0x8000;

    /** Interrupts whose handler returns: 16 from here on. All others halt. */
    static final int RETURNING_VECTOR = 0x20;

    static final int CODE_SELECTOR = 0x08;
    static final int DATA_SELECTOR = 0x10;

    private static final int HLT = 0xf4;
    private static final int IRET = 0xcf;
    private static final int HANDLERS = 0x600;
    private static final int GDT = 0x500;
    private static final int IDT = 0x800;
    private static final int IDT_LIMIT = 0x7ff;
    private static final int PAGE = 0x1000;
    private static final int PAGE_DIRECTORY = 0x2_0000;
    private static final int PAGE_TABLE = 0x2_1000;
    private static final int PAGED_DATA = 0x1_0000;
    private static final int PRESENT_WRITABLE_USER = 7;
    /** Tables of four levels, one after the other. */
    private static final int LONG_TABLES = 0x2_2000;

    private static final int LONG_IDT = 0x2_6000;
    private static final int LONG_IDT_LIMIT = 0xfff;
    private static final int IRETQ_HANDLER = 0x780;
    private static final int TSS = 0x700;
    private static final int TSS_LIMIT = 0x67;
    private static final int TSS_SELECTOR = 0x28;
    private static final int KERNEL_CODE_SELECTOR = 0x18;
    private static final int RING_3 = 3;
    private static final long IOPL_3 = 0x3000;
    private static final long FS_BASE = 0x1230;
    private static final long GS_BASE = -0x1000;
    private static final int PRESENT_WRITABLE = 3;

    /** The segments of real mode: each reaches data and stack. */
    private static final Map<SegmentRegister, Integer> REAL_SEGMENTS = new EnumMap<>(Map.of(
            SegmentRegister.CS, 0x0010,
            SegmentRegister.DS, 0x0400,
            SegmentRegister.ES, 0x0380,
            SegmentRegister.SS, 0x0300,
            SegmentRegister.FS, 0x0201,
            SegmentRegister.GS, 0x0000));

    private final Feature feature;

    Mode(Feature feature) {
        this.feature = feature;
    }

    /** Returns what an engine must be able to do. */
    Feature feature() {
        return feature;
    }

    /** Returns whether operands and addresses have 32 bits without a prefix. */
    boolean isWide() {
        return this != REAL;
    }

    /** Returns whether handlers are entered in long mode. */
    boolean isLong() {
        return feature == Feature.LONG_MODE;
    }

    /** Returns whether this is 64-bit code. */
    boolean is64() {
        return OF_64_BITS.contains(this);
    }

    private int ring() {
        return this == COMPATIBILITY || this == LONG_USER ? RING_3 : 0;
    }

    /**
     * Returns the flags that are set in every program. Ring 3 of 64-bit code has IF, without which the KVM of some hosts
     * doesn't let it run; nothing interrupts it.
     */
    long fixedFlags() {
        return CpuState.EFLAGS_FIXED
                | (this == COMPATIBILITY ? IOPL_3 : 0)
                | (this == LONG_USER ? CpuState.EFLAGS_IF : 0);
    }

    /** Returns the linear address at which a segment starts; those of FS and GS of 64-bit code are elsewhere. */
    int base(SegmentRegister segment) {
        return this == REAL ? REAL_SEGMENTS.get(segment) * 16 : 0;
    }

    /** Returns the selector that a segment register has. */
    int selector(SegmentRegister segment) {
        if (this == REAL) {
            return REAL_SEGMENTS.get(segment);
        }
        return (segment == SegmentRegister.CS ? CODE_SELECTOR : DATA_SELECTOR) | ring();
    }

    /** Returns where a program's data is in RAM. */
    int physicalData() {
        return this == PAGED ? PAGED_DATA : DATA;
    }

    /** Returns where in a program's data, as it is in RAM, a linear address of data or stack is. */
    int dataIndex(int linear) {
        return this == PAGED ? STACK_END - PAGE - (linear & -PAGE) + (linear & PAGE - 1) : linear - DATA;
    }

    /** Returns code that writes to each page up to the stack's end, changes nothing, and halts. */
    byte[] touchingCode() {
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        for (int address = 0; address < STACK_END; address += PAGE) {
            // or byte [gs:address], 0; by DS in 64-bit code, whose GS has a base
            code.writeBytes(
                    is64()
                            ? new byte[] {(byte) 0x80, 0x0c, 0x25}
                            : new byte[] {0x65, (byte) 0x80, (byte) (isWide() ? 0x0d : 0x0e)});
            code.writeBytes(new byte[] {0, (byte) (address >> 8)});
            code.writeBytes(new byte[isWide() ? 3 : 1]);
        }
        code.write(HLT);
        return code.toByteArray();
    }

    /** Returns the vector whose handler has halted, by the linear address behind its HLT; -1 if it is none. */
    static int vectorAt(long linear) {
        long vector = linear - HANDLERS - 1;
        return vector >= 0 && vector < 256 ? (int) vector : -1;
    }

    /** Writes tables and handlers. */
    void prepare(GuestMemory memory) {
        switch (this) {
            case REAL -> writeVectors(memory);
            case FLAT -> writeDescriptors(memory);
            case PAGED -> {
                writeDescriptors(memory);
                writePageTables(memory);
            }
            case COMPATIBILITY, LONG, LONG_USER -> writeLongTables(memory);
        }
    }

    /** All pages are ring 3's, too; a handler that returns has two bytes and is the same for all vectors. */
    private void writeLongTables(GuestMemory memory) {
        writeHandlers(memory);
        memory.write(IRETQ_HANDLER, new byte[] {0x48, (byte) IRET});
        for (int vector = 0; vector < 256; vector++) {
            boolean returns = vector >= RETURNING_VECTOR && vector < RETURNING_VECTOR + 16;
            int handler = returns ? IRETQ_HANDLER : HANDLERS + vector;
            memory.writeLong(LONG_IDT + 16L * vector, 0xee00_0000_0000L | KERNEL_CODE_SELECTOR << 16 | handler);
        }
        long dpl = (long) ring() << 45;
        memory.writeLong(GDT + CODE_SELECTOR, (is64() ? 0x00af_9b00_0000_ffffL : 0x00cf_9b00_0000_ffffL) | dpl);
        memory.writeLong(GDT + DATA_SELECTOR, 0x00cf_9300_0000_ffffL | dpl);
        memory.writeLong(GDT + KERNEL_CODE_SELECTOR, 0x00af_9b00_0000_ffffL);
        memory.writeLong(GDT + TSS_SELECTOR, 0x0000_8b00_0000_0000L | TSS << 16 | TSS_LIMIT);
        memory.writeLong(TSS + 4, STACK_END);
        for (int level = 0; level < 3; level++) {
            memory.writeLong(LONG_TABLES + level * PAGE, LONG_TABLES + (level + 1) * PAGE | PRESENT_WRITABLE_USER);
        }
        for (int page = 0; page < MEMORY; page += PAGE) {
            memory.writeLong(LONG_TABLES + 3 * PAGE + page / PAGE * 8L, page | PRESENT_WRITABLE_USER);
        }
    }

    private static void writeVectors(GuestMemory memory) {
        for (int vector = 0; vector < 256; vector++) {
            memory.writeInt(4L * vector, HANDLERS + vector);
        }
        writeHandlers(memory);
    }

    private static void writeHandlers(GuestMemory memory) {
        for (int vector = 0; vector < 256; vector++) {
            boolean returns = vector >= RETURNING_VECTOR && vector < RETURNING_VECTOR + 16;
            memory.writeByte(HANDLERS + vector, returns ? IRET : HLT);
        }
    }

    /** Segments, and interrupt gates for each handler. */
    private static void writeDescriptors(GuestMemory memory) {
        writeHandlers(memory);
        for (int vector = 0; vector < 256; vector++) {
            memory.writeLong(IDT + 8L * vector, 0x8e00_0000_0000L | CODE_SELECTOR << 16 | HANDLERS + vector);
        }
        memory.writeLong(GDT + CODE_SELECTOR, 0x00cf_9b00_0000_ffffL);
        memory.writeLong(GDT + DATA_SELECTOR, 0x00cf_9300_0000_ffffL);
    }

    private static void writePageTables(GuestMemory memory) {
        memory.writeInt(PAGE_DIRECTORY, PAGE_TABLE | PRESENT_WRITABLE);
        for (int page = 0; page < MEMORY; page += PAGE) {
            int physical = page < DATA || page >= STACK_END ? page : PAGED_DATA + STACK_END - PAGE - page;
            memory.writeInt(PAGE_TABLE + page / PAGE * 4, physical | PRESENT_WRITABLE);
        }
    }

    /** Returns the state with which a program starts, but for its general registers and flags. */
    CpuState.Builder state() {
        CpuState.Builder state = CpuState.builder()
                .set(Register.RIP, CODE - base(SegmentRegister.CS))
                .segment(SegmentRegister.TR, SegmentState.resetTask());
        if (this == REAL) {
            REAL_SEGMENTS.forEach((register, selector) -> state.segment(register, SegmentState.real(selector)));
            return state.set(Register.CR0, CpuState.CR0_ET).idt(new DescriptorTable(0, 0x3ff));
        }
        for (SegmentRegister register : REAL_SEGMENTS.keySet()) {
            state.segment(register, SegmentState.flatData(DATA_SELECTOR | ring()));
        }
        if (isLong()) {
            return longState(state);
        }
        state.segment(SegmentRegister.CS, SegmentState.flatCode(CODE_SELECTOR))
                .gdt(new DescriptorTable(GDT, DATA_SELECTOR + 7))
                .idt(new DescriptorTable(IDT, IDT_LIMIT))
                .set(Register.CR0, CpuState.CR0_ET | CpuState.CR0_PE);
        if (this == PAGED) {
            state.set(Register.CR3, PAGE_DIRECTORY)
                    .set(Register.CR0, CpuState.CR0_ET | CpuState.CR0_PE | CpuState.CR0_PG);
        }
        return state;
    }

    private CpuState.Builder longState(CpuState.Builder state) {
        SegmentState code = SegmentState.flatCode(CODE_SELECTOR | ring());
        state.segment(SegmentRegister.CS, is64() ? code64(code) : code)
                .segment(SegmentRegister.TR, new SegmentState(TSS_SELECTOR, TSS, TSS_LIMIT, 0x8b))
                .gdt(new DescriptorTable(GDT, TSS_SELECTOR + 15))
                .idt(new DescriptorTable(LONG_IDT, LONG_IDT_LIMIT))
                .set(Register.CR0, CpuState.CR0_ET | CpuState.CR0_PE | CpuState.CR0_PG)
                .set(Register.CR3, LONG_TABLES)
                .set(Register.CR4, Cr4.PAE | Cr4.OSFXSR)
                .set(Register.EFER, Efer.LME | Efer.LMA);
        if (is64()) {
            state.segment(SegmentRegister.FS, withBase(FS_BASE)).segment(SegmentRegister.GS, withBase(GS_BASE));
        }
        return state;
    }

    private SegmentState withBase(long base) {
        SegmentState data = SegmentState.flatData(DATA_SELECTOR | ring());
        return new SegmentState(data.selector(), base, data.limit(), data.accessRights());
    }

    private static SegmentState code64(SegmentState code) {
        return new SegmentState(
                code.selector(), 0, code.limit(), code.accessRights() & ~AccessRights.BIG | AccessRights.LONG);
    }

    /** Returns the offset of a linear address in FS or GS of 64-bit code, by the prefix. */
    static long offsetFrom(int prefix, int linear) {
        return linear - (prefix == 0x64 ? FS_BASE : prefix == 0x65 ? GS_BASE : 0);
    }
}
