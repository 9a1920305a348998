package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.engine.Activity;
import dev.kvmguest.vmm.internal.engine.DebugControl;
import dev.kvmguest.vmm.internal.engine.EventState;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.GuestClock;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.kvm.abi.Kvm;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_run;
import java.util.Optional;
import java.util.OptionalLong;

/** A KVM vCPU as engines have it: registers in the runtime's terms, exits as {@link VmExit}. */
final class KvmVirtualCpu implements VirtualCpu, DebugControl {

    /**
     * Without KVM_GUESTDBG_BLOCKIRQ: it holds back what KVM's own interrupt controller has, which is not used here, and
     * nothing that KVM_INTERRUPT queued.
     */
    private static final int STEP = Kvm.KVM_GUESTDBG_ENABLE | Kvm.KVM_GUESTDBG_SINGLESTEP;

    private static final int BREAK = Kvm.KVM_GUESTDBG_ENABLE | Kvm.KVM_GUESTDBG_USE_HW_BP;

    private final KvmVcpu vcpu;
    private boolean stepping;
    private boolean accessPending;
    /** What KVM reported as the access was completed, for the next run to return. */
    private VmExit overdue;

    private Activity activity = Activity.ACTIVE;
    private final HostClock clock = new HostClock(this::interrupt);

    KvmVirtualCpu(KvmVcpu vcpu) {
        this.vcpu = vcpu;
    }

    @Override
    public CpuState state() {
        completeAccess();
        return KvmRegisters.read(vcpu);
    }

    @Override
    public void setState(CpuState state) {
        forgetAccess();
        KvmRegisters.write(vcpu, state);
        activity = Activity.ACTIVE;
    }

    /** Else the next run would complete it on top of a new state. */
    private void forgetAccess() {
        do {
            completeAccess();
            accessPending = overdue != null && overdue.isAccess();
            overdue = null;
        } while (accessPending);
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
        return KvmRegisters.read(vcpu, register);
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
            vcpu.setGuestDebug(STEP, 0);
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
        activity = exit instanceof VmExit.Halt
                ? Activity.HALTED
                : exit instanceof VmExit.Shutdown ? Activity.SHUTDOWN : Activity.ACTIVE;
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
        vcpu.setGuestDebug(on ? STEP : 0, 0);
    }

    @Override
    public void setBreakpoint(OptionalLong linear) {
        completeAccess();
        vcpu.setGuestDebug(linear.isPresent() ? BREAK : 0, linear.orElse(0));
    }

    @Override
    public VcpuState save() {
        completeAccess();
        if (overdue != null && overdue.isAccess()) {
            throw new IllegalStateException(
                    "the instruction has another access for the host; KVM can't be saved before that is answered");
        }
        return KvmSavedState.save(vcpu, activity, clock.time());
    }

    @Override
    public void restore(VcpuState state) {
        forgetAccess();
        KvmSavedState.restore(vcpu, state);
        activity = state.activity();
        overdue = activity == Activity.SHUTDOWN ? new VmExit.Shutdown() : null;
        clock.restore(state.time());
        // As KVM says it itself at each exit.
        boolean ready = state.registers().interruptsEnabled()
                && state.events().equals(EventState.NONE)
                && activity != Activity.SHUTDOWN;
        vcpu.runPage().put(kvm_run.ready_for_interrupt_injection, (byte) (ready ? 1 : 0));
    }

    /** Forgets what was asked of it, for whoever restores it next. */
    void leave() {
        setSingleStep(false);
        setInterruptWindow(false);
        clock.setAlarm(GuestClock.NEVER);
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
}
