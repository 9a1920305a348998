package dev.kvmguest.vmm.faults;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.HexFormat;
import java.util.Locale;

/**
 * The memory and the registers that every line of the fault tables starts from: descriptor tables of every kind, a TSS
 * with stacks and an I/O bitmap, page tables, and for each vector a handler that halts with the frame on its stack.
 */
final class GuestWorld {

    static final int SIZE = 1 << 20;
    /** What no instruction may change but where its line says so. */
    static final int DATA = 0x20000;

    static final int DATA_SIZE = 0x2000;
    /** ESP of ring 0 in the TSS. */
    static final int STACK0 = 0x7000;

    private static final int CODE = 0x10000;
    /** Where gates lead to: a HLT. */
    private static final int LANDING = 0x10800;

    private static final int GDT = 0x1000;
    private static final int IDT = 0x2000;
    private static final int LDT = 0x3000;
    private static final int HANDLERS = 0x4000;
    private static final int DEBUG_HANDLER = 0x4200;
    private static final int DEBUG_STATUS = 0x4300;
    private static final int TSS = 0x5000;
    private static final int STACK = 0xa800;
    private static final int PAGE_DIRECTORY = 0x30000;
    private static final int PAGE_TABLE = 0x31000;
    private static final int OTHER_PAGE_TABLE = 0x32000;
    private static final int PAE_POINTERS = 0x33000;
    private static final int PAE_DIRECTORY = 0x34000;
    private static final int PAE_TABLE = 0x35000;

    private static final int VECTORS = 256;
    private static final int IO_BITMAP = 0x68;
    private static final int IO_BITMAP_BYTES = 0x80;
    private static final int USER = 7;
    private static final int USER_READ_ONLY = 5;
    private static final int SUPERVISOR = 3;
    private static final int SUPERVISOR_READ_ONLY = 1;
    private static final int LARGE = 0x80;
    private static final int HLT = 0xf4;

    /** Stores DR6 through SS, turns breakpoints off and halts, with all other registers as they were. */
    private static final String DEBUG_HANDLER_CODE =
            "36a304430000 0f21f0 36a300430000 b800000000 0f23f8 36a104430000 f4";

    private static final int DEBUG_HANDLER_END = DEBUG_HANDLER + 30;

    final Names names = new Names();
    private final GuestMemory memory;
    private int gdtLimit;
    private int ldtLimit;

    /** Puts everything in place. */
    GuestWorld(GuestMemory memory) {
        this.memory = memory;
        putNames();
        putDescriptors();
        putTask();
        putHandlers();
        putPageTables();
        for (int i = 0; i < DATA_SIZE; i++) {
            memory.writeByte(DATA + i, dataAt(i));
        }
        memory.writeByte(LANDING, HLT);
    }

    /** Returns the byte that is in the data at first. */
    static int dataAt(int offset) {
        return offset * 7 + (offset >> 8) + 1 & 0xff;
    }

    private void putNames() {
        names.put("null", 0);
        names.put("code", CODE);
        names.put("landing", LANDING);
        names.put("data", DATA);
        names.put("stack", STACK);
        names.put("stack0", STACK0);
        names.put("gdtBase", GDT);
        names.put("idtBase", IDT);
        names.put("ldtBase", LDT);
        names.put("tssBase", TSS);
        names.put("handlers", HANDLERS);
        names.put("userRw", 0x40000);
        names.put("userRo", 0x41000);
        names.put("superRw", 0x42000);
        names.put("superRo", 0x43000);
        names.put("absent", 0x44000);
        names.put("lastRw", 0x45000);
        names.put("lastRo", 0x47000);
        names.put("rsvd", 0x49000);
        names.put("noExec", 0x4a000);
        names.put("large", 0x40_0000);
        names.put("noTable", 0x80_0000);
        names.put("dirRo", 0xc0_0000);
        names.put("dirSuper", 0x100_0000);
        names.put("largeRsvd", 0x140_0000);
        names.put("largeSuper", 0x180_0000);
        names.put("largeRo", 0x1c0_0000);
        names.put("paeRsvd", 0x20_0000);
    }

    private void putDescriptors() {
        names.put("beyond", 0x400);
        for (String line : TableFile.lines("descriptors")) {
            String[] fields = line.split("\\s+");
            int selector = Integer.decode(fields[1]);
            names.put(fields[0], selector);
            if ((selector & 4) != 0) {
                ldtLimit = selector | 7;
            } else {
                gdtLimit = selector | 7;
            }
        }
        names.put("afterLdt", ldtLimit + 1 | 4);
        for (String line : TableFile.lines("descriptors")) {
            String[] fields = line.split("\\s+");
            int selector = Integer.decode(fields[1]);
            int rights = Integer.decode(fields[5]);
            long descriptor = fields[2].equals("gate")
                    ? Descriptors.gate(
                            (int) names.evaluate(fields[3]), Long.decode(fields[4]), rights, Integer.decode(fields[6]))
                    : Descriptors.segment(Long.decode(fields[3]), Long.decode(fields[4]), rights);
            memory.writeLong(placeOf(selector), descriptor);
        }
    }

