package dev.kvmguest.vmm;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.internal.engine.Activity;
import dev.kvmguest.vmm.internal.engine.DebugControl;
import dev.kvmguest.vmm.internal.engine.DebugRegisterState;
import dev.kvmguest.vmm.internal.engine.DeliveryLog;
import dev.kvmguest.vmm.internal.engine.EventState;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.InstructionProgress;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.engine.VirtualClock;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/** A vCPU that comes back with the exits it was given, and then runs for ever, that is until it is interrupted. */
public final class FakeVirtualCpu implements VirtualCpu {

    private final ArrayDeque<Supplier<VmExit>> script = new ArrayDeque<>();
    private final Semaphore interrupts = new Semaphore(0);
    private CpuState state = CpuState.builder().build();
    private RuntimeException stateFailure;
    private final Clock clock = new Clock();
    private ExecutionObserver observer;
    private boolean takesInterrupts;

    /** Adds an exit to the script. */
    public FakeVirtualCpu then(VmExit exit) {
        return then(() -> exit);
    }

    /** Adds an exit that is made when its turn comes. */
    public FakeVirtualCpu then(Supplier<VmExit> exit) {
        script.add(exit);
        return this;
    }

    public FakeVirtualCpu withState(CpuState registers) {
        state = registers;
        return this;
    }

    public FakeVirtualCpu failingToReadState(RuntimeException failure) {
        stateFailure = failure;
        return this;
    }

    /** Has it count the instructions that the guest has executed, and see nothing else of them. */
    public FakeVirtualCpu counting(long instructions) {
        observer = new Counter(instructions);
        return this;
    }

    /** Has it ready for an interrupt. */
    public FakeVirtualCpu takingInterrupts() {
        takesInterrupts = true;
        return this;
    }

    /** Says how many exits of the script are left. */
    public int left() {
        return script.size();
    }

    @Override
    public CpuState state() {
        if (stateFailure != null) {
            throw stateFailure;
        }
        return state;
    }

    @Override
    public void setState(CpuState registers) {
        state = registers;
    }

    @Override
    public long register(Register register) {
        return state.get(register);
    }

    @Override
    public boolean hasRegistersAtHand() {
        return true;
    }

    @Override
    public VmExit run() {
        Supplier<VmExit> next = script.poll();
        if (next == null) {
            interrupts.acquireUninterruptibly();
            return new VmExit.Interrupted();
        }
        return next.get();
    }

    @Override
    public void interrupt() {
        interrupts.release();
    }

    @Override
    public void injectInterrupt(int vector) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean canInjectInterrupt() {
        return takesInterrupts;
    }

    @Override
    public void setInterruptWindow(boolean wanted) {
        throw new UnsupportedOperationException();
    }

    @Override
    public VcpuState save() {
        return new VcpuState(
                state,
                List.of(),
                new XsaveArea(ByteBuffer.allocate(XsaveArea.MINIMUM_SIZE)),
                0,
                0,
                new TreeMap<>(),
                new DebugRegisterState(List.of(0L, 0L, 0L, 0L), 0, 0),
                EventState.NONE,
                InstructionProgress.NONE,
                Activity.ACTIVE,
                clock.time(),
                OptionalLong.empty());
    }

    @Override
    public void restore(VcpuState saved) {
        state = saved.registers();
    }

    @Override
    public void finish() {}

    @Override
    public VirtualClock clock() {
        return clock;
    }

    @Override
    public DebugControl debug() {
        // The script says what a run ends with, stepped or not.
        return new DebugControl() {
            @Override
            public void setSingleStep(boolean on) {}

            @Override
            public void setBreakpoint(OptionalLong linear) {}
        };
    }

    @Override
    public Optional<ExecutionObserver> observer() {
        return Optional.ofNullable(observer);
    }

    /** Time that passes as it is told. The script says when a run ends, so that the alarm does nothing. */
    private static final class Clock implements VirtualClock {

        private long time;

        @Override
        public long time() {
            return time;
        }

        @Override
        public void advance(long nanos) {
            time += nanos;
        }

        @Override
        public void setAlarm(long time) {}
    }

    /** Has counted, and seen nothing else. */
    private record Counter(long instructions) implements ExecutionObserver {

        @Override
        public Optional<Fault> fault() {
            return Optional.empty();
        }

        @Override
        public List<GuestInstruction> lastInstructions() {
            return List.of();
        }

        @Override
        public Seen seen() {
            return new Seen() {};
        }

        @Override
        public void goOnFrom(Seen seen) {}

        @Override
        public void watchExceptions() {}

        @Override
        public List<HandledException> exceptions() {
            return List.of();
        }

        @Override
        public DeliveryLog handlers() {
            return DeliveryLog.EMPTY;
        }

        @Override
        public SortedMap<Integer, Long> msrs() {
            return new TreeMap<>();
        }
    }
}
