package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.DebugRegisters;
import dev.kvmguest.vmm.internal.emulator.core.HostAccess.Restart;
import dev.kvmguest.vmm.internal.emulator.core.Ram;
import dev.kvmguest.vmm.internal.emulator.core.UnsupportedInstruction;
import dev.kvmguest.vmm.internal.emulator.core.WriteJournal;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Decoder;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.engine.DeliveryLog;
import dev.kvmguest.vmm.internal.engine.EventState;
import dev.kvmguest.vmm.internal.engine.EventState.PendingException;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.ExecutionPoint;
import dev.kvmguest.vmm.internal.engine.InstructionProgress;
import dev.kvmguest.vmm.internal.engine.InterruptShadow;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;

/**
 * Executes a vCPU's instructions, and between them looks at what else is due, in the manual's order (Intel SDM volume
 * 3A, 6.9, table 6-2).
 *
 * <p>Whole blocks are executed as long as nothing is due. Where something may be due after each instruction (TF is set,
 * a debug register watches code, the host steps), {@link Cpu#requestAsyncEvent} makes each block end after its first.
 */
public final class Emulator implements ExecutionObserver {

    private static final int NO_INTERRUPT = -1;
    /** Not canonical. */
    private static final long NO_BREAKPOINT = Long.MIN_VALUE;

    /**
     * A guest whose handlers fault at their first instruction retires none, and never comes to a number of them: after
     * so many exceptions whoever runs it has a look at the time.
     */
    private static final int MOST_DELIVERED_IN_VAIN = 0x1_0000;

    private final Cpu cpu;
    private final CodeCache code;

    private final Trace trace = new Trace();
    private final HandlerLog handlers;

    private InterruptShadow shadow = InterruptShadow.NONE;
    /** Bits of DR6 for a #DB that is due after the last instruction. */
    private int trap;

    /** Whether TF was set when the instruction began. */
    private boolean traced;

    /** Whether the instruction at EIP has begun already: it waits for the host, or for its next repetition. */
    private boolean begun;

    private CpuFault undelivered;
    private int deliveredInVain;
    private long retiredAtDelivery;
    /** Whether what is delivered came between two instructions, and not from the one at EIP. */
    private boolean trapped;

    private Fault fault;
    private ExceptionLog exceptions;
    private boolean stepped;
    private boolean shutDown;
    private int pendingInterrupt = NO_INTERRUPT;
    private boolean windowWanted;
    private boolean singleStep;
    private long breakpoint = NO_BREAKPOINT;
    private ExecutionPoint awaited;
    /** Where the guest may come back to; null most of the time. */
    private StateMark mark;
    /** What RAM held when it was there; null until it comes there a second time. */
    private WriteJournal journal;
    /** The state in which it was there; null until it comes there with RAM as before. */
    private StateWatch watched;

    public Emulator(Cpu cpu, Ram ram) {
        this.cpu = cpu;
        this.code = new CodeCache(cpu, ram, new Decoder(InstructionSet.operations()));
        this.handlers = new HandlerLog(cpu, trace, code::decode);
        cpu.events.setWatch(handlers);
        ram.watch(code);
    }

    /** Has the state replaced by another: what was due is no longer. */
    public void reset() {
        cpu.host.clear();
        cpu.restart = false;
        cpu.repeated = false;
        cpu.nextShadow = InterruptShadow.NONE;
        cpu.trapCancelled = false;
        cpu.trapRequested = false;
        shadow = InterruptShadow.NONE;
        trap = 0;
        begun = false;
        undelivered = null;
        stepped = false;
        shutDown = false;
        trace.clear();
        handlers.clear();
        fault = null;
        awaited = null;
        forget();
    }

    /** Returns what is due before the next instruction. */
    public EventState events() {
        Optional<PendingException> exception = Optional.ofNullable(undelivered).map(due -> due.pending(trapped));
        OptionalInt interrupt =
                pendingInterrupt == NO_INTERRUPT ? OptionalInt.empty() : OptionalInt.of(pendingInterrupt);
        return new EventState(shadow, trap, exception, interrupt);
    }

