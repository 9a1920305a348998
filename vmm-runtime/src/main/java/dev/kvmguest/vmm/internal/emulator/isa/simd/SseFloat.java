package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatFormat;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatUnit;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.Real;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * What an SSE instruction computes with: rounding and denormals as MXCSR says, and the exceptions of all its lanes
 * (Intel SDM volume 1, 10.2.3, 11.5 and appendix E).
 */
final class SseFloat {

    private static final int DENORMALS_ARE_ZEROS = 1 << 6;
    private static final int MASKS_SHIFT = 7;
    private static final int ROUNDING_SHIFT = 13;
    private static final int FLUSH_TO_ZERO = 1 << 15;
    private static final int BEFORE_RESULT = FpuState.INVALID | FpuState.DENORMAL | FpuState.ZERO_DIVIDE;

    /** All exceptions masked, rounding to nearest, nothing flushed, and inexact results noted already. */
    private static final int PLAIN = 0x1f80 | FpuState.PRECISION;

    private static final int PLAIN_MASK = 0xffe0;

    private final Cpu cpu;
    private final int mxcsr;
    private int flags;

    SseFloat(Cpu cpu) {
        this.cpu = cpu;
        this.mxcsr = cpu.fpu.mxcsr();
    }

    /** Returns whether an operation on normal numbers with a normal result has nothing to report. */
    boolean isPlain() {
        return (mxcsr & PLAIN_MASK) == PLAIN;
    }

    FloatUnit unit(FloatFormat format) {
        return unit(format, mxcsr >> ROUNDING_SHIFT & 3);
    }

    FloatUnit unit(FloatFormat format, int rounding) {
        // Of a result whose overflow or underflow isn't masked, precision is lost only if no exponent could help it.
        return new FloatUnit(format, format.precision, rounding).adjusting(~(mxcsr >> MASKS_SHIFT));
    }

    /** Unpacks an operand; a denormal is 0 if MXCSR.DAZ says so. */
    Real operand(FloatFormat format, long bits) {
        Real value = Real.of(format, bits);
        return value.denormal() && (mxcsr & DENORMALS_ARE_ZEROS) != 0 ? Real.zero(value.negative()) : value;
    }

    /** Packs a result, and notes what it has raised. */
    long result(FloatFormat format, FloatUnit unit, Real result) {
        int raised = unit.flags();
        if (unit.isTiny()) {
            if (!isMasked(FpuState.UNDERFLOW)) {
                raised |= FpuState.UNDERFLOW;
            } else if ((mxcsr & FLUSH_TO_ZERO) != 0) {
                flags |= raised | FpuState.UNDERFLOW | FpuState.PRECISION;
                return Real.zero(result.negative()).bits(format);
            }
        }
        flags |= raised;
        return result.bits(format);
    }

    /** Notes what an operation without a packed result has raised. */
    void note(FloatUnit unit) {
        note(unit.flags());
    }

    /** Notes exceptions. */
    void note(int exceptions) {
        flags |= exceptions;
    }

    /** Returns what two operands give of which at least one is NaN: the first that is (volume 1, table 4-7). */
    static Real nan(FloatUnit unit, Real a, Real b) {
        if (a.isInvalid() || b.isInvalid()) {
            unit.raise(FpuState.INVALID);
        }
        return (a.isNan() ? a : b).quiet();
    }

    /**
     * Notes in MXCSR what has been raised. To be called before anything is written.
     *
     * @throws CpuFault #XM, or #UD if the system doesn't handle that, if an exception isn't masked
     */
    void finish() {
        int before = flags & BEFORE_RESULT;
        // Results are not computed if an operand of any lane forbids it.
        int raised = isMasked(before) ? flags : before;
        cpu.fpu.setMxcsr(mxcsr | raised);
        if (!isMasked(raised)) {
            throw (cpu.cr4() & Cr4.OSXMMEXCPT) != 0 ? CpuFault.of(Vector.XM) : CpuFault.invalidOpcode();
        }
    }

    private boolean isMasked(int exceptions) {
        return (exceptions & ~(mxcsr >> MASKS_SHIFT)) == 0;
    }
}
