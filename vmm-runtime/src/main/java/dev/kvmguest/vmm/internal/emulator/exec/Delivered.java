package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.TakenEvent.Kind;
import dev.kvmguest.vmm.internal.emulator.core.RegisterCopy;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.engine.Delivery;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** Something that is delivered, or was: what the guest was like, and then which handler it entered. */
final class Delivered {

    final Kind kind;
    final long eip;
    /** The linear address of the top of the stack before. */
    final long stack;
    /** The privilege level that was interrupted. */
    final int level;

    final long retired;
    /** The registers before; null for INT n. */
    final RegisterCopy registers;
    /** The instruction that raised an exception; null for others, and if it could not be fetched. */
    private final Instruction at;

    /** What was executed before; null for INT n, and for interrupts that are no exception's vector. */
    Trace trace;

    int vector;
    long handler;
    /** The linear address of the return address pushed; {@link Delivery#NO_FRAME} after a task switch. */
    long frame;
    /** Where the processor's frame ends; on the stack that was interrupted, what the top was. */
    long end;
    /** The handler that this one interrupted, and that is to go on after it; null if there is none. */
    Delivered outer;
    /** How many handlers wait for this one, itself included. */
    int depth;
    /** Where an exception arose; null for others. */
    ExceptionPlace place;
    /** The place that an interrupt came back to, before the instruction there was executed; null for others. */
    ExceptionPlace awaited;

    private boolean hasErrorCode;
    private int errorCode;
    private long cr2;
    private String cause;

    Delivered(Kind kind, long eip, long stack, int level, long retired, RegisterCopy registers, Instruction at) {
        this.kind = kind;
        this.eip = eip;
        this.stack = stack;
        this.level = level;
        this.retired = retired;
        this.registers = registers;
        this.at = at;
    }

    /** Returns a copy that doesn't refer to others yet. */
    Delivered alone() {
        Delivered copy = new Delivered(kind, eip, stack, level, retired, registers, at);
        copy.trace = trace;
        copy.vector = vector;
        copy.handler = handler;
        copy.frame = frame;
        copy.end = end;
        copy.depth = depth;
        copy.hasErrorCode = hasErrorCode;
        copy.errorCode = errorCode;
        copy.cr2 = cr2;
        copy.cause = cause;
        return copy;
    }

    /** Takes note of which it is. */
    void is(int number, boolean withErrorCode, int code, long address, String why) {
        vector = number;
        hasErrorCode = withErrorCode;
        errorCode = code;
        cr2 = address;
        cause = why;
    }

    long cr2() {
        return cr2;
    }

    /** Returns which it is, as reports have it. */
    Fault.Event event() {
        boolean pageFault = kind == Kind.EXCEPTION && Vector.PF.is(vector);
        return new Fault.Event(
                vector,
                hasErrorCode ? OptionalInt.of(errorCode) : OptionalInt.empty(),
                pageFault ? OptionalLong.of(cr2) : OptionalLong.empty(),
                Optional.ofNullable(cause),
                kind == Kind.INTERRUPT);
    }

    /** Returns the instruction that raised it, as reports have it. */
    GuestInstruction instruction() {
        return at == null ? CodeReader.unread(eip) : CodeReader.describe(at);
    }

    /** Returns what others read; {@code times} and {@code finished} as there. */
    Delivery delivery(long times, long finished) {
        return new Delivery(
                kind,
                event(),
                instruction(),
                Optional.ofNullable(registers).map(copy -> copy.state(eip)),
                last(),
                handler,
                frame,
                end,
                retired,
                times,
                finished);
    }

    private List<GuestInstruction> last() {
        if (trace == null) {
            return List.of();
        }
        return trace.last(retired).stream().map(CodeReader::describe).toList();
    }
}
