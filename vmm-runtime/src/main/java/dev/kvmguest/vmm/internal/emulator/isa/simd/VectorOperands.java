package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;

/** Reads and writes MMX, XMM and 16-byte memory operands. */
final class VectorOperands {

    private static final int SIZE = 16;

    private VectorOperands() {}

    /** Reads 16 bytes from an XMM register, or from memory on a 16-byte boundary, into the state's two halves. */
    static void readAligned(Cpu cpu, Operand operand) {
        if (operand.isMemory()) {
            requireAligned(cpu, operand);
        }
        read(cpu, operand);
    }

    /** Reads 16 bytes from an XMM register, or from memory anywhere, into the state's two halves. */
    static void read(Cpu cpu, Operand operand) {
        FpuState fpu = cpu.fpu;
        if (operand.isMemory()) {
            long offset = operand.offset(cpu);
            cpu.memory.checkReadable(operand.segment, offset, SIZE);
            fpu.low = cpu.memory.read64(operand.segment, offset);
            fpu.high = cpu.memory.read64(operand.segment, offset + 8);
        } else {
            fpu.low = fpu.xmm[2 * operand.number];
            fpu.high = fpu.xmm[2 * operand.number + 1];
        }
    }

    /** Writes 16 bytes to an XMM register, or to memory on a 16-byte boundary. */
    static void writeAligned(Cpu cpu, Operand operand, long low, long high) {
        if (operand.isMemory()) {
            requireAligned(cpu, operand);
        }
        write(cpu, operand, low, high);
    }

    /** Writes 16 bytes to an XMM register, or to memory anywhere. */
    static void write(Cpu cpu, Operand operand, long low, long high) {
        if (operand.isMemory()) {
            long offset = operand.offset(cpu);
            cpu.memory.checkWritable(operand.segment, offset, SIZE);
            cpu.memory.write64(operand.segment, offset, low);
            cpu.memory.write64(operand.segment, offset + 8, high);
        } else {
            cpu.fpu.xmm[2 * operand.number] = low;
            cpu.fpu.xmm[2 * operand.number + 1] = high;
        }
    }

    /** Reads a general, MMX or XMM register or memory, no more than 8 bytes, zero-extended. */
    static long readLow(Cpu cpu, Operand operand) {
        return switch (operand.kind) {
            case MMX -> cpu.fpu.mmx(operand.number);
            case XMM -> cpu.fpu.xmm[2 * operand.number];
            default -> operand.read(cpu);
        };
    }

    /** Throws #GP(0) unless a memory operand is on a 16-byte boundary. */
    static void requireAligned(Cpu cpu, Operand operand) {
        requireAligned(cpu, operand, SIZE);
    }

    /** Throws #GP(0) unless a memory operand is on a boundary of so many bytes, a power of two. */
    static void requireAligned(Cpu cpu, Operand operand, int alignment) {
        long linear = cpu.segments[operand.segment].base() + operand.offset(cpu);
        if ((linear & alignment - 1) != 0) {
            throw CpuFault.generalProtection();
        }
    }
}