    /** Returns how far the instruction at EIP has come. */
    public InstructionProgress progress() {
        return cpu.host.progress(begun);
    }

    /** Returns whether the guest has shut down. */
    public boolean isShutDown() {
        return shutDown;
    }

    /** Sets, after {@link #reset} and all registers, what is due and how far the instruction at EIP has come. */
    public void restore(EventState events, InstructionProgress progress, boolean isShutDown) {
        shadow = events.shadow();
        trap = events.debugTraps();
        undelivered = events.exception().map(CpuFault::of).orElse(null);
        trapped = events.exception().map(PendingException::trap).orElse(false);
        pendingInterrupt = events.interrupt().orElse(NO_INTERRUPT);
        begun = progress.begun();
        cpu.host.restore(progress);
        shutDown = isShutDown;
        cpu.requestAsyncEvent();
    }

    @Override
    public long instructions() {
        return cpu.retired();
    }

    @Override
    public Optional<Fault> fault() {
        return Optional.ofNullable(fault);
    }

    @Override
    public List<GuestInstruction> lastInstructions() {
        return trace.last(cpu.retired).stream().map(CodeReader::describe).toList();
    }

    /**
     * What an emulator had seen when it was asked.
     *
     * @param trace what was executed last
     * @param handlers which handlers were entered
     * @param exceptions which exceptions were taken, if somebody watched
     */
    private record SeenSoFar(Trace trace, HandlerLog handlers, Optional<List<HandledException>> exceptions)
            implements Seen {}

    /** Forgets what a host asked for that doesn't use this vCPU any more. */
    public void leave() {
        breakpoint = NO_BREAKPOINT;
        windowWanted = false;
        singleStep = false;
        exceptions = null;
        handlers.watch(null);
        code.watch(Set.of());
        cpu.takeInterrupt();
    }

    @Override
    public Seen seen() {
        // Without a vCPU: nothing arises there, and whoever keeps it doesn't keep this machine.
        HandlerLog known = new HandlerLog(null, null, eip -> Optional.empty());
        known.restore(handlers);
        return new SeenSoFar(
                trace.copy(), known, Optional.ofNullable(exceptions).map(ExceptionLog::taken));
    }

    @Override
    public void goOnFrom(Seen seen) {
        SeenSoFar before = (SeenSoFar) seen;
        trace.restore(before.trace);
        handlers.restore(before.handlers);
        if (exceptions != null) {
            before.exceptions.ifPresent(exceptions::addAll);
        }
    }

    @Override
    public void watchExceptions() {
        exceptions = new ExceptionLog();
        handlers.watch(exceptions);
    }

    @Override
    public List<HandledException> exceptions() {
        return exceptions == null ? List.of() : exceptions.taken();
    }

    public void inject(int vector) {
        pendingInterrupt = vector;
        cpu.requestAsyncEvent();
    }

    public boolean canInject() {
        return pendingInterrupt == NO_INTERRUPT
                && cpu.eflags.has(Flag.IF)
                && shadow == InterruptShadow.NONE
                && undelivered == null
                && !shutDown;
    }

    public void setInterruptWindow(boolean wanted) {
        windowWanted = wanted;
        cpu.requestAsyncEvent();
    }

    public void setSingleStep(boolean on) {
        singleStep = on;
        stepped = false;
        cpu.requestAsyncEvent();
    }

    /** Has the run end with {@code SingleStep} before each execution of an instruction; see {@code DebugControl}. */
    public void setBreakpoint(OptionalLong linear) {
        breakpoint = linear.orElse(NO_BREAKPOINT);
        // Blocks that were decoded go past it.
        code.cutAt(breakpoint);
    }

    /** Has the run end with {@code Interrupted} at a point of execution, once. */
    public void stopAt(ExecutionPoint point) {
        awaited = point;
        cpu.requestAsyncEvent();
    }

    /** Returns whether the point given to {@link #stopAt} has not been reached yet. */
    public boolean isAwaiting() {
        return awaited != null;
    }

