package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.TestedEngines;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/**
 * A guest in protected mode, with or without paging, that is given what a kernel makes for itself: gates to handlers, a
 * TSS, pages that ring 3 may use. It is driven exit by exit.
 */
final class SystemGuest implements AutoCloseable {

    static final int CODE_SELECTOR = 0x08;
    static final int DATA_SELECTOR = 0x10;
    static final int USER_CODE_SELECTOR = 0x1b;
    static final int USER_DATA_SELECTOR = 0x23;
    /** A data segment whose descriptor has P clear. */
    static final int ABSENT_SELECTOR = 0x30;

    /** ESP at the start. */
    static final int STACK = 0x8000;
    /** ESP of ring 0 in the TSS. */
    static final int TASK_STACK = 0x9000;
    /** ESP that a guest may use in ring 3. */
    static final int USER_STACK = 0xa000;

    private static final int CODE = 0x1000;
    /** Where handlers are, {@link #HANDLER_SIZE} bytes for each vector. */
    private static final int HANDLERS = 0x2000;

    private static final int HANDLER_SIZE = 0x10;
    private static final int GDT = 0x3000;
    private static final int TASK_SELECTOR = 0x28;
    private static final int TASK = 0x3100;
    private static final int TASK_LIMIT = 0x67;
    private static final long TASK_DESCRIPTOR = 0x0000_8900_3100_0000L | TASK_LIMIT;
    private static final long ABSENT_DESCRIPTOR = 0x00cf_1200_0000_ffffL;

    private static final int PAGE_DIRECTORY = 0x10_0000;
    private static final int PAGE_TABLE = 0x10_1000;
    private static final int USER = 4;
    private static final int PRESENT_WRITABLE_USER = 7;

    /**
     * mov ax,0x28; ltr ax. By the guest itself, as a kernel does: of a TR that the host set, and which so is busy, QEMU
     * 7.2 as the processor below KVM says "invalid tss type" and dies at the first change of rings.
     */
    private static final String LOAD_TASK = "66 b8 28 00 0f 00 d8";

    /** mov eax,0x23; mov ds,eax; mov es,eax; push eax; push 0xa000; push 0x202; push 0x1b; push (what follows) */
    private static final String TO_RING_3 = "b8 23 00 00 00 8e d8 8e c0 50 68 00 a0 00 00 68 02 02 00 00 6a 1b 68";

    /** mov eax,0; out 0x80,al, by which the host knows. Flags stay as they are. */
    private static final String AT_CODE = "b8 00 00 00 00 e6 80";

    private static final String IRETD = "cf";

