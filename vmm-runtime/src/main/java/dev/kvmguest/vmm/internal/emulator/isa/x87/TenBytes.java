package dev.kvmguest.vmm.internal.emulator.isa.x87;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;

/**
 * Ten bytes of memory, which x87 accesses as eight and two: with 16-bit addresses, the two wrap at 64 KiB for
 * themselves.
 *
 * @param low the first eight
 * @param high the last two, zero-extended
 */
record TenBytes(long low, int high) {

    /** Bytes of both. */
    static final int SIZE = 10;

    private static final int LOW_SIZE = 8;
    private static final int HIGH_SIZE = 2;

    /** Reads an operand, or faults and has read nothing. */
    static TenBytes read(Cpu cpu, Operand operand) {
        checkReadable(cpu, operand, 0);
        return read(cpu, operand, 0);
    }

    /** Writes an operand, or faults and has written nothing. */
    void write(Cpu cpu, Operand operand) {
        checkWritable(cpu, operand, 0);
        write(cpu, operand, 0);
    }

    /** Reads those that are so many bytes into an operand. */
    static TenBytes read(Cpu cpu, Operand operand, int start) {
        long low = cpu.memory.read64(operand.segment, offset(cpu, operand, start));
        int high = (int) cpu.memory.read16(operand.segment, offset(cpu, operand, start + LOW_SIZE));
        return new TenBytes(low, high);
    }

    /** Writes them so many bytes into an operand. */
    void write(Cpu cpu, Operand operand, int start) {
        cpu.memory.write64(operand.segment, offset(cpu, operand, start), low);
        cpu.memory.write16(operand.segment, offset(cpu, operand, start + LOW_SIZE), high);
    }

    /** Throws the fault that reading them would raise. */
    static void checkReadable(Cpu cpu, Operand operand, int start) {
        if (!wraps(cpu, operand, start)) {
            cpu.memory.checkReadable(operand.segment, offset(cpu, operand, start), SIZE);
            return;
        }
        cpu.memory.checkReadable(operand.segment, offset(cpu, operand, start), LOW_SIZE);
        cpu.memory.checkReadable(operand.segment, offset(cpu, operand, start + LOW_SIZE), HIGH_SIZE);
    }

    /** Throws the fault that writing them would raise. */
    static void checkWritable(Cpu cpu, Operand operand, int start) {
        if (!wraps(cpu, operand, start)) {
            cpu.memory.checkWritable(operand.segment, offset(cpu, operand, start), SIZE);
            return;
        }
        cpu.memory.checkWritable(operand.segment, offset(cpu, operand, start), LOW_SIZE);
        cpu.memory.checkWritable(operand.segment, offset(cpu, operand, start + LOW_SIZE), HIGH_SIZE);
    }

    private static boolean wraps(Cpu cpu, Operand operand, int start) {
        return offset(cpu, operand, start + LOW_SIZE) < offset(cpu, operand, start);
    }

    /** Returns the offset of a part of a memory operand, which wraps as its own effective address does. */
    static long offset(Cpu cpu, Operand operand, int start) {
        return operand.offset(cpu) + start & operand.addressMask;
    }
}
