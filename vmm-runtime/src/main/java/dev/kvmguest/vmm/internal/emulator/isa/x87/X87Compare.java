package dev.kvmguest.vmm.internal.emulator.isa.x87;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.FloatUnit;
import dev.kvmguest.vmm.internal.emulator.isa.softfloat.Real;
import dev.kvmguest.vmm.internal.x86.Flag;

/**
 * x87 comparisons and classification (Intel SDM volume 1, 8.3.6). As processors do, a comparison sets condition codes
 * or flags even if an exception isn't masked; it doesn't pop the stack then.
 */
final class X87Compare {

    private static final int UNORDERED = FpuState.C3 | FpuState.C2 | FpuState.C0;

    private static final int REFUSED = 1 << 16;

    private X87Compare() {}

    static void install(OperationTable table) {
        table.put(Mnemonic.FCOM, toStatus(false, 0))
                .put(Mnemonic.FCOMP, toStatus(false, 1))
                .put(Mnemonic.FCOMPP, toStatus(false, 2))
                .put(Mnemonic.FICOM, toStatus(false, 0))
                .put(Mnemonic.FICOMP, toStatus(false, 1))
                .put(Mnemonic.FTST, toStatus(false, 0))
                .put(Mnemonic.FUCOM, toStatus(true, 0))
                .put(Mnemonic.FUCOMP, toStatus(true, 1))
                .put(Mnemonic.FUCOMPP, toStatus(true, 2))
                .put(Mnemonic.FCOMI, toFlags(false, 0))
                .put(Mnemonic.FCOMIP, toFlags(false, 1))
                .put(Mnemonic.FUCOMI, toFlags(true, 0))
                .put(Mnemonic.FUCOMIP, toFlags(true, 1))
                .put(Mnemonic.FXAM, X87Compare::fxam);
    }

    private static Operation toStatus(boolean quiet, int pops) {
        return (cpu, i) -> {
            int conditions = compare(cpu, i, quiet);
            cpu.fpu.setConditions(UNORDERED, conditions & UNORDERED);
            if (!isRefused(conditions)) {
                pop(cpu.fpu, pops);
            }
        };
    }

    private static Operation toFlags(boolean quiet, int pops) {
        return (cpu, i) -> {
            int before = cpu.fpu.status() & FpuState.C1;
            int conditions = compare(cpu, i, quiet);
            // C1 is the stack fault's alone here.
            if (!cpu.fpu.isEmpty(0) && !cpu.fpu.isEmpty(i.op1.number)) {
                cpu.fpu.setConditions(FpuState.C1, before);
            }
            cpu.eflags.setArithmetic(((conditions & FpuState.C3) != 0 ? Flag.ZF : 0)
                    | ((conditions & FpuState.C2) != 0 ? Flag.PF : 0)
                    | ((conditions & FpuState.C0) != 0 ? Flag.CF : 0));
            if (!isRefused(conditions)) {
                pop(cpu.fpu, pops);
            }
        };
    }

    private static boolean isRefused(int conditions) {
        return (conditions & REFUSED) != 0;
    }

    private static void pop(FpuState fpu, int pops) {
        for (int n = 0; n < pops; n++) {
            X87Stack.pop(fpu);
        }
    }

    /**
     * Compares ST(0) with the source.
     *
     * @param quiet whether quiet NaNs are no invalid operation
     * @return C3, C2 and C0; and {@link #REFUSED} if there is an exception that isn't masked
     */
    private static int compare(Cpu cpu, Instruction i, boolean quiet) {
        FpuChecks.requireX87Ready(cpu);
        FpuState fpu = cpu.fpu;
        boolean memory = i.op0 != null && i.op0.isMemory();
        Real operand = memory ? X87Arithmetic.readMemory(cpu, i) : null;
        X87Stack.notePointers(cpu, i);
        int other = sourceRegister(i);
        boolean test = i.mnemonic == Mnemonic.FTST;
        if (fpu.isEmpty(0) || !memory && !test && fpu.isEmpty(other)) {
            return X87Stack.underflow(fpu) ? UNORDERED : UNORDERED | REFUSED;
        }
        Real a = X87Stack.get(fpu, 0);
        Real b = memory ? operand : test ? Real.zero(false) : X87Stack.get(fpu, other);
        FloatUnit unit = X87Stack.unit(fpu);
        int conditions = UNORDERED;
        if (X87Stack.isNan(a) || X87Stack.isNan(b)) {
            if (!quiet || a.isInvalid() || b.isInvalid()) {
                unit.raise(FpuState.INVALID);
            }
        } else {
            int order = unit.compare(a, b);
            conditions = order > 0 ? 0 : order == 0 ? FpuState.C3 : FpuState.C0;
        }
        return X87Stack.accept(fpu, unit) ? conditions : conditions | REFUSED;
    }

    /** FCOMPP and the like have no operand, and mean ST(1). */
    private static int sourceRegister(Instruction i) {
        if (i.op0 == null) {
            return 1;
        }
        return i.op1 == null ? i.op0.number : i.op1.number;
    }

    private static void fxam(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        X87Stack.notePointers(cpu, i);
        FpuState fpu = cpu.fpu;
        Real value = X87Stack.get(fpu, 0);
        int kind;
        if (fpu.isEmpty(0)) {
            kind = FpuState.C3 | FpuState.C0;
        } else if (value.denormal()) {
            kind = FpuState.C3 | FpuState.C2;
        } else {
            kind = switch (value.kind()) {
                case ZERO -> FpuState.C3;
                case FINITE -> FpuState.C2;
                case INFINITY -> FpuState.C2 | FpuState.C0;
                case UNSUPPORTED -> 0;
                default -> FpuState.C0;
            };
        }
        int sign = (fpu.signExponent(0) & 0x8000) != 0 ? FpuState.C1 : 0;
        fpu.setConditions(FpuState.CONDITIONS, kind | sign);
    }
}
