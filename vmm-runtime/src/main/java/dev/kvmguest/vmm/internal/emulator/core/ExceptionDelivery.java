package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.TakenEvent.Kind;
import dev.kvmguest.vmm.internal.x86.Vector;
import dev.kvmguest.vmm.internal.x86.Vector.Combination;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Delivers exceptions and interrupts through the IVT or the IDT (Intel SDM volume 3A, chapter 6). */
public final class ExceptionDelivery {

    /** #AC and #PF can follow from each other's delivery without end, as on a real processor, which hangs then. */
    private static final int MOST_FAILURES = 16;

    /**
     * Exceptions that have an instruction to raise them. If one of these can't be delivered, the guest gets another
     * exception, which doesn't show what it began with.
     */
    private static final Map<Integer, String> ON_PURPOSE = Map.of(
            Vector.DB.number(), "#DB (debug exception, INT1)",
            Vector.BP.number(), "#BP (breakpoint, INT3)",
            Vector.OF.number(), "#OF (overflow, INTO)");

    private final Cpu cpu;
    private final HandlerEntry handlers;
    private final List<DeliveryFailure> failures = new ArrayList<>();
    private ExceptionWatch watch = ExceptionWatch.NONE;

    public ExceptionDelivery(Cpu cpu) {
        this.cpu = cpu;
        this.handlers = new HandlerEntry(cpu);
    }

    /** Reports what is delivered, and each IRET, to a watch from now on, instead of to the one before. */
    public void setWatch(ExceptionWatch watcher) {
        watch = watcher;
    }

    /**
     * Delivers an exception that an instruction has raised; EIP is that to be pushed. Exceptions on the way become
     * another one or a double fault. If a handler is entered, all registers but CR2 that aren't its concern are as they
     * were; if none is, all are.
     *
     * @return false if it ended in a triple fault
     */
    public boolean deliver(CpuFault fault) {
        forget();
        return deliverAny(fault, fault.reason());
    }

    /**
     * Delivers an external interrupt.
     *
     * @return false if it ended in a triple fault
     */
    public boolean interrupt(int vector) {
        forget();
        watch.arises(Kind.INTERRUPT, cpu.eip);
        Optional<CpuFault> second = enter(Event.interrupt(vector, cpu.eip));
        if (second.isEmpty()) {
            watch.isTaken(vector, false, 0, 0, null);
            return true;
        }
        failures.add(new DeliveryFailure(vector, false, 0, 0, second.get()));
        return deliverAny(second.get(), second.get().reason());
    }

    /**
     * Enters the handler of INT n, INT3 or INTO, if the gate lets the privilege level in. TF doesn't trap after it.
     *
     * @param vector 0 to 255
     * @param eip the EIP of the instruction
     * @param returnEip the EIP of the next instruction
     * @throws CpuFault if it can't be entered
     */
    public void software(int vector, long eip, long returnEip) {
        // The others are what a program calls its kernel by, whatever their number.
        boolean exception = vector == Vector.BP.number() || vector == Vector.OF.number();
        watch.arises(exception ? Kind.EXCEPTION : Kind.SOFTWARE, eip);
        enterOnPurpose(Event.software(vector, returnEip), exception);
        watch.isTaken(vector, false, 0, 0, null);
        cpu.cancelTrap();
    }

    /**
     * Enters the handler of #DB for INT1: no gate keeps it out (volume 2, INT n).
     *
     * @param eip the EIP of the instruction
     * @param returnEip the EIP of the next instruction
     * @throws CpuFault if it can't be entered
     */
    public void privilegedSoftware(long eip, long returnEip) {
        watch.arises(Kind.EXCEPTION, eip);
        enterOnPurpose(Event.interrupt(Vector.DB.number(), returnEip), true);
        watch.isTaken(Vector.DB.number(), false, 0, 0, null);
        cpu.debug.entered();
        cpu.cancelTrap();
    }

    /** Enters the handler of an event that an instruction is there to raise; if that fails, says of which exception. */
    private void enterOnPurpose(Event event, boolean exception) {
        try {
            handlers.enter(event).ifPresent(cpu::raiseAfter);
        } catch (CpuFault failure) {
            throw exception
                    ? failure.because(ON_PURPOSE.get(event.vector()) + " could not be delivered"
                            + (failure.reason() == null ? "" : ": " + failure.reason()))
                    : failure;
        }
    }

    /**
     * To be called when IRET has returned.
     *
     * @param frame the linear address that it read the return address from; that of no frame if it switched tasks
     */
    public void returned(long frame) {
        watch.returns(frame);
    }

    /**
     * Returns the events of the last delivery whose handlers could not be entered, the first one first: after a triple
     * fault all that led to it, and nothing after an event that went well.
     */
    public List<DeliveryFailure> failures() {
        return List.copyOf(failures);
    }

    private boolean deliverAny(CpuFault fault, String firstCause) {
        CpuFault first = fault;
        String cause = firstCause;
        watch.arises(Kind.EXCEPTION, cpu.eip);
        while (true) {
            if (first.vector() == Vector.PF) {
                cpu.setCr2(first.cr2());
            }
            boolean hasErrorCode = cpu.isProtected() && first.vector().hasErrorCode();
            Optional<CpuFault> failure = enter(Event.exception(first, cpu.eip));
            if (failure.isEmpty()) {
                watch.isTaken(first.vector().number(), hasErrorCode, first.errorCode(), first.cr2(), cause);
                return true;
            }
            CpuFault second = failure.get();
            failures.add(
                    new DeliveryFailure(first.vector().number(), hasErrorCode, first.errorCode(), first.cr2(), second));
            if (second.vector() == Vector.PF) {
                cpu.setCr2(second.cr2());
            }
            Combination both =
                    combine(first.vector().combination(), second.vector().combination());
            if (both == null) {
                handlers.leftTask().ifPresent(this::goBack);
                return false;
            }
            cause = second.reason();
            first = both == Combination.DOUBLE_FAULT ? CpuFault.of(Vector.DF) : second;
            if (failures.size() == MOST_FAILURES) {
                throw new UnsupportedInstruction("exceptions whose delivery raises each other without end");
            }
        }
    }

    private void forget() {
        failures.clear();
        handlers.forgetTask();
    }

    /** After a triple fault, returns to what the guest was like before a task was entered that can't begin. */
    private void goBack(CpuState before) {
        cpu.setState(before.with(state -> state.set(Register.CR2, cpu.cr2())));
    }

    /** Enters a handler; returns what keeps it from that, or the handler's task from its first instruction. */
    private Optional<CpuFault> enter(Event event) {
        try {
            return handlers.enter(event);
        } catch (CpuFault fault) {
            return Optional.of(fault);
        }
    }

    /**
     * Returns what follows from two exceptions (volume 3A, table 6-5): a double fault, the second one, or the end:
     * null.
     */
    private static Combination combine(Combination first, Combination second) {
        boolean secondCounts = second == Combination.CONTRIBUTORY || second == Combination.PAGE_FAULT;
        return switch (first) {
            case DOUBLE_FAULT -> secondCounts ? null : second;
            case PAGE_FAULT -> secondCounts ? Combination.DOUBLE_FAULT : second;
            case CONTRIBUTORY -> second == Combination.CONTRIBUTORY ? Combination.DOUBLE_FAULT : second;
            case BENIGN -> second;
        };
    }
}
