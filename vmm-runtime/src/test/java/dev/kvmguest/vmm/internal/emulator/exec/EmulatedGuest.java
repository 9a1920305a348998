package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.EmulatedVirtualCpu;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine.EmulatedMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.UnaryOperator;

/**
 * A small emulated machine for tests of instructions: 1 MiB of RAM with descriptor tables, handlers and a stack in place,
 * one vCPU, no devices. Each vector's handler is a HLT, so that an exception ends the run and {@link #vector} names it.
 *
 * <pre>{@code
 * try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
 *     guest.set(Register.RAX, 2).set(Register.RCX, 3).run("01 c8"); // add eax, ecx
 *     assertThat(guest.get(Register.RAX)).isEqualTo(5);
 * }
 * }</pre>
 */
public final class EmulatedGuest implements AutoCloseable {

    /** Where code is put, and EIP at the start. */
    public static final int CODE = 0x4000;
    /** ESP at the start. The stack's lower end is not watched. */
    public static final int STACK = 0x8000;
    /** Nothing is here: 28 KiB of RAM for data. */
    public static final int DATA = 0x9000;

    private static final int SIZE = 1 << 20;
    private static final int GDT = 0x500;
    private static final int IDT = 0x800;
    private static final int HANDLERS = 0x1000;
    private static final int TSS = 0x1200;
    private static final int TSS_LIMIT = 0x67;
    private static final int HANDLER_STACK = 0x3000;
    private static final int PAGE_DIRECTORY = 0x10000;
    private static final int PAGE_TABLE = 0x11000;

    private static final int IDT_64 = 0x12000;
    private static final int MAP_64 = 0x14000;
    private static final int PAGE_TABLE_64 = 0x17000;

    private static final int VECTORS = 256;
    private static final int SELECTOR_TSS = 0x48;
    private static final byte HLT = (byte) 0xf4;

    private final EmulatedMachine machine = EmulatorEngine.instance().createMachine(SIZE, 1);
    private final EmulatedVirtualCpu vcpu = machine.vcpu(0);

    private EmulatedGuest() {
        byte[] handlers = new byte[VECTORS];
        Arrays.fill(handlers, HLT);
        memory().write(HANDLERS, handlers);
    }

    /** Returns a guest in real mode: all segments 0, interrupts off. */
    public static EmulatedGuest real() {
        EmulatedGuest guest = new EmulatedGuest();
        for (int vector = 0; vector < VECTORS; vector++) {
            guest.memory().writeInt(4L * vector, HANDLERS + vector);
        }
        CpuState.Builder state = entry();
        for (SegmentRegister register : SegmentRegister.values()) {
            state.segment(register, SegmentState.real(0));
        }
        guest.vcpu.setState(state.segment(SegmentRegister.TR, SegmentState.resetTask())
                .segment(SegmentRegister.LDTR, SegmentState.unusable())
                .idt(new DescriptorTable(0, 4 * VECTORS - 1))
                .gdt(new DescriptorTable(GDT, SELECTOR_TSS + 7))
                .build());
        return guest;
    }