    private static final long MEMORY = 2 << 20;
    private static final long RF = 1 << 16;
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private static final ScheduledExecutorService WATCH = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "system-guest-watch");
        thread.setDaemon(true);
        return thread;
    });

    private final EngineChoice engine;
    private final VirtualMachine machine;
    private final BootMode mode;
    private final CpuState entry;

    /** Makes the guest, or has the test skipped where the engine is KVM and this machine's lacks what it needs. */
    SystemGuest(EngineChoice engine, BootMode mode) {
        Device.assumeFor(engine, Feature.neededBy(mode));
        Device.assumeFor(engine, Feature.interruptsIn(mode));
        this.engine = engine;
        this.mode = mode;
        machine = engine(engine).createMachine(MEMORY, 1);
        VcpuConfig guest = VcpuConfig.of(GuestImage.flat("system", new byte[1])).withBoot(mode);
        entry = BootLoader.load(memory(), List.of(guest)).get(0).with(state -> state.set(Register.RSP, STACK)
                .gdt(new DescriptorTable(GDT, ABSENT_SELECTOR + 7)));
        writeDescriptors();
        writeTask();
        letRing3UsePages();
    }

    static Stream<Arguments> enginesAndModes() {
        return onEachEngine(BootMode.PROTECTED, BootMode.PAGED, BootMode.PAGED_4K);
    }

    static Stream<Arguments> enginesAndPagedModes() {
        return onEachEngine(BootMode.PAGED, BootMode.PAGED_4K);
    }

    private static Stream<Arguments> onEachEngine(BootMode... modes) {
        return TestedEngines.all().flatMap(engine -> Stream.of(modes).map(mode -> Arguments.of(engine, mode)));
    }

    /** Returns the engine of this name. */
    static Engine engine(EngineChoice choice) {
        return choice == EngineChoice.KVM ? KvmEngine.instance() : EmulatorEngine.instance();
    }

    private void writeDescriptors() {
        GuestMemory memory = memory();
        long[] flat = {0, 0x9b, 0x93, 0xfb, 0xf3};
        for (int i = 1; i < flat.length; i++) {
            memory.writeLong(GDT + 8L * i, 0x00cf_0000_0000_ffffL | flat[i] << 40);
        }
        memory.writeLong(GDT + TASK_SELECTOR, TASK_DESCRIPTOR);
        memory.writeLong(GDT + ABSENT_SELECTOR, ABSENT_DESCRIPTOR);
    }

    private void writeTask() {
        memory().writeInt(TASK + 4, TASK_STACK);
        memory().writeInt(TASK + 8, DATA_SELECTOR);
        // Behind the limit: no I/O bitmap.
        memory().writeShort(TASK + 0x66, TASK_LIMIT + 1);
    }

    private void letRing3UsePages() {
        if (mode != BootMode.PROTECTED) {
            setBit(PAGE_DIRECTORY, USER);
            setBit(PAGE_DIRECTORY + 4 * 0x200, USER);
        }
        if (mode == BootMode.PAGED_4K) {
            for (int page = 0; page < MEMORY >> 12; page++) {
                setBit(PAGE_TABLE + 4 * page, USER);
            }
        }
    }

    private void setBit(int address, int bit) {
        memory().writeInt(address, memory().readInt(address) | bit);
    }

    GuestMemory memory() {
        return machine.memory();
    }

    VirtualCpu vcpu() {
        return machine.vcpu(0);
    }

    /** Returns the linear address at which code starts: in the upper half where there is paging. */
    long code() {
        return entry.eip();
    }

    /** Returns the linear address of a vector's handler. */
    long handler(int vector) {
        return code() - CODE + HANDLERS + HANDLER_SIZE * vector;
    }

    /** Puts a handler of an exception or interrupt in place, behind an interrupt gate that ring 0 may use. */
    SystemGuest handler(int vector, String code) {
        return handler(vector, 0, code);
    }

    /** Puts a handler in place, behind an interrupt gate that this ring may use with INT. */
    SystemGuest handler(int vector, int ring, String code) {
        byte[] bytes = TestGuest.bytes(code);
        if (bytes.length > HANDLER_SIZE) {
            throw new IllegalArgumentException("a handler has at most " + HANDLER_SIZE + " bytes");
        }
        memory().write(HANDLERS + HANDLER_SIZE * vector, bytes);
        long gate = handler(vector) & 0xffff
                | (long) CODE_SELECTOR << 16
                | (0x8eL | ring << 5) << 40
                | handler(vector) >>> 16 << 48;
        memory().writeLong(entry.idt().base() + 8L * vector, gate);
        return this;
    }

    /** Has the 4 MiB from a linear address on mapped by a page table, which the test writes. */
    SystemGuest pageTable(int linear, int table) {
        memory().writeInt(PAGE_DIRECTORY + 4 * (linear >>> 22), table | PRESENT_WRITABLE_USER);
        return this;
    }

    /** Puts the guest's code in place, with the registers of the boot mode, a stack and a TSS. */
    SystemGuest start(String code) {
        return start(code, CpuState.EFLAGS_FIXED);
    }

    /** Puts the guest's code in place, with a stack, a TSS and these flags. */
    SystemGuest start(String code, long flags) {
        return start(LOAD_TASK + AT_CODE, code, flags);
    }

    /** Puts the guest's code in place to be run in ring 3, with a stack there and interrupts on. */
    SystemGuest startInRing3(String code) {
        return start(
                LOAD_TASK + TO_RING_3 + String.format("%08x", Integer.reverseBytes((int) code())) + AT_CODE + IRETD,
                code,
                CpuState.EFLAGS_FIXED);
    }

    private SystemGuest start(String prologue, String code, long flags) {
        byte[] before = TestGuest.bytes(prologue);
        memory().write(CODE - before.length, before);
        memory().write(CODE, TestGuest.bytes(code));
        vcpu().setState(entry.with(
                state -> state.set(Register.RIP, code() - before.length).set(Register.RFLAGS, flags)));
        if (!(run() instanceof VmExit.PortOut)) {
            throw new IllegalStateException("the guest did not come to its code");
        }
        return this;
    }

    /** Runs to the next exit; one that doesn't come within the time limit is {@link VmExit.Interrupted}. */
    VmExit run() {
        ScheduledFuture<?> limit =
                WATCH.schedule(vcpu()::interrupt, TimeFactor.stretch(LIMIT).toMillis(), TimeUnit.MILLISECONDS);
        try {
            return vcpu().run();
        } finally {
            limit.cancel(false);
        }
    }

    /** Returns a register's lower 32 bits. */
    long get(Register register) {
        return vcpu().register(register) & 0xffff_ffffL;
    }

    /** Returns the selector in a segment register. */
    int selector(SegmentRegister register) {
        return vcpu().state().segment(register).selector();
    }

    /** Returns a doubleword of the stack by its place above ESP, which must be below 4 MiB. */
    long stack(int index) {
        return memory().readInt(get(Register.RSP) + 4L * index) & 0xffff_ffffL;
    }

    /**
     * Returns EFLAGS as they are expected in the frame of a fault, which has RF set (Intel SDM volume 3B, 17.3.1.1). On
     * KVM the bit is not looked at: QEMU before version 8, as the processor below, leaves it out.
     */
    long faultFlags(long flags, long pushed) {
        return engine == EngineChoice.KVM ? flags | pushed & RF : flags | RF;
    }

    /**
     * Returns EIP as it is expected in the frame of a fault that INT raised, which is the INT's. On KVM it is not looked
     * at: behind a VM exit amid the INT's delivery, QEMU 7.2 as the processor below leaves it behind the INT.
     */
    long faultingInt(long eip, long pushed) {
        return engine == EngineChoice.KVM ? pushed : eip;
    }

    @Override
    public void close() {
        machine.close();
    }
}
