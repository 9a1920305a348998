package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.engine.EventState.PendingException;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * An exception that the guest gets. It is thrown to leave the instruction that caused it, often in working guests too,
 * and has no stack trace.
 */
public final class CpuFault extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final Vector vector;
    private final int errorCode;
    private final long cr2;
    private final String reason;

    private CpuFault(Vector vector, int errorCode, long cr2, String reason) {
        super(null, null, false, false);
        this.vector = vector;
        this.errorCode = errorCode;
        this.cr2 = cr2;
        this.reason = reason;
    }

    /** An exception without an error code. */
    public static CpuFault of(Vector vector) {
        return new CpuFault(vector, 0, 0, null);
    }

    /** An exception with this error code. */
    public static CpuFault of(Vector vector, int errorCode) {
        return new CpuFault(vector, errorCode, 0, null);
    }

    /** An exception whose error code is a selector: its index and TI bits. */
    public static CpuFault selector(Vector vector, int selector) {
        return selector(vector, selector, 0);
    }

    /**
     * An exception whose error code is a selector.
     *
     * @param ext {@link Selector#EXTERNAL} if the event that is being delivered is no software interrupt, else 0
     */
    public static CpuFault selector(Vector vector, int selector, int ext) {
        return of(vector, selector & Selector.WITHOUT_RPL | ext);
    }

    /**
     * An exception whose error code is an index into the IDT.
     *
     * @param index of the gate, 0 to 255
     * @param ext {@link Selector#EXTERNAL} if the event that is being delivered is no software interrupt, else 0
     */
    public static CpuFault gate(Vector vector, int index, int ext) {
        return of(vector, index << 3 | Selector.IN_IDT | ext);
    }

    /** Returns this exception with words that say which check failed. */
    public CpuFault because(String why) {
        return new CpuFault(vector, errorCode, cr2, why);
    }

    /** The exception that a saved vCPU was about to take. */
    public static CpuFault of(PendingException pending) {
        return new CpuFault(
                Vector.of(pending.vector()),
                pending.errorCode().orElse(0),
                pending.address().orElse(0),
                pending.reason().orElse(null));
    }

    /**
     * Returns this exception as a vCPU is saved with it; {@code trap} says whether it came between two instructions.
     */
    public PendingException pending(boolean trap) {
        return new PendingException(
                vector.number(),
                vector.hasErrorCode() ? OptionalInt.of(errorCode) : OptionalInt.empty(),
                vector == Vector.PF ? OptionalLong.of(cr2) : OptionalLong.empty(),
                trap,
                Optional.ofNullable(reason));
    }

    /** #GP(0). */
    public static CpuFault generalProtection() {
        return of(Vector.GP);
    }

    /** #UD. */
    public static CpuFault invalidOpcode() {
        return of(Vector.UD);
    }

    /**
     * A page fault.
     *
     * @param errorCode P, W/R, U/S, RSVD, I/D (Intel SDM volume 3A, 4.7)
     * @param address the linear address, which goes into CR2
     */
    public static CpuFault page(int errorCode, long address) {
        return new CpuFault(Vector.PF, errorCode, address, null);
    }

    public Vector vector() {
        return vector;
    }

    /** Returns the error code, 0 if the vector has none. */
    public int errorCode() {
        return errorCode;
    }

    /** Returns the linear address of a page fault. */
    public long cr2() {
        return cr2;
    }

    /** Returns which check failed, in words, such as "the segment is not present"; null if unknown. */
    public String reason() {
        return reason;
    }

    @Override
    public String getMessage() {
        return vector.text() + (vector.hasErrorCode() ? "(0x" + Integer.toHexString(errorCode) + ")" : "");
    }
}