    /**
     * Returns a guest in protected mode without paging, with flat 32-bit segments of this privilege level. The GDT has
     * code and data of ring 0 at 0x08 and 0x10, of ring 1 at 0x18 and 0x20, of ring 2 at 0x28 and 0x30, of ring 3 at
     * 0x38 and 0x40, and a busy TSS at 0x48.
     *
     * @param ring 0 to 3
     */
    public static EmulatedGuest flat(int ring) {
        EmulatedGuest guest = new EmulatedGuest();
        guest.memory().writeLong(GDT + SELECTOR_TSS, 0x0000_8b00_0000_0000L | (long) TSS << 16 | TSS_LIMIT);
        guest.memory().writeInt(TSS + 4, HANDLER_STACK);
        guest.memory().writeInt(TSS + 8, 0x10);
        guest.memory().writeShort(TSS + 0x66, TSS_LIMIT + 1);
        for (int i = 0; i < 4; i++) {
            guest.memory().writeLong(GDT + 8 + 16 * i, 0x00cf_9b00_0000_ffffL | (long) i << 45);
            guest.memory().writeLong(GDT + 16 + 16 * i, 0x00cf_9300_0000_ffffL | (long) i << 45);
        }
        for (int vector = 0; vector < VECTORS; vector++) {
            // An interrupt gate to ring 0 that ring 3 may use.
            guest.memory().writeLong(IDT + 8 * vector, 0x0000_ee00_0008_0000L | HANDLERS + vector);
        }
        SegmentState data = SegmentState.flatData(16 + 16 * ring | ring);
        CpuState.Builder state = entry();
        for (SegmentRegister register : SegmentRegister.values()) {
            state.segment(register, data);
        }
        guest.vcpu.setState(state.segment(SegmentRegister.CS, SegmentState.flatCode(8 + 16 * ring | ring))
                .segment(SegmentRegister.LDTR, SegmentState.unusable())
                .segment(SegmentRegister.TR, new SegmentState(SELECTOR_TSS, TSS, TSS_LIMIT, 0x8b))
                .set(Register.CR0, CpuState.CR0_PE | CpuState.CR0_ET)
                .gdt(new DescriptorTable(GDT, SELECTOR_TSS + 7))
                .idt(new DescriptorTable(IDT, 8 * VECTORS - 1))
                .build());
        return guest;
    }

    /** Returns a guest as {@link #flat} does, with paging on: all RAM maps to itself, writable, for every ring. */
    public static EmulatedGuest paged(int ring) {
        EmulatedGuest guest = flat(ring);
        guest.memory().writeInt(PAGE_DIRECTORY, PAGE_TABLE | 7);
        for (int page = 0; page < SIZE >> 12; page++) {
            guest.page(page << 12, page << 12 | 7);
        }
        return guest.change(state ->
                state.set(Register.CR3, PAGE_DIRECTORY).set(Register.CR0, CpuState.CR0_PE | CpuState.CR0_PG | 0x10));
    }

    /**
     * Returns a guest in 64-bit mode, with segments of this privilege level where {@link #flat} has them; a TSS of long
     * mode takes 0x48 and 0x50. All RAM maps to itself, and from 0xffffffffc0000000 up a second time, in pages of 4 KiB
     * that are writable, for every ring.
     *
     * @param ring 0 to 3
     */
    public static EmulatedGuest long64(int ring) {
        EmulatedGuest guest = new EmulatedGuest();
        guest.memory().writeLong(GDT + SELECTOR_TSS, 0x0000_8b00_0000_0000L | (long) TSS << 16 | TSS_LIMIT);
        guest.memory().writeLong(TSS + 4, HANDLER_STACK);
        guest.memory().writeShort(TSS + 0x66, TSS_LIMIT + 1);
        for (int i = 0; i < 4; i++) {
            guest.memory().writeLong(GDT + 8 + 16 * i, 0x00af_9b00_0000_ffffL | (long) i << 45);
            guest.memory().writeLong(GDT + 16 + 16 * i, 0x00cf_9300_0000_ffffL | (long) i << 45);
        }
        for (int vector = 0; vector < VECTORS; vector++) {
            guest.memory().writeLong(IDT_64 + 16L * vector, 0x0000_ee00_0008_0000L | HANDLERS + vector);
        }
        guest.memory().writeLong(MAP_64, MAP_64 + 0x1000 | 7);
        guest.memory().writeLong(MAP_64 + 511 * 8, MAP_64 + 0x1000 | 7);
        guest.memory().writeLong(MAP_64 + 0x1000, MAP_64 + 0x2000 | 7);
        guest.memory().writeLong(MAP_64 + 0x1000 + 511 * 8, MAP_64 + 0x2000 | 7);
        guest.memory().writeLong(MAP_64 + 0x2000, PAGE_TABLE_64 | 7);
        for (int page = 0; page < SIZE >> 12; page++) {
            guest.page64(page << 12, page << 12 | 7);
        }
        SegmentState data = SegmentState.flatData(16 + 16 * ring | ring);
        CpuState.Builder state = entry();
        for (SegmentRegister register : SegmentRegister.values()) {
            state.segment(register, data);
        }
        guest.vcpu.setState(state.segment(SegmentRegister.CS, code64(8 + 16 * ring | ring))
                .segment(SegmentRegister.LDTR, SegmentState.unusable())
                .segment(SegmentRegister.TR, new SegmentState(SELECTOR_TSS, TSS, TSS_LIMIT, 0x8b))
                .set(Register.CR0, CpuState.CR0_PE | CpuState.CR0_PG | CpuState.CR0_ET)
                .set(Register.CR3, MAP_64)
                .set(Register.CR4, 1 << 5)
                .set(Register.EFER, 0x500)
                .gdt(new DescriptorTable(GDT, SELECTOR_TSS + 15))
                .idt(new DescriptorTable(IDT_64, 16 * VECTORS - 1))
                .build());
        return guest;
    }

