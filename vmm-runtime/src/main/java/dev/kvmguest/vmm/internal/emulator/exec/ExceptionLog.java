package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.internal.emulator.core.ExceptionWatch;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.LongFunction;

/** The first exceptions that a guest took. */
final class ExceptionLog implements ExceptionWatch {

    /** More than a test would list, and little memory for a guest that takes one after the other. */
    static final int MOST = 1000;

    private final LongFunction<GuestInstruction> instructions;
    private final List<HandledException> taken = new ArrayList<>();
    private GuestInstruction at;

    /** Makes an empty log; {@code instructions} gives the instruction at an EIP. */
    ExceptionLog(LongFunction<GuestInstruction> instructions) {
        this.instructions = instructions;
    }

    @Override
    public void arises(long eip) {
        if (taken.size() < MOST) {
            at = instructions.apply(eip);
        }
    }

    @Override
    public void isTaken(int vector, boolean hasErrorCode, int errorCode, long cr2, String cause) {
        if (taken.size() < MOST) {
            Fault.Event exception = new Fault.Event(
                    vector,
                    hasErrorCode ? OptionalInt.of(errorCode) : OptionalInt.empty(),
                    vector == Vector.PF.number() ? OptionalLong.of(cr2) : OptionalLong.empty(),
                    Optional.ofNullable(cause));
            taken.add(new HandledException(exception, at));
        }
    }

    /** Returns the exceptions in their order. */
    List<HandledException> taken() {
        return List.copyOf(taken);
    }
}
