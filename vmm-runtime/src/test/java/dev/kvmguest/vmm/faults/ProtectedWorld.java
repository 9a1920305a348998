package dev.kvmguest.vmm.faults;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.Locale;

/** The world of code of 16 and 32 bits outside long mode, with descriptors and gates of every kind. */
final class ProtectedWorld extends GuestWorld {

    private static final int PAGE_DIRECTORY = 0x30000;
    private static final int PAGE_TABLE = 0x31000;
    private static final int OTHER_PAGE_TABLE = 0x32000;
    private static final int PAE_POINTERS = 0x33000;
    private static final int PAE_DIRECTORY = 0x34000;
    private static final int PAE_TABLE = 0x35000;

    /** Stores DR6 through SS, turns breakpoints off and halts, with all other registers as they were. */
    private static final String DEBUG_HANDLER_CODE = "36a304430000 0f21f0 36a300430000 b800000000 0f23f8 36a104430000";

    /** Puts everything in place. */
    ProtectedWorld(GuestMemory memory) {
        super(memory, "descriptors");
        names.put("large", 0x40_0000);
        names.put("noTable", 0x80_0000);
        names.put("dirRo", 0xc0_0000);
        names.put("dirSuper", 0x100_0000);
        names.put("largeRsvd", 0x140_0000);
        names.put("largeSuper", 0x180_0000);
        names.put("largeRo", 0x1c0_0000);
        names.put("paeRsvd", 0x20_0000);
        putTask();
        putHandlers(DEBUG_HANDLER_CODE);
        for (int vector = 0; vector < VECTORS; vector++) {
            memory.writeInt(4L * vector, HANDLERS >> 4 << 16 | vector);
        }
        putPageTables();
    }

    /** A 32-bit TSS with stacks for three rings. */
    private void putTask() {
        for (int ring = 0; ring < 3; ring++) {
            memory.writeInt(TSS + 4 + 8 * ring, STACK0 + 0x1000 * ring);
            memory.writeInt(TSS + 8 + 8 * ring, (int) names.evaluate("data" + ring) | ring);
        }
        putIoBitmap();
    }

    @Override
    void gate(int vector, String kind) {
        int handler = handler(vector);
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
        putLowPages(1L << 60);
        for (int page = 0; page < SIZE >> 12; page++) {
            memory.writeInt(OTHER_PAGE_TABLE + 4L * page, DATA + (page & 1) * 0x1000 | USER);
        }
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

    /** Sets it in both kinds of page table. */
    @Override
    void page(long linear, long entry) {
        memory.writeInt(PAGE_TABLE + (linear >> 12) * 4, (int) entry);
        memory.writeLong(PAE_TABLE + (linear >> 12) * 8, entry);
    }

    /** {@inheritDoc} It is {@code real}, or {@code flat}, {@code paged} or {@code pae} and the ring. */
    @Override
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
}
