package dev.kvmguest.vmm.faults;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.HexFormat;

/**
 * The memory and the registers that every line of the fault tables starts from: descriptor tables of every kind, a TSS
 * with stacks and an I/O bitmap, page tables, and for each vector a handler that halts with the frame on its stack.
 */
abstract class GuestWorld {

    static final int SIZE = 1 << 20;
    /** What no instruction may change but where its line says so. */
    static final int DATA = 0x20000;

    static final int DATA_SIZE = 0x2000;
    /** The stack of ring 0 in the TSS. */
    static final int STACK0 = 0x7000;

    static final int CODE = 0x10000;
    static final int STACK = 0xa800;

    static final int GDT = 0x1000;
    static final int IDT = 0x2000;
    static final int LDT = 0x3000;
    static final int HANDLERS = 0x4000;
    static final int TSS = 0x5000;

    static final int VECTORS = 256;

    static final int SUPERVISOR_READ_ONLY = 1;
    static final int SUPERVISOR = 3;
    static final int USER_READ_ONLY = 5;
    static final int USER = 7;
    static final int LARGE = 0x80;

    private static final byte[] DATA_BYTES = new byte[DATA_SIZE];

    static {
        for (int i = 0; i < DATA_SIZE; i++) {
            DATA_BYTES[i] = (byte) dataAt(i);
        }
    }

    static final SegmentRegister[] DATA_SEGMENTS = {
        SegmentRegister.DS, SegmentRegister.ES, SegmentRegister.FS, SegmentRegister.GS
    };

    /** Where gates lead to: a HLT. */
    private static final int LANDING = 0x10800;

    private static final int DEBUG_HANDLER = 0x4200;
    private static final int DEBUG_HANDLER_END = 0x4280;
    private static final int DEBUG_STATUS = 0x4300;
    private static final int IO_BITMAP_BASE = 0x66;
    private static final int IO_BITMAP = 0x68;
    private static final int IO_BITMAP_BYTES = 0x80;
    private static final int NOP = 0x90;
    private static final int HLT = 0xf4;

    final Names names = new Names();
    final GuestMemory memory;
    int gdtLimit;
    private int ldtLimit;

    /**
     * Puts in place what there is in each world: names, descriptors and data.
     *
     * @param descriptors the file that lists them
     */
    GuestWorld(GuestMemory memory, String descriptors) {
        this.memory = memory;
        putNames();
        putDescriptors(descriptors);
        memory.write(DATA, DATA_BYTES);
        memory.writeByte(LANDING, HLT);
    }

    /** Makes the world that a start is one of: {@code long3} and {@code compat3} are of long mode. */
    static GuestWorld of(String start, GuestMemory memory) {
        return start.startsWith("long") || start.startsWith("compat")
                ? new LongModeWorld(memory)
                : new ProtectedWorld(memory);
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
    }

    private void putDescriptors(String file) {
        names.put("beyond", 0x400);
        for (String line : TableFile.lines(file)) {
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
        for (String line : TableFile.lines(file)) {
            String[] fields = line.split("\\s+");
            int selector = Integer.decode(fields[1]);
            int rights = Integer.decode(fields[5]);
            long descriptor =
                    switch (fields[2]) {
                        case "gate" ->
                            Descriptors.gate(
                                    (int) names.evaluate(fields[3]),
                                    Long.decode(fields[4]),
                                    rights,
                                    Integer.decode(fields[6]));
                        case "upper" -> Long.decode(fields[3]);
                        default -> Descriptors.segment(Long.decode(fields[3]), Long.decode(fields[4]), rights);
                    };
            memory.writeLong(placeOf(selector), descriptor);
        }
    }

    private static long placeOf(int selector) {
        return ((selector & 4) != 0 ? LDT : GDT) + (selector & ~7);
    }

    /** Allows ports 0x80 to 0x88 and 0x3ff. */
    void putIoBitmap() {
        memory.writeShort(TSS + IO_BITMAP_BASE, IO_BITMAP);
        for (int i = 0; i <= IO_BITMAP_BYTES; i++) {
            memory.writeByte(TSS + IO_BITMAP + i, 0xff);
        }
        memory.writeShort(TSS + IO_BITMAP + 0x10, 0xfe00);
        memory.writeByte(TSS + IO_BITMAP + 0x7f, 0x7f);
    }

    /**
     * Puts a handler and a gate to it for each vector.
     *
     * @param debugHandler code that stores DR6 and turns breakpoints off, without its HLT
     */
    void putHandlers(String debugHandler) {
        for (int vector = 0; vector < VECTORS; vector++) {
            memory.writeByte(HANDLERS + vector, HLT);
            gate(vector, vector == 3 || vector == 4 || vector >= 0x80 ? "dpl3" : "dpl0");
        }
        byte[] code = HexFormat.of().parseHex(debugHandler.replace(" ", ""));
        memory.write(DEBUG_HANDLER, code);
        for (int place = DEBUG_HANDLER + code.length; place < DEBUG_HANDLER_END - 1; place++) {
            memory.writeByte(place, NOP);
        }
        memory.writeByte(DEBUG_HANDLER_END - 1, HLT);
    }

    /** Returns where the handler of a vector begins. */
    static int handler(int vector) {
        return vector == 1 ? DEBUG_HANDLER : HANDLERS + vector;
    }

    /** Maps RAM where it is, and after it pages with other rights; {@code reserved} are bits that must not be set. */
    void putLowPages(long reserved) {
        for (int page = 0; page < SIZE >> 12; page++) {
            boolean user = page == STACK >> 12 || page >> 1 == CODE >> 13 || page >> 1 == DATA >> 13;
            page(page << 12, page << 12 | (user ? USER : SUPERVISOR));
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
        page(0x49000, reserved | DATA | USER);
        page(0x4a000, 1L << 63 | CODE | USER);
    }

    /** Puts a gate of this kind into the IDT. */
    abstract void gate(int vector, String kind);

    /** Sets the page-table entry of a linear address. */
    abstract void page(long linear, long entry);

    /**
     * Returns the registers at the start.
     *
     * @param start what code is executed first, and in which ring, as in {@code paged3}
     */
    abstract CpuState start(String start);

    /** Returns a segment register that holds the descriptor which a selector means. */
    SegmentState segment(int selector) {
        return (selector & ~3) == 0
                ? SegmentState.unusable()
                : Descriptors.cached(selector, memory.readLong(placeOf(selector)));
    }

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
