package dev.kvmguest.vmm.internal.emulator;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuImage;
import dev.kvmguest.vmm.internal.emulator.core.Ram;
import dev.kvmguest.vmm.internal.emulator.exec.CodeCache;
import dev.kvmguest.vmm.internal.emulator.exec.Emulator;
import dev.kvmguest.vmm.internal.emulator.exec.RoundRobinScheduler;
import dev.kvmguest.vmm.internal.engine.Activity;
import dev.kvmguest.vmm.internal.engine.DebugControl;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.ExecutionPoint;
import dev.kvmguest.vmm.internal.engine.GuestClock;
import dev.kvmguest.vmm.internal.engine.StateReturn;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.engine.VirtualClock;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import dev.kvmguest.vmm.text.Notation;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** An emulated vCPU. Beyond what every engine can do, it stops exactly at a point of execution. */
public final class EmulatedVirtualCpu implements VirtualCpu, DebugControl, StateReturn {

    private final Cpu cpu;
    private final Emulator emulator;
    private final RoundRobinScheduler scheduler;
    private final int number;
    private final EmulatedClock clock;
    private final Optional<ExecutionObserver> observer;
    private boolean halted;
    private volatile boolean closed;

    EmulatedVirtualCpu(Ram ram, RoundRobinScheduler scheduler, int number) {
        this.cpu = new Cpu(ram);
        this.emulator = new Emulator(cpu, ram);
        this.clock = new EmulatedClock(cpu);
        this.observer = Optional.of(emulator);
        this.scheduler = scheduler;
        this.number = number;
    }

    @Override
    public CpuState state() {
        requireOpen();
        return cpu.state();
    }

    @Override
    public void setState(CpuState state) {
        requireOpen();
        emulator.reset();
        cpu.setState(state);
        halted = false;
    }

    @Override
    public long register(Register register) {
        requireOpen();
        return cpu.register(register);
    }

    @Override
    public boolean hasRegistersAtHand() {
        return true;
    }

    @Override
    public VmExit run() {
        requireOpen();
        halted = false;
        while (true) {
            if (!scheduler.take(number, cpu)) {
                return new VmExit.Interrupted();
            }
            long endOfTurn = scheduler.end(number);
            long atAlarm = clock.retiredAtAlarm();
            VmExit exit = emulator.run(Math.min(endOfTurn, atAlarm));
            if (exit instanceof VmExit.Halt) {
                rest();
            }
            if (exit != null) {
                return exit;
            }
            if (cpu.retired() >= endOfTurn) {
                scheduler.pass(number);
            }
            if (cpu.retired() >= atAlarm) {
                return new VmExit.Interrupted();
            }
        }
    }

    /**
     * Runs as {@link #run} does, but not on when exactly so many instructions are retired; {@link VmExit.Interrupted}
     * says so. Not for one of several vCPUs.
     */
    public VmExit runTo(long instructions) {
        requireOpen();
        VmExit exit = emulator.run(instructions - CodeCache.LONGEST_BLOCK);
        if (exit != null) {
            return exit;
        }
        emulator.setSingleStep(true);
        try {
            while (cpu.retired < instructions) {
                exit = emulator.run(Long.MAX_VALUE);
                if (!(exit instanceof VmExit.SingleStep)) {
                    return exit;
                }
            }
            return new VmExit.Interrupted();
        } finally {
            emulator.setSingleStep(false);
        }
    }

    /**
     * Has the next runs end with {@link VmExit.Interrupted} when the guest comes to a point, or no longer if it is
     * null. Until then instructions take three times as long.
     */
    public void stopAt(ExecutionPoint point) {
        requireOpen();
        emulator.stopAt(point);
    }

    /** Returns whether the guest has not reached the point given to {@link #stopAt} yet. */
    public boolean isOnItsWay() {
        return emulator.isAwaiting();
    }

    /**
     * Takes note from now on of what the guest comes to, among these places, by a jump, a call or the like. That costs
     * next to nothing.
     *
     * @param places offsets in the code segment
     */
    public void watch(Set<Long> places) {
        requireOpen();
        emulator.watch(places);
    }

    /** Returns those of the places given to {@link #watch} that the guest has not come to. */
    public Set<Long> unreached() {
        return emulator.unreached();
    }

    /** Returns the instruction at EIP, without symbol. */
    public GuestInstruction nextInstruction() {
        requireOpen();
        return emulator.next();
    }

