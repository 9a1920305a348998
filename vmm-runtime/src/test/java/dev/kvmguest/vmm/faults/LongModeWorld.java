package dev.kvmguest.vmm.faults;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.memory.GuestMemory;

/** The world of long mode: descriptors and gates of 16 bytes, a 64-bit TSS and page tables of four levels. */
final class LongModeWorld extends GuestWorld {

    private static final int MAP = 0x30000;
    private static final int POINTERS = 0x31000;
    private static final int DIRECTORY = 0x32000;
    private static final int TABLE = 0x33000;
    private static final int EDGE_DIRECTORY = 0x34000;
    private static final int EDGE_TABLE = 0x35000;
    private static final int OTHER_TABLE = 0x36000;
    private static final int LAST_ENTRY = 511;

    private static final long NO_EXECUTE = 1L << 63;
    /** An address bit that is beyond every processor's here: at most 51 are said to be there. */
    private static final long BEYOND_MEMORY = 1L << 51;

    private static final long UPPER_HALF = 0xffff_8000_0000_0000L;
    private static final long NOT_CANONICAL = 0x8000_0000_0000L;
    private static final int IST_1 = 0x24;
    private static final int IDT_LIMIT = 0xfff;

    /**
     * Stores DR6, turns breakpoints off and goes on with all other registers as they were: mov [0x4308],rax; mov
     * rax,dr6; mov [0x4300],rax; mov eax,0; mov dr7,rax; mov rax,[0x4308]
     */
    private static final String DEBUG_HANDLER_CODE =
            "4889042508430000 0f21f0 4889042500430000 b800000000 0f23f8 488b042508430000";

    /** Puts everything in place. */
    LongModeWorld(GuestMemory memory) {
        super(memory, "descriptors64");
        names.put("high", UPPER_HALF);
        names.put("hole", NOT_CANONICAL);
        // The last page of the lower half; one of the same bytes is the last of all.
        names.put("lowerEnd", NOT_CANONICAL - 0x1000);
        names.put("upperEnd", -0x1000);
        names.put("large", 0x40_0000);
        names.put("noTable", 0x80_0000);
        names.put("dirRo", 0xc0_0000);
        names.put("dirSuper", 0x100_0000);
        names.put("largeRsvd", 0x140_0000);
        names.put("largeSuper", 0x180_0000);
        names.put("dirRsvd", 0x1c0_0000);
        names.put("dirNoExec", 0x200_0000);
        names.put("huge", 0x4000_0000);
        names.put("hugeRsvd", 0x8000_0000L);
        names.put("noDirectory", 0xc000_0000L);
        names.put("mapSuper", 0x80_0000_0000L);
        names.put("mapRsvd", 0x100_0000_0000L);
        names.put("mapNoExec", 0x180_0000_0000L);
        names.put("noPointers", 0x200_0000_0000L);
        names.put("mapRo", 0x280_0000_0000L);
        putTask();
        putHandlers(DEBUG_HANDLER_CODE);
        putPageTables();
    }

    /** A 64-bit TSS: stacks for three rings, and those of the IST: two good ones, the others not. */
    private void putTask() {
        for (int ring = 0; ring < 3; ring++) {
            memory.writeLong(TSS + 4 + 8 * ring, STACK0 + 0x1000 * ring);
        }
        long[] stacks = {0xc000, 0xd00c, NOT_CANONICAL + 0x1000, 0x44800, UPPER_HALF + 0xe000, 0xf000, 0x43800};
        for (int i = 0; i < stacks.length; i++) {
            memory.writeLong(TSS + IST_1 + 8 * i, stacks[i]);
            names.put("ist" + (i + 1), stacks[i]);
        }
        putIoBitmap();
    }

    @Override
    void gate(int vector, String kind) {
        int handler = handler(vector);
        switch (kind) {
            case "none" -> gate(vector, "null", 0, 0, 0);
            case "dpl0" -> gate(vector, "code0", handler, 0x8e, 0);
            case "dpl1" -> gate(vector, "code0", handler, 0xae, 0);
            case "dpl3" -> gate(vector, "code0", handler, 0xee, 0);
            case "np" -> gate(vector, "code0", handler, 0x6e, 0);
            case "trap" -> gate(vector, "code0", handler, 0xef, 0);
            case "int16" -> gate(vector, "code0", handler, 0xe6, 0);
            case "trap16" -> gate(vector, "code0", handler, 0xe7, 0);
            case "call" -> gate(vector, "code0", handler, 0xec, 0);
            case "task" -> gate(vector, "tssFree", 0, 0xe5, 0);
            case "data" -> gate(vector, "code0", handler, 0xf2, 0);
            case "high" -> gate(vector, "code0", UPPER_HALF + handler, 0xee, 0);
            case "hole" -> gate(vector, "code0", NOT_CANONICAL + handler, 0xee, 0);
            case "absent" -> gate(vector, "code0", 0x44000, 0xee, 0);
            case "ist1", "ist2", "ist3", "ist4", "ist5", "ist6", "ist7" ->
                gate(vector, "code0", handler, 0xee, kind.charAt(3) - '0');
            default -> gate(vector, kind, handler, 0xee, 0);
        }
    }