    private static long placeOf(int selector) {
        return ((selector & 4) != 0 ? LDT : GDT) + (selector & ~7);
    }

    /** A 32-bit TSS with stacks for three rings, and a bitmap that allows ports 0x80 to 0x88 and 0x3ff. */
    private void putTask() {
        for (int ring = 0; ring < 3; ring++) {
            memory.writeInt(TSS + 4 + 8 * ring, STACK0 + 0x1000 * ring);
            memory.writeInt(TSS + 8 + 8 * ring, (int) names.evaluate("data" + ring) | ring);
        }
        memory.writeShort(TSS + 0x66, IO_BITMAP);
        for (int i = 0; i <= IO_BITMAP_BYTES; i++) {
            memory.writeByte(TSS + IO_BITMAP + i, 0xff);
        }
        memory.writeShort(TSS + IO_BITMAP + 0x10, 0xfe00);
        memory.writeByte(TSS + IO_BITMAP + 0x7f, 0x7f);
    }

    private void putHandlers() {
        for (int vector = 0; vector < VECTORS; vector++) {
            memory.writeByte(HANDLERS + vector, HLT);
            memory.writeInt(4L * vector, HANDLERS >> 4 << 16 | vector);
            gate(vector, vector == 3 || vector == 4 || vector >= 0x80 ? "dpl3" : "dpl0");
        }
        memory.write(DEBUG_HANDLER, HexFormat.of().parseHex(DEBUG_HANDLER_CODE.replace(" ", "")));
    }

    /** Puts a gate of this kind into the IDT. */
    void gate(int vector, String kind) {
        int handler = vector == 1 ? DEBUG_HANDLER : HANDLERS + vector;
        long gate =
                switch (kind) {
                    case "none" -> 0;
                    case "dpl0" -> gate("code0", handler, 0x8e);
                    case "dpl2" -> gate("code0", handler, 0xce);
                    case "dpl3" -> gate("code0", handler, 0xee);
                    case "np" -> gate("code0", handler, 0x6e);
                    case "trap" -> gate("code0", handler, 0xef);
                    case "int16" -> gate("code0", handler, 0xe6);
                    case "trap16" -> gate("code0", handler, 0xe7);
                    case "call" -> gate("code0", handler, 0xec);
                    case "data" -> gate("code0", handler, 0xf2);
                    case "type0" -> gate("code0", handler, 0xe0);
                    case "tssFree" -> gate("code0", handler, 0xe9);
                    case "task", "taskNull", "taskBusy", "taskNp", "taskBeyond", "taskLdt", "taskData" ->
                        gate(taskOf(kind), 0, kind.equals("taskNp") ? 0x65 : 0xe5);
                    case "limit" -> gate("codeSmall0", 0x100, 0xee);
                    default -> gate(kind, handler, 0xee);
                };
        memory.writeLong(IDT + 8L * vector, gate);
    }

    private static String taskOf(String kind) {
        return switch (kind) {
            case "taskNull" -> "null";
            case "taskBusy" -> "tss";
            case "taskBeyond" -> "beyond";
            case "taskLdt" -> "ldtData0";
            case "taskData" -> "data0";
            default -> "tssFree";
        };
    }

    private long gate(String selector, long offset, int rights) {
        return Descriptors.gate((int) names.evaluate(selector), offset, rights, 0);
    }

    private void putPageTables() {
        for (int page = 0; page < SIZE >> 12; page++) {
            boolean user = page == STACK >> 12 || page >> 1 == CODE >> 13 || page >> 1 == DATA >> 13;
            page(page << 12, page << 12 | (user ? USER : SUPERVISOR));
            memory.writeInt(OTHER_PAGE_TABLE + 4L * page, DATA + (page & 1) * 0x1000 | USER);
        }
        page(0x40000, DATA | USER);
        page(0x41000, DATA + 0x1000 | USER_READ_ONLY);
        page(0x42000, DATA | SUPERVISOR);
        page(0x43000, DATA + 0x1000 | SUPERVISOR_READ_ONLY);
        page(0x44000, 0);
        page(0x45000, DATA + 0x1000 | USER);
        page(0x46000, 0);
        page(0x47000, DATA | USER_READ_ONLY);
        page(0x48000, DATA + 0x1000 | SUPERVISOR);
        page(0x49000, 1L << 60 | DATA | USER);
        page(0x4a000, 1L << 63 | CODE | USER);
        int[] directory = {
            PAGE_TABLE | USER,
            LARGE | USER,
            0,
            OTHER_PAGE_TABLE | USER_READ_ONLY,
            OTHER_PAGE_TABLE | SUPERVISOR,
            LARGE | USER | 1 << 21,
            LARGE | SUPERVISOR,
            LARGE | USER_READ_ONLY
        };
        for (int i = 0; i < directory.length; i++) {
            memory.writeInt(PAGE_DIRECTORY + 4L * i, directory[i]);
        }
        memory.writeLong(PAE_POINTERS, PAE_DIRECTORY | 1);
        memory.writeLong(PAE_DIRECTORY, PAE_TABLE | USER);
        memory.writeLong(PAE_DIRECTORY + 8, LARGE | USER | 1 << 13);
    }