    private static SegmentState code64(int selector) {
        return new SegmentState(selector, 0, 0xffff_ffffL, 0xa09b | (selector & 3) << 5);
    }

    /** Sets the page-table entry of a linear address below 2 MiB in 64-bit mode; the TLB is not told. */
    public EmulatedGuest page64(int linear, long entry) {
        memory().writeLong(PAGE_TABLE_64 + (linear >> 12) * 8L, entry);
        return this;
    }

    private static CpuState.Builder entry() {
        return CpuState.builder()
                .set(Register.RIP, CODE)
                .set(Register.RSP, STACK)
                .set(Register.RFLAGS, CpuState.EFLAGS_FIXED)
                .set(Register.CR0, CpuState.CR0_ET);
    }

    /** Sets the page-table entry of a linear address below 4 MiB; the TLB is not told. */
    public EmulatedGuest page(int linear, int entry) {
        memory().writeInt(PAGE_TABLE + (linear >> 12) * 4L, entry);
        return this;
    }

    /** Sets a register. */
    public EmulatedGuest set(Register register, long value) {
        return change(state -> state.set(register, value));
    }

    /** Sets EFLAGS; the fixed bit is added. */
    public EmulatedGuest flags(long value) {
        return set(Register.RFLAGS, value | CpuState.EFLAGS_FIXED);
    }

    /** Changes the state. */
    public EmulatedGuest change(UnaryOperator<CpuState.Builder> change) {
        vcpu.setState(vcpu.state().with(change));
        return this;
    }

    /** Writes bytes, given in hex as in {@code "0f a2"}. */
    public EmulatedGuest put(long address, String hex) {
        memory().write(address, HexFormat.of().parseHex(hex.replaceAll("\\s", "")));
        return this;
    }

    /** Puts instructions at {@link #CODE}, with a HLT behind them, and runs from the current EIP until an exit. */
    public VmExit run(String hex) {
        put(CODE, hex + "f4");
        return run();
    }

    /** Runs until an exit. */
    public VmExit run() {
        return vcpu.run();
    }

    /** Executes one instruction, or what it ends in. */
    public VmExit step() {
        vcpu.debug().setSingleStep(true);
        try {
            return vcpu.run();
        } finally {
            vcpu.debug().setSingleStep(false);
        }
    }

    /** Returns a register. */
    public long get(Register register) {
        return vcpu.register(register);
    }

    /** Returns the vector of the exception or interrupt whose handler has halted; -1 if none has. */
    public int vector() {
        long handler = get(Register.RIP) - HANDLERS - 1;
        return handler >= 0 && handler < VECTORS ? (int) handler : -1;
    }

    /** Returns four bytes of the stack, {@code index} times four above ESP; flat guests only. */
    public long stack(int index) {
        return memory().readInt(get(Register.RSP) + 4L * index) & 0xffff_ffffL;
    }

    /** Returns eight bytes of the stack, {@code index} times eight above RSP; guests in 64-bit mode only. */
    public long stack64(int index) {
        return memory().readLong(get(Register.RSP) + 8L * index);
    }

    /** Returns the RAM. */
    public GuestMemory memory() {
        return machine.memory();
    }

    /** Returns the vCPU. */
    public EmulatedVirtualCpu vcpu() {
        return vcpu;
    }

    @Override
    public void close() {
        machine.close();
    }
}