    @Override
    public void interrupt() {
        cpu.interrupt();
        scheduler.wake();
    }

    @Override
    public void injectInterrupt(int vector) {
        if (vector < 0 || vector > 255) {
            throw new IllegalArgumentException("interrupt vector " + vector + " is not between 0 and 255");
        }
        if (!canInjectInterrupt()) {
            throw new IllegalStateException("the guest takes no external interrupt now; wait for the interrupt window");
        }
        emulator.inject(vector);
    }

    @Override
    public boolean canInjectInterrupt() {
        requireOpen();
        return emulator.canInject();
    }

    @Override
    public void setInterruptWindow(boolean wanted) {
        requireOpen();
        emulator.setInterruptWindow(wanted);
    }

    @Override
    public void setSingleStep(boolean on) {
        requireOpen();
        emulator.setSingleStep(on);
    }

    @Override
    public void setBreakpoint(OptionalLong linear) {
        requireOpen();
        emulator.setBreakpoint(linear);
    }

    @Override
    public VcpuState save() {
        requireOpen();
        return new VcpuState(
                cpu.state(),
                cpu.memory.pageDirectoryPointers(),
                FpuImage.save(cpu.fpu),
                cpu.xcr0(),
                cpu.taskPriority,
                cpu.msrs.save(),
                cpu.debug.save(),
                emulator.events(),
                emulator.progress(),
                emulator.isShutDown() ? Activity.SHUTDOWN : halted ? Activity.HALTED : Activity.ACTIVE,
                cpu.time(),
                OptionalLong.of(cpu.retired()));
    }

    @Override
    public void restore(VcpuState state) {
        setState(state.registers());
        if (!state.pageDirectoryPointers().isEmpty()) {
            cpu.memory.setPageDirectoryPointers(state.pageDirectoryPointers());
        }
        FpuImage.restore(cpu.fpu, state.fpu());
        restoreXcr0(state.xcr0());
        cpu.taskPriority = state.taskPriority();
        cpu.restoreTime(state.instructions().orElse(0), state.time());
        cpu.msrs.restore(state.msrs());
        cpu.debug.restore(state.debugRegisters());
        emulator.restore(state.events(), state.progress(), state.activity() == Activity.SHUTDOWN);
        scheduler.restore(number, cpu.retired());
        if (state.activity() == Activity.HALTED) {
            rest();
        }
    }

    /** An engine without XSAVE has saved 0; XCR0 begins with x87. */
    private void restoreXcr0(long saved) {
        if ((saved & ~(XsaveArea.X87 | XsaveArea.SSE)) != 0) {
            throw new VmmException("the emulator can't go on from this state: it lacks some of the registers of XCR0="
                    + Notation.hex(saved));
        }
        cpu.setXcr0(saved == 0 ? XsaveArea.X87 : saved);
    }

    private void rest() {
        halted = true;
        scheduler.rest(number);
    }

    @Override
    public boolean mark() {
        return emulator.mark();
    }

    @Override
    public boolean watchMemory() {
        requireOpen();
        return emulator.watchMemory();
    }

    @Override
    public boolean remember() {
        requireOpen();
        return emulator.remember();
    }

    @Override
    public boolean isBack() {
        requireOpen();
        return emulator.isBack();
    }

    @Override
    public boolean wasInterruptible() {
        requireOpen();
        return emulator.wasInterruptible();
    }

    @Override
    public void forget() {
        requireOpen();
        emulator.forget();
    }

    @Override
    public void finish() {
        scheduler.leave(number);
    }

    @Override
    public VirtualClock clock() {
        return clock;
    }

    @Override
    public Optional<StateReturn> stateReturn() {
        return Optional.of(this);
    }

    @Override
    public DebugControl debug() {
        return this;
    }

    @Override
    public Optional<ExecutionObserver> observer() {
        return observer;
    }

    /** Returns the number of instructions retired. */
    public long instructions() {
        return cpu.retired();
    }

    /** Forgets what was asked of it, for whoever restores it next. */
    void leave() {
        emulator.leave();
        clock.setAlarm(GuestClock.NEVER);
    }

    /** Refuses every further use but {@link #interrupt}, since the machine's RAM goes to another one. */
    void close() {
        closed = true;
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("vCPU " + number + " is closed");
        }
    }
}
