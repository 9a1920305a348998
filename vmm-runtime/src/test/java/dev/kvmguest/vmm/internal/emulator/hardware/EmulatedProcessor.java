package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Ram;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.exec.Emulator;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The emulator as Linux has set up the processor for user mode: ring 3, PAE paging with pages that aren't executable,
 * the same LDT, and a GDT that looks the same from ring 3. For 64-bit code it is in long mode, and so it may be for code
 * of 16 and 32 bits: in compatibility mode, as on the processor below a 64-bit Linux. Each handler is a HLT in ring 0,
 * so that each step ends.
 */
final class EmulatedProcessor {

    /** Its own tables and handlers are in these pages, for ring 0 only: at the end of addresses. */
    private static final int SYSTEM = 0xffe8_0000;

    private static final int SYSTEM_SIZE = 3 * Window.PAGE;

    private static final int RAM_SIZE = 0x6_0000;

    // Physical addresses.
    private static final int TOP_TABLE = 0;
    private static final int OTHER_TABLES = 0x1000;
    private static final int SYSTEM_PAGES = 0x2_0000;
    private static final int USER_PAGES = 0x3_0000;

    // Offsets in the system pages.
    private static final int GDT = 0;
    private static final int LDT = 0x100;
    private static final int TSS = 0x200;
    private static final int IDT = 0x1000;
    private static final int HANDLERS = 0x2000;
    private static final int STACK = 0x2ff0;

    private static final int GDT_LIMIT = 0xff;
    private static final int TSS_LIMIT = 0x67;
    private static final int VECTORS = 256;
    private static final byte HLT = (byte) 0xf4;

    /** Selectors of Linux's own segments, which ring 3 doesn't see. */
    private static final int KERNEL_CODE = 0x08;

    private static final int KERNEL_DATA = 0x18;
    private static final int TSS_SELECTOR = 0x40;
    private static final int LDT_SELECTOR = 0x50;

    private static final long KERNEL_CODE_32 = 0x00cf_9b00_0000_ffffL;
    private static final long KERNEL_CODE_64 = 0x00af_9b00_0000_ffffL;
    private static final long KERNEL_DATA_DESCRIPTOR = 0x00cf_9300_0000_ffffL;

    private static final long PRESENT_WRITABLE_USER = 7;
    private static final long WRITABLE = 2;
    private static final long PRESENT = 1;
    private static final long USER = 4;
    private static final long NO_EXECUTE = 1L << 63;

    private static final int RING_3 = 3;
    private static final int LDT_RING_3 = 7;

    private static final int[] BY_NUMBER = {Cpu.DS, Cpu.ES, Cpu.FS, Cpu.GS};