    /** Takes note of jumps, calls and the like to these offsets in the code segment from now on. */
    public void watch(Set<Long> places) {
        code.watch(places);
    }

    /** Returns those of the watched places that nothing has led to. */
    public Set<Long> unreached() {
        return code.unreached();
    }

    @Override
    public DeliveryLog handlers() {
        return handlers.log();
    }

    @Override
    public SortedMap<Integer, Long> msrs() {
        return cpu.msrs.save();
    }

    /** As {@link StateReturn#mark} says. */
    public boolean mark() {
        forget();
        if (!isQuiet() || singleStep) {
            return false;
        }
        mark = new StateMark(cpu);
        return true;
    }

    /** As {@link StateReturn#watchMemory} says. */
    public boolean watchMemory() {
        if (!isAtMark()) {
            return false;
        }
        journal = cpu.memory.journal();
        return true;
    }

    /** As {@link StateReturn#remember} says. */
    public boolean remember() {
        if (journal == null || !isAtMark() || !journal.isAsBefore()) {
            return false;
        }
        watched = new StateWatch(cpu, journal);
        return true;
    }

    private boolean isAtMark() {
        return mark != null && isQuiet() && mark.isHere();
    }

    /** Returns whether the next thing to do is to execute an instruction from its start. */
    private boolean isQuiet() {
        return !begun
                && undelivered == null
                && trap == 0
                && shadow == InterruptShadow.NONE
                && pendingInterrupt == NO_INTERRUPT
                && !cpu.host.hasExits()
                && !cpu.host.hasAnswers()
                && !shutDown;
    }

    /** As {@link StateReturn#isBack} says. */
    public boolean isBack() {
        return watched != null && isAtMark() && watched.isBack();
    }

    /** As {@link StateReturn#wasInterruptible} says. */
    public boolean wasInterruptible() {
        return watched != null && watched.wasInterruptible();
    }

    /** As {@link StateReturn#forget} says. */
    public void forget() {
        mark = null;
        watched = null;
        if (journal != null) {
            cpu.memory.closeJournal();
            journal = null;
        }
    }

    /** Returns the instruction at EIP. */
    public GuestInstruction next() {
        return instructionAt(cpu.eip);
    }

    /**
     * Executes until the host has something to do.
     *
     * @param end the number of retired instructions at which to stop; a block that has begun is finished
     * @return what the host has to do; null if nothing, when the end is reached
     */
    public VmExit run(long end) {
        cpu.host.resume();
        try {
            while (!shutDown) {
                // An exit comes first: a question that the host was kept from would be taken for answered.
                VmExit exit = cpu.interruptedOrMemoryChanged && !cpu.host.hasExits() ? handleHostRequest() : null;
                if (exit == null && cpu.asyncEvent) {
                    exit = handleAsyncEvent();
                }
                if (exit != null || cpu.retired >= end) {
                    return exit;
                }
                if (deliveredInVain > MOST_DELIVERED_IN_VAIN) {
                    deliveredInVain = 0;
                    return new VmExit.Interrupted();
                }
                if (!shutDown && undelivered == null) {
                    if (mark == null && breakpoint == NO_BREAKPOINT) {
                        execute(end);
                    } else if (isAtBreakpoint()) {
                        return new VmExit.SingleStep();
                    } else if (mark != null && isMarkReached()) {
                        return new VmExit.Interrupted();
                    } else {
                        executeWatched(end);
                    }
                }
            }
            return new VmExit.Shutdown();
        } catch (UnsupportedInstruction e) {
            return new VmExit.UnsupportedInstruction(e.getMessage(), code.bytesAt(cpu.eip));
        } catch (Restart e) {
            // Delivering an event reads memory without RAM: it is begun anew once that is answered.
            return cpu.host.nextExit();
        }
    }

    private VmExit handleHostRequest() {
        cpu.interruptedOrMemoryChanged = false;
        if (cpu.memoryChanged) {
            cpu.memoryChanged = false;
            code.clear();
            cpu.memory.flush();
        }
        return cpu.takeInterrupt() ? new VmExit.Interrupted() : null;
    }

