package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.engine.DebugControl;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.GuestClock;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.kvm.abi.Kvm;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_dtable;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_regs;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_run;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_segment;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_sregs;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/** A KVM vCPU behind the engine seam: registers in the runtime's terms, exits as {@link VmExit}. */
final class KvmVirtualCpu implements VirtualCpu, DebugControl {

    private static final Map<Register, Integer> REGS = new EnumMap<>(Map.ofEntries(
            Map.entry(Register.RAX, kvm_regs.rax),
            Map.entry(Register.RBX, kvm_regs.rbx),
            Map.entry(Register.RCX, kvm_regs.rcx),
            Map.entry(Register.RDX, kvm_regs.rdx),
            Map.entry(Register.RSI, kvm_regs.rsi),
            Map.entry(Register.RDI, kvm_regs.rdi),
            Map.entry(Register.RBP, kvm_regs.rbp),
            Map.entry(Register.RSP, kvm_regs.rsp),
            Map.entry(Register.R8, kvm_regs.r8),
            Map.entry(Register.R9, kvm_regs.r9),
            Map.entry(Register.R10, kvm_regs.r10),
            Map.entry(Register.R11, kvm_regs.r11),
            Map.entry(Register.R12, kvm_regs.r12),
            Map.entry(Register.R13, kvm_regs.r13),
            Map.entry(Register.R14, kvm_regs.r14),
            Map.entry(Register.R15, kvm_regs.r15),
            Map.entry(Register.RIP, kvm_regs.rip),
            Map.entry(Register.RFLAGS, kvm_regs.rflags)));

    private static final Map<Register, Integer> CONTROL_REGISTERS = new EnumMap<>(Map.of(
            Register.CR0, kvm_sregs.cr0,
            Register.CR2, kvm_sregs.cr2,
            Register.CR3, kvm_sregs.cr3,
            Register.CR4, kvm_sregs.cr4,
            Register.EFER, kvm_sregs.efer));

    private static final Map<SegmentRegister, Integer> SEGMENTS = new EnumMap<>(Map.of(
            SegmentRegister.CS, kvm_sregs.cs,
            SegmentRegister.DS, kvm_sregs.ds,
            SegmentRegister.ES, kvm_sregs.es,
            SegmentRegister.FS, kvm_sregs.fs,
            SegmentRegister.GS, kvm_sregs.gs,
            SegmentRegister.SS, kvm_sregs.ss,
            SegmentRegister.TR, kvm_sregs.tr,
            SegmentRegister.LDTR, kvm_sregs.ldt));

    /**
     * Without KVM_GUESTDBG_BLOCKIRQ: it holds back what KVM's own interrupt controller has, which is not used here, and
     * nothing that KVM_INTERRUPT queued.
     */
    private static final int STEP = Kvm.KVM_GUESTDBG_ENABLE | Kvm.KVM_GUESTDBG_SINGLESTEP;

    private final KvmVcpu vcpu;
    private boolean stepping;
    private boolean accessPending;
    /** What KVM reported as the access was completed, for the next run to return. */
    private VmExit overdue;

    private final HostClock clock = new HostClock(this::interrupt);

    KvmVirtualCpu(KvmVcpu vcpu) {
        this.vcpu = vcpu;
    }

    @Override
    public CpuState state() {
        completeAccess();
        CpuState.Builder state = CpuState.builder();
        ByteBuffer regs = vcpu.regs();
        REGS.forEach((register, offset) -> state.set(register, regs.getLong(offset)));
        ByteBuffer sregs = vcpu.sregs();
        CONTROL_REGISTERS.forEach((register, offset) -> state.set(register, sregs.getLong(offset)));
        SEGMENTS.forEach((register, offset) -> state.segment(register, segment(sregs, offset)));
        return state.gdt(table(sregs, kvm_sregs.gdt))
                .idt(table(sregs, kvm_sregs.idt))
                .build();
    }

    @Override
    public void setState(CpuState state) {
        // Else the next run would complete it on top of the new state.
        do {
            completeAccess();
            accessPending = overdue != null && overdue.isAccess();
            overdue = null;
        } while (accessPending);
        // Read first: what CpuState doesn't have, such as the APIC base, stays as it is.
        ByteBuffer sregs = vcpu.sregs();
        CONTROL_REGISTERS.forEach((register, offset) -> sregs.putLong(offset, state.get(register)));
        SEGMENTS.forEach((register, offset) -> putSegment(sregs, offset, state.segment(register)));
        putTable(sregs, kvm_sregs.gdt, state.gdt());
        putTable(sregs, kvm_sregs.idt, state.idt());
        vcpu.setSregs();
        ByteBuffer regs = vcpu.regs();
        REGS.forEach((register, offset) -> regs.putLong(offset, state.get(register)));
        vcpu.setRegs();
    }

    private void completeAccess() {
        if (accessPending) {
            accessPending = false;
            if (vcpu.completeAccess()) {
                overdue = ExitDecoder.decode(vcpu.runPage());
            }
        }
    }

