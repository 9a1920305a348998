package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuErrorPin;

/** FXSAVE, FXRSTOR, LDMXCSR, STMXCSR, fences and prefetches (Intel SDM volume 2; volume 1, 10.5 for FXSAVE's image). */
public final class SseState {

    /** Bytes of FXSAVE's image. */
    private static final int SIZE = 512;

    private SseState() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.FXSAVE, SseState::fxsave)
                .put(Mnemonic.FXSAVE64, SseState::fxsave)
                .put(Mnemonic.FXRSTOR, FpuErrorPin.clearing(SseState::fxrstor))
                .put(Mnemonic.FXRSTOR64, FpuErrorPin.clearing(SseState::fxrstor))
                .put(Mnemonic.LDMXCSR, SseState::ldmxcsr)
                .put(Mnemonic.STMXCSR, SseState::stmxcsr)
                .put(Mnemonic.CLFLUSH, SseState::clflush)
                .put(Mnemonic.PREFETCHNTA, SseState::orderOrHint)
                .put(Mnemonic.PREFETCHT0, SseState::orderOrHint)
                .put(Mnemonic.PREFETCHT1, SseState::orderOrHint)
                .put(Mnemonic.PREFETCHT2, SseState::orderOrHint)
                .put(Mnemonic.LFENCE, SseState::orderOrHint)
                .put(Mnemonic.MFENCE, SseState::orderOrHint)
                .put(Mnemonic.SFENCE, SseState::orderOrHint)
                .put(Mnemonic.PAUSE, SseState::orderOrHint);
    }

    /** XMM registers are saved whether or not CR4.OSFXSR is set, as processors do. */
    private static void fxsave(Cpu cpu, Instruction i) {
        FpuChecks.requireX87(cpu);
        VectorOperands.requireAligned(cpu, i.op0);
        FxImage image = new FxImage(cpu, i);
        image.checkWritable(SIZE);
        image.writeX87();
        image.writeMxcsr();
        image.writeXmm();
    }

    private static void fxrstor(Cpu cpu, Instruction i) {
        FpuChecks.requireX87(cpu);
        VectorOperands.requireAligned(cpu, i.op0);
        FxImage inMemory = new FxImage(cpu, i);
        inMemory.checkReadable(SIZE);
        long[] image = inMemory.read();
        cpu.fpu.setMxcsr(checkedMxcsr(FxImage.mxcsr(image)));
        inMemory.restoreX87(image);
        inMemory.restoreXmm(image);
    }

    private static void ldmxcsr(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        cpu.fpu.setMxcsr(checkedMxcsr(i.op0.read(cpu)));
    }

    private static void stmxcsr(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        i.op0.write(cpu, cpu.fpu.mxcsr());
    }

    /** Returns what MXCSR may be set to; another value is #GP(0). */
    static int checkedMxcsr(long value) {
        if ((value & ~FpuState.MXCSR_MASK) != 0) {
            throw CpuFault.generalProtection();
        }
        return (int) value;
    }

    /** There is no cache to flush, but there are faults. */
    private static void clflush(Cpu cpu, Instruction i) {
        cpu.memory.checkFlushable(i.op0.segment, i.op0.offset(cpu));
    }

    /** Accesses are made in order, and there is no cache. */
    private static void orderOrHint(Cpu cpu, Instruction i) {}
}