    private boolean isMarkReached() {
        if (watched != null) {
            watched.look();
        }
        return mark.isReached();
    }

    private void execute(long end) {
        try {
            do {
                executeBlock();
            } while (!cpu.asyncEvent && cpu.retired < end && !cpu.interruptedOrMemoryChanged);
            if (cpu.asyncEvent) {
                finishInstruction();
            }
        } catch (CpuFault fault) {
            raise(fault);
        }
    }

    private void executeBlock() {
        Block block = code.at(cpu.eip);
        trace.add(block, cpu.retired);
        block.execute(cpu);
    }

    private boolean isAtBreakpoint() {
        return breakpoint != NO_BREAKPOINT && !begun && cpu.memory.linear(cpu.segments[Cpu.CS], cpu.eip) == breakpoint;
    }

    /** Executes likewise, but not on from where the mark or the breakpoint is. What sets IF ends it, too. */
    private void executeWatched(long end) {
        try {
            do {
                executeBlock();
            } while (!cpu.asyncEvent && cpu.retired < end && !cpu.interruptedOrMemoryChanged && !isWhereToStop());
            if (cpu.asyncEvent) {
                finishInstruction();
            }
        } catch (CpuFault fault) {
            raise(fault);
        }
    }

    private boolean isWhereToStop() {
        return mark != null && mark.isHere() || isAtBreakpoint();
    }

    /** Takes note of what the last instruction leaves to be done. */
    private void finishInstruction() {
        begun = cpu.restart;
        cpu.restart = false;
        if (begun && !cpu.repeated) {
            return;
        }
        // Traps and interrupts come after each repetition of a string instruction, as after an instruction.
        cpu.repeated = false;
        cpu.host.settle();
        shadow = cpu.nextShadow;
        cpu.nextShadow = InterruptShadow.NONE;
        if (cpu.debug.takeEntered() && trap != 0) {
            // What MOV SS has hit and what INT1 after it raises is one #DB.
            cpu.debug.raise(trap);
            trap = 0;
        }
        trap |= cpu.debug.takeHits();
        // After MOV SS no breakpoint is lost, but a single step is (volume 3A, 6.8.3, and processors).
        boolean isTraced = traced && !cpu.trapCancelled && shadow != InterruptShadow.MOV_SS;
        if (isTraced || cpu.trapRequested) {
            trap |= DebugRegisters.DR6_BS;
        }
        cpu.trapCancelled = false;
        cpu.trapRequested = false;
        stepped |= !begun;
        CpuFault after = cpu.takeFaultAfter();
        if (after != null) {
            undelivered = after;
            trapped = true;
            trap = 0;
        }
    }

    private void raise(CpuFault fault) {
        cpu.host.clear();
        cpu.restart = false;
        cpu.repeated = false;
        cpu.nextShadow = InterruptShadow.NONE;
        cpu.debug.takeHits();
        cpu.trapCancelled = false;
        cpu.trapRequested = false;
        shadow = InterruptShadow.NONE;
        trap = 0;
        begun = false;
        undelivered = fault;
        trapped = false;
        cpu.requestAsyncEvent();
    }