    /** Sets the page-table entry of a linear address, in both kinds of page table. */
    void page(long linear, long entry) {
        memory.writeInt(PAGE_TABLE + (linear >> 12) * 4, (int) entry);
        memory.writeLong(PAE_TABLE + (linear >> 12) * 8, entry);
    }

    /** Returns a segment register that holds the descriptor which a selector means. */
    SegmentState segment(int selector) {
        return (selector & ~3) == 0
                ? SegmentState.unusable()
                : Descriptors.cached(selector, memory.readLong(placeOf(selector)));
    }

    /**
     * Returns the registers at the start.
     *
     * @param start {@code real}, or {@code flat}, {@code paged} or {@code pae} and the ring, as in {@code paged3}
     */
    CpuState start(String start) {
        boolean real = start.equals("real");
        CpuState.Builder state = CpuState.builder()
                .set(Register.RAX, 0xa1a1_a1a1L)
                .set(Register.RBX, 0xb2b2_b2b2L)
                .set(Register.RCX, 0xc3c3_c3c3L)
                .set(Register.RDX, 0xd4d4_d4d4L)
                .set(Register.RSI, real ? 0 : DATA)
                .set(Register.RDI, real ? 0x100 : DATA + 0x100)
                .set(Register.RBP, real ? 0x700 : STACK - 0x100)
                .set(Register.RSP, real ? 0x800 : STACK)
                .set(Register.RIP, real ? 0 : CODE)
                .set(Register.RFLAGS, 0xad7)
                .set(Register.CR2, 0xdead_b000L)
                .set(Register.CR0, 0x10)
                .gdt(new DescriptorTable(GDT, gdtLimit))
                .idt(new DescriptorTable(real ? 0 : IDT, real ? 0x3ff : 0x7ff))
                .segment(
                        SegmentRegister.TR,
                        Descriptors.cached((int) names.evaluate("tss"), memory.readLong(GDT + 0x48)))
                .segment(SegmentRegister.LDTR, segment((int) names.evaluate("ldt")));
        if (real) {
            for (SegmentRegister register : DATA_SEGMENTS) {
                state.segment(register, SegmentState.real(DATA >> 4));
            }
            return state.segment(SegmentRegister.CS, SegmentState.real(CODE >> 4))
                    .segment(SegmentRegister.SS, SegmentState.real(STACK - 0x800 >> 4))
                    .build();
        }
        int ring = start.charAt(start.length() - 1) - '0';
        for (SegmentRegister register : DATA_SEGMENTS) {
            state.segment(register, segment((int) names.evaluate("data" + ring) | ring));
        }
        state.segment(SegmentRegister.CS, segment((int) names.evaluate("code" + ring) | ring))
                .segment(SegmentRegister.SS, segment((int) names.evaluate("data" + ring) | ring));
        return switch (start.substring(0, start.length() - 1).toLowerCase(Locale.ROOT)) {
            case "flat" -> state.set(Register.CR0, 0x31).build();
            case "paged" ->
                state.set(Register.CR0, 0x8000_0031L)
                        .set(Register.CR3, PAGE_DIRECTORY)
                        .set(Register.CR4, 0x10)
                        .build();
            case "pae" ->
                state.set(Register.CR0, 0x8000_0031L)
                        .set(Register.CR3, PAE_POINTERS)
                        .set(Register.CR4, 0x20)
                        .build();
            default -> throw new IllegalArgumentException("no such start: " + start);
        };
    }

    private static final SegmentRegister[] DATA_SEGMENTS = {
        SegmentRegister.DS, SegmentRegister.ES, SegmentRegister.FS, SegmentRegister.GS
    };

    /** Returns the vector whose handler has halted, by the linear address behind its HLT; -1 if it is none. */
    static int vectorAt(long linear) {
        if (linear == DEBUG_HANDLER_END) {
            return 1;
        }
        long vector = linear - HANDLERS - 1;
        return vector >= 0 && vector < VECTORS ? (int) vector : -1;
    }

    /** Returns DR6 as the handler of #DB found it. */
    int debugStatus() {
        return memory.readInt(DEBUG_STATUS);
    }
}