    private final ByteBuffer bytes = ByteBuffer.allocateDirect(RAM_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    private final Ram ram = new Ram(bytes);
    private final GuestMemory memory = ram.guestMemory(() -> {});
    private final Cpu cpu = new Cpu(ram);
    private final Emulator emulator = new Emulator(cpu, ram);
    private final SegmentState[] segments = new SegmentState[(GDT_LIMIT + 1) / SegmentDescriptor.BYTES];
    private final SegmentState[] localSegments = new SegmentState[segments.length];
    private final Window window;
    private final boolean is64;
    /** Whether it is in long mode, for code of whatever size. */
    private final boolean isLong;
    /** The linear address of its own pages. */
    private final long system;

    private final Map<CpuMode, Long> modes = new EnumMap<>(CpuMode.class);
    private int nextTable = OTHER_TABLES;

    /**
     * Creates it.
     *
     * @param compatibility whether code of 16 and 32 bits is that of compatibility mode
     */
    EmulatedProcessor(HardwareProcessor hardware, boolean compatibility) {
        window = hardware.window();
        is64 = window.is64();
        isLong = is64 || compatibility;
        system = isLong ? SYSTEM : Integer.toUnsignedLong(SYSTEM);
        long code = isLong ? KERNEL_CODE_64 : KERNEL_CODE_32;
        writePageTables();
        writeTables(hardware.gdt(), code);
        CpuState.Builder state = CpuState.builder();
        for (SegmentRegister register : SegmentRegister.values()) {
            state.segment(register, new SegmentDescriptor(KERNEL_DATA_DESCRIPTOR).loaded(KERNEL_DATA));
        }
        cpu.setState(state.segment(SegmentRegister.CS, new SegmentDescriptor(code).loaded(KERNEL_CODE))
                .segment(SegmentRegister.TR, new SegmentState(TSS_SELECTOR, system + TSS, TSS_LIMIT, 0x8b))
                .segment(
                        SegmentRegister.LDTR,
                        hardware.hasLdt()
                                ? new SegmentState(LDT_SELECTOR, system + LDT, ldtLimit(), 0x82)
                                : SegmentState.unusable())
                .gdt(new DescriptorTable(system + GDT, GDT_LIMIT))
                .idt(new DescriptorTable(system + IDT, VECTORS * gateSize() - 1))
                .set(Register.CR0, Cr0.PE | Cr0.PG | Cr0.ET | Cr0.NE | Cr0.WP | Cr0.AM | Cr0.MP)
                .set(Register.CR3, TOP_TABLE)
                .set(Register.CR4, Cr4.PAE | Cr4.OSFXSR | Cr4.OSXMMEXCPT)
                .set(Register.EFER, Efer.NXE | Efer.SCE | (isLong ? Efer.LME | Efer.LMA : 0))
                .set(Register.RFLAGS, CpuState.EFLAGS_FIXED)
                .build());
    }

    private int gateSize() {
        return isLong ? 2 * SegmentDescriptor.BYTES : SegmentDescriptor.BYTES;
    }

    private static int ldtLimit() {
        int last = Window.DESCRIPTORS.stream()
                .mapToInt(Window.Descriptor::index)
                .max()
                .orElseThrow();
        return SegmentDescriptor.BYTES * (last + 1) - 1;
    }

    private void writePageTables() {
        int physical = USER_PAGES;
        for (Window.Page page : window.pages()) {
            long rights = PRESENT | USER | (page.writable() ? WRITABLE : 0) | (page.executable() ? 0 : NO_EXECUTE);
            map(page.linear(), physical, rights);
            physical += Window.PAGE;
        }
        for (int at = 0; at < SYSTEM_SIZE; at += Window.PAGE) {
            map(system + at, SYSTEM_PAGES + at, PRESENT | WRITABLE);
        }
    }

    private void map(long linear, int physical, long rights) {
        int table = TOP_TABLE;
        int levels = isLong ? 4 : 3;
        for (int level = levels - 1; level > 0; level--) {
            int at = entry(table, linear, level);
            if (bytes.getLong(at) == 0) {
                // The four entries that PAE paging begins with have no rights.
                bytes.putLong(at, nextTable | (!isLong && level == levels - 1 ? PRESENT : PRESENT_WRITABLE_USER));
                nextTable += Window.PAGE;
            }
            table = (int) bytes.getLong(at) & -Window.PAGE;
        }
        bytes.putLong(entry(table, linear, 0), physical | rights);
    }

    private static int entry(int table, long linear, int level) {
        return table + ((int) (linear >>> 12 + 9 * level) & 0x1ff) * Long.BYTES;
    }

    private void writeTables(List<HardwareProcessor.Visible> gdt, long code) {
        for (HardwareProcessor.Visible visible : gdt) {
            long descriptor = (visible.rights() & 0xf0_ff00L) << 32
                    | limitBits(visible.limit(), (visible.rights() & 1 << 23) != 0);
            putDescriptor(GDT, segments, visible.index(), RING_3, descriptor);
        }
        putDescriptor(GDT, segments, KERNEL_CODE >> 3, 0, code);
        putDescriptor(GDT, segments, KERNEL_DATA >> 3, 0, KERNEL_DATA_DESCRIPTOR);
        for (Window.Descriptor descriptor : Window.DESCRIPTORS) {
            putDescriptor(LDT, localSegments, descriptor.index(), LDT_RING_3, descriptor.raw());
        }
        if (isLong) {
            bytes.putLong(SYSTEM_PAGES + TSS + 4, system + STACK);
        } else {
            bytes.putInt(SYSTEM_PAGES + TSS + 4, SYSTEM + STACK);
            bytes.putInt(SYSTEM_PAGES + TSS + 8, KERNEL_DATA);
        }
        bytes.putShort(SYSTEM_PAGES + TSS + 0x66, (short) (TSS_LIMIT + 1));
        for (int vector = 0; vector < VECTORS; vector++) {
            // Linux lets user mode call these two, and 0x80, which no step does.
            int dpl = vector == Vector.BP.number() || vector == Vector.OF.number() ? 3 : 0;
            long handler = system + HANDLERS + vector;
            int gate = SYSTEM_PAGES + IDT + vector * gateSize();
            bytes.putLong(
                    gate,
                    (handler & 0xffff_0000L) << 32
                            | 0x8e00L + (dpl << 13) << 32
                            | KERNEL_CODE << 16
                            | handler & 0xffff);
            if (isLong) {
                bytes.putLong(gate + Long.BYTES, handler >>> 32);
            }
            bytes.put(SYSTEM_PAGES + HANDLERS + vector, HLT);
        }
    }

    private static long limitBits(int limit, boolean inPages) {
        int field = inPages ? limit >>> 12 : limit;
        return (long) (field >> 16 & 0xf) << 48 | field & 0xffff;
    }

    private void putDescriptor(int table, SegmentState[] loaded, int index, int low, long descriptor) {
        bytes.putLong(SYSTEM_PAGES + table + index * SegmentDescriptor.BYTES, descriptor);
        loaded[index] = new SegmentDescriptor(descriptor).loaded(index << 3 | low);
    }

    /** Returns how many steps it has executed in each mode. */
    Map<CpuMode, Long> modes() {
        return modes;
    }

    /** Returns whether its own tables are at an address, where the processor has nothing. */
    boolean isInTables(long linear) {
        return Long.compareUnsigned(linear - system, SYSTEM_SIZE) < 0;
    }

    /** Sets all memory. */
    void setMemory(byte[] all) {
        memory.write(USER_PAGES, all);
    }

    /** Sets the pages that can be written. */
    void setData(byte[] all) {
        int at = 0;
        for (Window.Page page : window.pages()) {
            if (page.writable()) {
                memory.write(USER_PAGES + at, Arrays.copyOfRange(all, at, at + Window.PAGE));
            }
            at += Window.PAGE;
        }
    }

    /** Returns the first offset in all memory at which data is different; -1 if nowhere. */
    int firstDifference(byte[] all) {
        int length = all.length - Window.CODE_SIZE;
        int at = bytes.slice(USER_PAGES + Window.CODE_SIZE, length)
                .mismatch(ByteBuffer.wrap(all, Window.CODE_SIZE, length));
        return at < 0 ? at : Window.CODE_SIZE + at;
    }

    /** Returns the last offset in all memory at which data is different; -1 if nowhere. */
    int lastDifference(byte[] all) {
        for (int at = all.length - 1; at >= Window.CODE_SIZE; at--) {
            if (all[at] != bytes.get(USER_PAGES + at)) {
                return at;
            }
        }
        return -1;
    }

    /** Sets all registers but EIP, CS and flags. */
    void load(ProcessorState state) {
        for (int i = 0; i < ProcessorState.GENERAL; i++) {
            cpu.registers.gpr[i] = state.general[i];
        }
        for (int segment : BY_NUMBER) {
            cpu.loadSegment(segment, segment(state.selectors[segment]));
        }
        if (is64) {
            cpu.setSegmentBase(Cpu.FS, state.fsBase);
            cpu.setSegmentBase(Cpu.GS, state.gsBase);
        }
        cpu.fpu.initialize();
        cpu.fpu.setControl(state.fpuControl);
        cpu.fpu.setStatus(state.fpuStatus);
        cpu.fpu.setUsed(state.fpuUsed);
        cpu.fpu.setMxcsr(state.mxcsr);
        for (int i = 0; i < state.significands.length; i++) {
            cpu.fpu.restoreRegister(i, state.signExponents[i], state.significands[i]);
        }
        System.arraycopy(state.xmm, 0, cpu.fpu.xmm, 0, state.xmm.length);
    }

    private SegmentState segment(int selector) {
        if (Selector.isNull(selector)) {
            return new SegmentState(selector, 0, 0, SegmentState.UNUSABLE);
        }
        SegmentState[] table = Selector.isLocal(selector) ? localSegments : segments;
        SegmentState state = table[Selector.index(selector)];
        return new SegmentState(selector, state.base(), state.limit(), state.accessRights());
    }

    /**
     * Executes a step from where the last one has ended, or from what was loaded.
     *
     * @param stack the selector in SS
     * @param state takes the registers afterwards
     * @return empty if the step ended in an exception or was traced; else what it ended in
     */
    String step(Sequence sequence, Step step, int stack, ProcessorState state) {
        for (int i = 0; i < ProcessorState.GENERAL; i++) {
            if ((step.replaced() >> i & 1) != 0) {
                cpu.registers.gpr[i] = step.general()[i];
            }
        }
        emulator.reset();
        cpu.loadSegment(Cpu.CS, segment(sequence.start().selectors[Cpu.CS]));
        cpu.loadSegment(Cpu.SS, segment(stack));
        cpu.setCpl(3);
        cpu.eip = step.eip();
        cpu.eflags.set(step.eflags());
        cpu.fpu.setInstructionPointer(0, 0);
        cpu.fpu.setDataPointer(0, 0);
        cpu.requestAsyncEvent();
        modes.merge(cpu.mode(), 1L, Long::sum);
        VmExit exit = emulator.run(Long.MAX_VALUE);
        int vector = (int) (cpu.eip - system) - HANDLERS - 1;
        save(state, vector);
        if (!(exit instanceof VmExit.Halt) || vector < 0 || vector >= VECTORS) {
            return exit instanceof VmExit.UnsupportedInstruction unsupported ? unsupported.reason() : exit.toString();
        }
        readFrame(state);
        return "";
    }

    private void save(ProcessorState state, int vector) {
        for (int i = 0; i < ProcessorState.GENERAL; i++) {
            state.general[i] = cpu.registers.gpr[i];
        }
        for (int segment : BY_NUMBER) {
            // Linux returns from its handlers by IRET, which leaves 0 in a register with another null selector.
            int selector = cpu.segments[segment].selector();
            if (selector != 0 && Selector.isNull(selector)) {
                cpu.loadSegment(segment, segment(0));
                selector = 0;
            }
            state.selectors[segment] = selector;
        }
        if (is64) {
            state.fsBase = cpu.segments[Cpu.FS].cachedBase();
            state.gsBase = cpu.segments[Cpu.GS].cachedBase();
        }
        state.vector = vector;
        state.cr2 = cpu.cr2();
        state.fpuControl = cpu.fpu.control();
        state.fpuStatus = cpu.fpu.status();
        state.fpuUsed = cpu.fpu.used();
        state.mxcsr = cpu.fpu.mxcsr();
        for (int i = 0; i < state.significands.length; i++) {
            state.significands[i] = cpu.fpu.significand(i);
            state.signExponents[i] = cpu.fpu.signExponent(i);
        }
        System.arraycopy(cpu.fpu.xmm, 0, state.xmm, 0, state.xmm.length);
    }

    /** Takes from the handler's stack what the exception has pushed. */
    private void readFrame(ProcessorState state) {
        int width = isLong ? Long.BYTES : Integer.BYTES;
        int at = SYSTEM_PAGES + (int) (cpu.registers.gpr[Registers.RSP] - system);
        state.errorCode = 0;
        if (SYSTEM_PAGES + STACK - at > 5 * width) {
            state.errorCode = bytes.getInt(at);
            at += width;
        }
        state.eip = word(at);
        state.selectors[Cpu.CS] = bytes.getInt(at + width) & 0xffff;
        state.eflags = bytes.getInt(at + 2 * width);
        state.general[Registers.RSP] = word(at + 3 * width);
        state.selectors[Cpu.SS] = bytes.getInt(at + 4 * width) & 0xffff;
        cpu.registers.gpr[Registers.RSP] = state.general[Registers.RSP];
        if (is64 && state.vector == Vector.PF.number() && !isProgram(state.cr2)) {
            // Of its own half Linux tells programs only that it is there (arch/x86/mm/fault.c).
            state.errorCode |= (int) PRESENT;
        }
    }

    private long word(int at) {
        return isLong ? bytes.getLong(at) : Integer.toUnsignedLong(bytes.getInt(at));
    }

    /** Returns whether an address is one of those that Linux has programs use. */
    private static boolean isProgram(long linear) {
        return Long.compareUnsigned(linear, Window.UPPER + Window.PAGE) < 0;
    }
}