    @Override
    public long register(Register register) {
        Integer offset = REGS.get(register);
        return offset != null ? vcpu.reg(offset) : vcpu.sregs().getLong(CONTROL_REGISTERS.get(register));
    }

    @Override
    public boolean hasRegistersAtHand() {
        return vcpu.hasSyncedRegs();
    }

    @Override
    public VmExit run() {
        boolean accessAnswered = accessPending;
        accessPending = false;
        if (stepping) {
            // Once more: KVM loses TF where RIP is set, and where it raises a fault itself, as #UD on AMD's processors.
            vcpu.setGuestDebug(STEP);
        }
        if (overdue == null && !vcpu.run()) {
            // The kick may have kept it from running at all: the registers are to be those between two instructions.
            accessPending = accessAnswered;
            completeAccess();
            return new VmExit.Interrupted();
        }
        VmExit exit = overdue != null ? overdue : ExitDecoder.decode(vcpu.runPage());
        overdue = null;
        accessPending = exit.isAccess();
        return exit;
    }

    @Override
    public void interrupt() {
        vcpu.kick();
    }

    @Override
    public void injectInterrupt(int vector) {
        if (vector < 0 || vector > 255) {
            throw new IllegalArgumentException("interrupt vector " + vector + " is not between 0 and 255");
        }
        if (!canInjectInterrupt()) {
            throw new IllegalStateException("the guest takes no external interrupt now; wait for the interrupt window");
        }
        vcpu.interrupt(vector);
        // As KVM says it itself at the next exit. Until then it would take another, and forget this one.
        vcpu.runPage().put(kvm_run.ready_for_interrupt_injection, (byte) 0);
    }

    @Override
    public boolean canInjectInterrupt() {
        // Filled in by KVM at each exit, IF included; 0 before the first one.
        return vcpu.runPage().get(kvm_run.ready_for_interrupt_injection) != 0;
    }

    @Override
    public void setInterruptWindow(boolean wanted) {
        vcpu.runPage().put(kvm_run.request_interrupt_window, (byte) (wanted ? 1 : 0));
    }

    @Override
    public void setSingleStep(boolean on) {
        // Else the end of an instruction that had its exit before stepping began would be a step of its own.
        completeAccess();
        stepping = on;
        vcpu.setGuestDebug(on ? STEP : 0);
    }

    @Override
    public VcpuState save() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void restore(VcpuState state) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void finish() {
        clock.setAlarm(GuestClock.NEVER);
    }

    @Override
    public GuestClock clock() {
        return clock;
    }

    @Override
    public DebugControl debug() {
        return this;
    }

    @Override
    public Optional<ExecutionObserver> observer() {
        // KVM counts no instructions, delivers exceptions without a word, and may reset the vCPU that shuts down.
        return Optional.empty();
    }

    private static SegmentState segment(ByteBuffer sregs, int at) {
        int rights = sregs.get(at + kvm_segment.type)
                | sregs.get(at + kvm_segment.s) << 4
                | sregs.get(at + kvm_segment.dpl) << 5
                | sregs.get(at + kvm_segment.present) << 7
                | sregs.get(at + kvm_segment.avl) << 12
                | sregs.get(at + kvm_segment.l) << 13
                | sregs.get(at + kvm_segment.db) << 14
                | sregs.get(at + kvm_segment.g) << 15
                | sregs.get(at + kvm_segment.unusable) << 16;
        return new SegmentState(
                Short.toUnsignedInt(sregs.getShort(at + kvm_segment.selector)),
                sregs.getLong(at + kvm_segment.base),
                Integer.toUnsignedLong(sregs.getInt(at + kvm_segment.limit)),
                rights);
    }

    private static void putSegment(ByteBuffer sregs, int at, SegmentState state) {
        sregs.putLong(at + kvm_segment.base, state.base())
                .putInt(at + kvm_segment.limit, (int) state.limit())
                .putShort(at + kvm_segment.selector, (short) state.selector())
                .put(at + kvm_segment.type, (byte) state.type())
                .put(at + kvm_segment.s, bit(state.codeOrData()))
                .put(at + kvm_segment.dpl, (byte) state.dpl())
                .put(at + kvm_segment.present, bit(state.present()))
                .put(at + kvm_segment.avl, bit(state.available()))
                .put(at + kvm_segment.l, bit(state.longMode()))
                .put(at + kvm_segment.db, bit(state.default32()))
                .put(at + kvm_segment.g, bit(state.granularity()))
                .put(at + kvm_segment.unusable, bit(state.isUnusable()));
    }

    private static byte bit(boolean set) {
        return (byte) (set ? 1 : 0);
    }

    private static DescriptorTable table(ByteBuffer sregs, int at) {
        return new DescriptorTable(
                sregs.getLong(at + kvm_dtable.base), Short.toUnsignedInt(sregs.getShort(at + kvm_dtable.limit)));
    }

    private static void putTable(ByteBuffer sregs, int at, DescriptorTable table) {
        sregs.putLong(at + kvm_dtable.base, table.base()).putShort(at + kvm_dtable.limit, (short) table.limit());
    }
}
