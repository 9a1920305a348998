package dev.kvmguest.vmm.internal.emulator.differential;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.io.ByteArrayOutputStream;
import java.util.EnumMap;
import java.util.Map;

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
    PAGED(Feature.PAGING_4K);

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

    /** Returns the linear address at which a segment starts. */
    int base(SegmentRegister segment) {
        return this == REAL ? REAL_SEGMENTS.get(segment) * 16 : 0;
    }

    /** Returns the selector that a segment register has. */
    int selector(SegmentRegister segment) {
        if (this == REAL) {
            return REAL_SEGMENTS.get(segment);
        }
        return segment == SegmentRegister.CS ? CODE_SELECTOR : DATA_SELECTOR;
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
            // or byte [gs:address], 0
            code.writeBytes(new byte[] {0x65, (byte) 0x80, (byte) (isWide() ? 0x0d : 0x0e), 0, (byte) (address >> 8)});
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
            state.segment(register, SegmentState.flatData(DATA_SELECTOR));
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
}
