package dev.kvmguest.vmm.internal.emulator.isa.x87;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatFormat;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatUnit;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.Real;

/**
 * The x87 register stack, and exceptions: what an instruction does if one is masked, and that it changes nothing if one
 * is not that comes before the result (Intel SDM volume 1, 8.5 to 8.7).
 */
final class X87Stack {

    private static final int BEFORE_RESULT = FpuState.INVALID | FpuState.DENORMAL | FpuState.ZERO_DIVIDE;
    private static final int PRECISION_SHIFT = 8;
    private static final int ROUNDING_SHIFT = 10;
    private static final int[] PRECISIONS = {24, 64, 53, 64};

    private X87Stack() {}

    /** Returns a unit for a register that rounds as the control word says. */
    static FloatUnit unit(FpuState fpu) {
        return unit(fpu, PRECISIONS[fpu.control() >> PRECISION_SHIFT & 3]);
    }

    /** Returns a unit for a register that rounds to 64 bits, whatever the precision control says. */
    static FloatUnit fullUnit(FpuState fpu) {
        return unit(fpu, FloatFormat.EXTENDED.precision);
    }

    /** Returns a unit that cuts to integers, whatever the control word says. */
    static FloatUnit truncatingUnit() {
        return new FloatUnit(FloatFormat.EXTENDED, FloatFormat.EXTENDED.precision, FloatUnit.TRUNCATE);
    }

    private static FloatUnit unit(FpuState fpu, int precision) {
        return new FloatUnit(FloatFormat.EXTENDED, precision, rounding(fpu)).adjusting(~fpu.control());
    }

    /** Returns a unit that rounds to the format of a number in memory. */
    static FloatUnit storeUnit(FpuState fpu, FloatFormat format) {
        return new FloatUnit(format, format.precision, rounding(fpu));
    }

    private static int rounding(FpuState fpu) {
        return fpu.control() >> ROUNDING_SHIFT & 3;
    }

    /** Notes where the instruction and its memory operand are; to be called when nothing can fault any more. */
    static void notePointers(Cpu cpu, Instruction i) {
        cpu.fpu.setInstructionPointer(cpu.segments[Cpu.CS].selector(), i.eip);
        Operand operand = i.op0 != null && i.op0.isMemory() ? i.op0 : i.op1;
        if (operand != null && operand.isMemory()) {
            cpu.fpu.setDataPointer(cpu.segments[operand.segment].selector(), operand.offset(cpu));
        }
    }

    static Real get(FpuState fpu, int i) {
        return Real.ofExtended(fpu.signExponent(i), fpu.significand(i));
    }

    static void set(FpuState fpu, int i, Real value) {
        fpu.setRegister(i, value.extendedSignExponent(), value.extendedSignificand());
    }

    static void push(FpuState fpu, Real value) {
        fpu.setTop(fpu.top() - 1);
        set(fpu, 0, value);
    }

    static void pop(FpuState fpu) {
        fpu.free(0);
        fpu.setTop(fpu.top() + 1);
    }

    /**
     * Makes room for a push.
     *
     * @return false if there is none: a stack overflow, which has been dealt with
     */
    static boolean canPush(FpuState fpu) {
        if (fpu.isEmpty(7)) {
            return true;
        }
        if (overflow(fpu)) {
            push(fpu, Real.INDEFINITE);
        }
        return false;
    }

    /**
     * Notes a stack overflow: the register that is to be pushed to isn't empty.
     *
     * @return whether the masked response is to be given
     */
    static boolean overflow(FpuState fpu) {
        fpu.raise(FpuState.INVALID | FpuState.STACK_FAULT);
        fpu.setConditions(FpuState.C1, FpuState.C1);
        return isMasked(fpu, FpuState.INVALID);
    }

    /**
     * Notes a stack underflow: a register that is read is empty.
     *
     * @return whether the masked response is to be given
     */
    static boolean underflow(FpuState fpu) {
        fpu.raise(FpuState.INVALID | FpuState.STACK_FAULT);
        fpu.setConditions(FpuState.C1, 0);
        return isMasked(fpu, FpuState.INVALID);
    }

    /** Raises stack underflow for ST(0) alone, which is the indefinite number after it if that is masked. */
    static void fillAfterUnderflow(FpuState fpu) {
        if (underflow(fpu)) {
            set(fpu, 0, Real.INDEFINITE);
        }
    }

    /**
     * Notes what a computation has raised.
     *
     * @return false if there must be no result
     */
    static boolean accept(FpuState fpu, FloatUnit unit) {
        int flags = unit.flags();
        if (!isMasked(fpu, flags & BEFORE_RESULT)) {
            fpu.raise(flags & BEFORE_RESULT);
            fpu.setConditions(FpuState.C1, 0);
            return false;
        }
        fpu.raise(flags);
        fpu.setConditions(FpuState.C1, unit.roundedUp() ? FpuState.C1 : 0);
        return true;
    }

    /**
     * Notes what rounding to a number in memory has raised.
     *
     * @return false if nothing must be stored
     */
    static boolean acceptStore(FpuState fpu, FloatUnit unit) {
        int unmasked = ~fpu.control() & (FpuState.OVERFLOW | FpuState.UNDERFLOW);
        int beyond = unit.flags() & FpuState.OVERFLOW | (unit.isTiny() ? FpuState.UNDERFLOW : 0);
        if ((beyond & unmasked) == 0) {
            return accept(fpu, unit);
        }
        fpu.raise(beyond);
        fpu.setConditions(FpuState.C1, 0);
        return false;
    }

    private static boolean isMasked(FpuState fpu, int exceptions) {
        return (exceptions & ~fpu.control()) == 0;
    }

    /** Returns what two operands give of which at least one is NaN or unsupported (volume 1, table 4-7). */
    static Real nan(FloatUnit unit, Real a, Real b) {
        if (a.isInvalid() || b.isInvalid()) {
            unit.raise(FpuState.INVALID);
        }
        if (a.kind() == Real.Kind.UNSUPPORTED || b.kind() == Real.Kind.UNSUPPORTED) {
            return Real.INDEFINITE;
        }
        if (!a.isNan() || !b.isNan()) {
            return (a.isNan() ? a : b).quiet();
        }
        if (a.kind() != b.kind()) {
            return a.kind() == Real.Kind.QUIET_NAN ? a : b;
        }
        int larger = Long.compareUnsigned(a.significand(), b.significand());
        boolean first = larger > 0 || larger == 0 && !a.negative();
        return (first ? a : b).quiet();
    }

    /** Returns whether an operand needs {@link #nan}. */
    static boolean isNan(Real a) {
        return a.isNan() || a.kind() == Real.Kind.UNSUPPORTED;
    }
}