    /** Looks at what is due before the next instruction, and whether something will be after it. */
    private VmExit handleAsyncEvent() {
        VmExit exit = cpu.host.nextExit();
        // An interrupt that has come meanwhile ends the wait for it.
        boolean woken = exit instanceof VmExit.Halt && pendingInterrupt != NO_INTERRUPT && cpu.eflags.has(Flag.IF);
        if (exit != null && !woken) {
            return exit;
        }
        if (undelivered != null) {
            deliveredInVain = cpu.retired == retiredAtDelivery ? deliveredInVain + 1 : 0;
            retiredAtDelivery = cpu.retired;
            shutDown = !cpu.events.deliver(undelivered);
            if (shutDown) {
                fault = describe(false, undelivered.reason());
            }
            undelivered = null;
            cpu.host.settle();
            stepped = true;
            if (raisesTaskTrap()) {
                return null;
            }
        } else if (trap != 0 && shadow != InterruptShadow.MOV_SS) {
            leaveBegun();
            cpu.debug.raise(trap);
            trap = 0;
            trapped = true;
            undelivered = CpuFault.of(Vector.DB);
            return null;
        }
        if (shutDown) {
            return null;
        }
        if (singleStep && stepped) {
            stepped = false;
            return new VmExit.SingleStep();
        }
        if (awaited != null && isAt(awaited)) {
            if (awaited.interruptible()) {
                // An engine was given an interrupt here. Not all of them let an STI hold it back as they should.
                shadow = InterruptShadow.NONE;
            }
            awaited = null;
            return new VmExit.Interrupted();
        }
        // What the host has answered is not to be asked for twice: that instruction comes to its end first.
        if (cpu.eflags.has(Flag.IF) && shadow == InterruptShadow.NONE && !cpu.host.hasAnswers()) {
            if (pendingInterrupt != NO_INTERRUPT) {
                leaveBegun();
                shutDown = !cpu.events.interrupt(pendingInterrupt);
                if (shutDown) {
                    trapped = true;
                    fault = describe(true, null);
                }
                pendingInterrupt = NO_INTERRUPT;
                cpu.host.settle();
                if (raisesTaskTrap()) {
                    return null;
                }
            } else if (windowWanted) {
                return new VmExit.InterruptWindow();
            }
        }
        int hits = cpu.debug.watchesCode() && !begun && !cpu.eflags.has(Flag.RF) && shadow != InterruptShadow.MOV_SS
                ? cpu.debug.codeHits(cpu.memory.linear(cpu.segments[Cpu.CS], cpu.eip))
                : 0;
        if (hits != 0) {
            cpu.debug.raise(hits);
            undelivered = CpuFault.of(Vector.DB);
            return null;
        }
        begun = false;
        cpu.eflags.put(Flag.RF, false);
        traced = cpu.eflags.has(Flag.TF);
        cpu.asyncEvent = traced
                || singleStep
                || awaited != null
                || shadow != InterruptShadow.NONE
                || cpu.debug.watchesCode()
                || cpu.debug.watchesData()
                || cpu.host.hasAnswers();
        return null;
    }

    /** Raises the trap before the first instruction of a task that a task gate has led to, if its TSS wants one. */
    private boolean raisesTaskTrap() {
        if (shutDown || !cpu.debug.takeTaskEntered()) {
            return false;
        }
        cpu.debug.raise(DebugRegisters.DR6_BT);
        trapped = true;
        undelivered = CpuFault.of(Vector.DB);
        return true;
    }

    private Fault describe(boolean interrupt, String firstCause) {
        Optional<Instruction> at = code.decode(cpu.eip);
        List<Instruction> last = new ArrayList<>(trace.last(cpu.retired));
        if (!trapped) {
            at.ifPresent(last::add);
        }
        if (last.size() > Trace.INSTRUCTIONS) {
            last.remove(0);
        }
        return FaultDescription.of(
                instructionAt(cpu.eip), cpu.events.failures(), interrupt, firstCause, last, cpu.state());
    }

    private GuestInstruction instructionAt(long eip) {
        return code.decode(eip).map(CodeReader::describe).orElseGet(() -> CodeReader.unread(eip));
    }

    /**
     * What is left between two repetitions has had its breakpoint: RF says so to the handler's IRET (volume 3B,
     * 17.3.1.1).
     */
    private void leaveBegun() {
        if (begun) {
            cpu.eflags.put(Flag.RF, true);
            begun = false;
        }
    }

    private boolean isAt(ExecutionPoint point) {
        if (cpu.eip != point.eip()
                || cpu.eflags.has(Flag.IF) != point.interruptible()
                || point.retired() != ExecutionPoint.NOT_COUNTED && point.retired() != cpu.retired) {
            return false;
        }
        long[] general = point.general();
        for (int i = 0; i < general.length; i++) {
            if (cpu.registers.gpr[i] != general[i]) {
                return false;
            }
        }
        return true;
    }
}