    private void gate(int vector, String selector, long offset, int rights, int interruptStack) {
        memory.writeLong(
                IDT + 16L * vector, Descriptors.gate((int) names.evaluate(selector), offset, rights, interruptStack));
        memory.writeLong(IDT + 16L * vector + 8, offset >>> Integer.SIZE);
    }

    private void putPageTables() {
        putLowPages(BEYOND_MEMORY);
        for (int page = 0; page < SIZE >> 12; page++) {
            entry(OTHER_TABLE, page, DATA + (page & 1) * 0x1000 | USER);
        }
        entry(MAP, 0, POINTERS | USER);
        entry(MAP, 1, POINTERS | SUPERVISOR);
        entry(MAP, 2, POINTERS | USER | LARGE);
        entry(MAP, 3, POINTERS | USER | NO_EXECUTE);
        entry(MAP, 5, POINTERS | USER_READ_ONLY);
        entry(MAP, LAST_ENTRY / 2, POINTERS | USER);
        entry(MAP, LAST_ENTRY / 2 + 1, POINTERS | USER);
        entry(MAP, LAST_ENTRY, POINTERS | USER);

        entry(POINTERS, 0, DIRECTORY | USER);
        entry(POINTERS, 1, LARGE | USER);
        entry(POINTERS, 2, LARGE | USER | 1 << 20);
        entry(POINTERS, LAST_ENTRY, EDGE_DIRECTORY | USER);
        entry(EDGE_DIRECTORY, LAST_ENTRY, EDGE_TABLE | USER);
        entry(EDGE_TABLE, LAST_ENTRY, DATA | USER);

        entry(DIRECTORY, 0, TABLE | USER);
        entry(DIRECTORY, 2, LARGE | USER);
        entry(DIRECTORY, 6, OTHER_TABLE | USER_READ_ONLY);
        entry(DIRECTORY, 8, OTHER_TABLE | SUPERVISOR);
        entry(DIRECTORY, 10, LARGE | USER | 1 << 13);
        entry(DIRECTORY, 12, LARGE | SUPERVISOR);
        entry(DIRECTORY, 14, BEYOND_MEMORY | OTHER_TABLE | USER);
        entry(DIRECTORY, 16, OTHER_TABLE | USER | NO_EXECUTE);
    }

    private void entry(int table, int index, long entry) {
        memory.writeLong(table + 8L * index, entry);
    }

    @Override
    void page(long linear, long entry) {
        entry(TABLE, (int) (linear >> 12), entry);
    }

    /** {@inheritDoc} It is {@code long} for 64-bit code or {@code compat} for compatibility mode, and the ring. */
    @Override
    CpuState start(String start) {
        int ring = start.charAt(start.length() - 1) - '0';
        String code = start.startsWith("long") ? "code" : "compat";
        CpuState.Builder state = CpuState.builder()
                .set(Register.RAX, 0xa1a1_a1a1_a1a1_a1a1L)
                .set(Register.RBX, 0xb2b2_b2b2_b2b2_b2b2L)
                .set(Register.RCX, 0xc3c3_c3c3_c3c3_c3c3L)
                .set(Register.RDX, 0xd4d4_d4d4_d4d4_d4d4L)
                .set(Register.RSI, DATA)
                .set(Register.RDI, DATA + 0x100)
                .set(Register.RBP, STACK - 0x100)
                .set(Register.RSP, STACK)
                .set(Register.RIP, CODE)
                .set(Register.RFLAGS, 0xad7)
                .set(Register.CR0, 0x8000_0031L)
                .set(Register.CR2, 0xdead_b000L)
                .set(Register.CR3, MAP)
                .set(Register.CR4, 0x20)
                .set(Register.EFER, 0xd01)
                .gdt(new DescriptorTable(GDT, gdtLimit))
                .idt(new DescriptorTable(IDT, IDT_LIMIT))
                .segment(SegmentRegister.TR, segment((int) names.evaluate("tss")))
                .segment(SegmentRegister.LDTR, segment((int) names.evaluate("ldt")))
                .segment(SegmentRegister.CS, segment((int) names.evaluate(code + ring) | ring));
        for (int number = 8; number < 16; number++) {
            state.set(Register.byNumber().get(number), 0x0101_0101_0101_0101L * number);
        }
        for (SegmentRegister register : DATA_SEGMENTS) {
            state.segment(register, segment((int) names.evaluate("data" + ring) | ring));
        }
        return state.segment(SegmentRegister.SS, segment((int) names.evaluate("data" + ring) | ring))
                .build();
    }
}
