package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuErrorPin;
import dev.kvmguest.vmm.internal.engine.XsaveArea;

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
        int segment = i.op0.segment;
        long at = i.op0.offset(cpu);
        long mask = i.op0.addressMask;
        for (int part = 0; part < SIZE; part += partSize(i.op0, at)) {
            cpu.memory.checkWritable(segment, at + part & mask, partSize(i.op0, at));
        }
        FpuState fpu = cpu.fpu;
        cpu.memory.write16(segment, at, fpu.control());
        cpu.memory.write16(segment, at + XsaveArea.FSW & mask, fpu.status());
        // The opcode field after the tags is 0: no opcode is kept.
        cpu.memory.write32(segment, at + XsaveArea.FTW & mask, fpu.used());
        if (hasWidePointers(i)) {
            cpu.memory.write64(segment, at + XsaveArea.FIP & mask, fpu.instructionOffset());
            cpu.memory.write64(segment, at + XsaveArea.FDP & mask, fpu.dataOffset());
        } else {
            cpu.memory.write32(segment, at + XsaveArea.FIP & mask, fpu.instructionOffset());
            cpu.memory.write32(segment, at + XsaveArea.FCS & mask, fpu.instructionSelector());
            cpu.memory.write32(segment, at + XsaveArea.FDP & mask, fpu.dataOffset());
            cpu.memory.write32(segment, at + XsaveArea.FDS & mask, fpu.dataSelector());
        }
        cpu.memory.write32(segment, at + XsaveArea.MXCSR & mask, fpu.mxcsr());
        cpu.memory.write32(segment, at + XsaveArea.MXCSR_MASK & mask, FpuState.MXCSR_MASK);
        for (int n = 0; n < FpuState.X87_REGISTERS; n++) {
            long slot = at + XsaveArea.ST0 + XsaveArea.SLOT * n & mask;
            cpu.memory.write64(segment, slot, fpu.significand(n));
            cpu.memory.write64(segment, slot + 8, fpu.signExponent(n));
        }
        for (int n = 0; n < xmmHalves(cpu); n++) {
            cpu.memory.write64(segment, at + XsaveArea.XMM0 + 8 * n & mask, fpu.xmm[n]);
        }
    }

    private static void fxrstor(Cpu cpu, Instruction i) {
        FpuChecks.requireX87(cpu);
        VectorOperands.requireAligned(cpu, i.op0);
        int segment = i.op0.segment;
        long at = i.op0.offset(cpu);
        long mask = i.op0.addressMask;
        for (int part = 0; part < SIZE; part += partSize(i.op0, at)) {
            cpu.memory.checkReadable(segment, at + part & mask, partSize(i.op0, at));
        }
        // What follows the XMM registers is reserved.
        long[] image = new long[XsaveArea.XMM0 / 8 + xmmHalves(cpu)];
        for (int n = 0; n < image.length; n++) {
            image[n] = cpu.memory.read64(segment, at + 8 * n & mask);
        }
        FpuState fpu = cpu.fpu;
        fpu.setMxcsr(checkedMxcsr(field(image, XsaveArea.MXCSR)));
        fpu.setControl((int) field(image, 0));
        fpu.setStatus((int) field(image, XsaveArea.FSW) & 0xffff);
        fpu.setUsed((int) field(image, XsaveArea.FTW));
        if (hasWidePointers(i)) {
            fpu.setInstructionPointer(0, image[XsaveArea.FIP / 8]);
            fpu.setDataPointer(0, image[XsaveArea.FDP / 8]);
        } else {
            fpu.setInstructionPointer((int) field(image, XsaveArea.FCS) & 0xffff, field(image, XsaveArea.FIP));
            fpu.setDataPointer((int) field(image, XsaveArea.FDS) & 0xffff, field(image, XsaveArea.FDP));
        }
        for (int n = 0; n < FpuState.X87_REGISTERS; n++) {
            int slot = (XsaveArea.ST0 + XsaveArea.SLOT * n) / 8;
            fpu.restoreRegister(n, (int) image[slot + 1], image[slot]);
        }
        System.arraycopy(image, XsaveArea.XMM0 / 8, fpu.xmm, 0, xmmHalves(cpu));
    }

    /** Returns whether pointers are 64-bit offsets without selectors: with REX.W (volume 1, table 10-2). */
    private static boolean hasWidePointers(Instruction i) {
        return i.operandSize == Long.BYTES;
    }

    /** Returns twice the number of XMM registers in the image: outside 64-bit mode it has no XMM8 to XMM15. */
    private static int xmmHalves(Cpu cpu) {
        return cpu.mode().is64() ? 2 * FpuState.XMM_REGISTERS : FpuState.XMM_REGISTERS;
    }

    /** Returns how much of the image is checked at once: with 16-bit addresses each part wraps at 64 KiB for itself. */
    private static int partSize(Operand image, long at) {
        return at + SIZE - 1 > image.addressMask ? XsaveArea.SLOT : SIZE;
    }

    /** Returns the 32 bits at an offset in the image, as far as they are within the same 8 bytes. */
    private static long field(long[] image, int offset) {
        return image[offset / 8] >>> 8 * (offset % 8) & 0xffff_ffffL;
    }

    private static void ldmxcsr(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        cpu.fpu.setMxcsr(checkedMxcsr(i.op0.read(cpu)));
    }

    private static void stmxcsr(Cpu cpu, Instruction i) {
        FpuChecks.requireSse(cpu);
        i.op0.write(cpu, cpu.fpu.mxcsr());
    }

    private static int checkedMxcsr(long value) {
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
