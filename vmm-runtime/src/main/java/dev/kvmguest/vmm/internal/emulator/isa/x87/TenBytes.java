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
    private static final int WORD = 2;

    /** Reads an operand, or faults and has read nothing. */
    static TenBytes read(Cpu cpu, Operand operand) {
        checkReadable(cpu, operand, 0);
        long low = cpu.memory.read64(operand.segment, offset(cpu, operand, 0));
        return new TenBytes(low, (int) cpu.memory.read16(operand.segment, offset(cpu, operand, LOW_SIZE)));
    }

    /** Writes an operand, or faults and has written nothing. */
    void write(Cpu cpu, Operand operand) {
        checkWritable(cpu, operand);
        cpu.memory.write64(operand.segment, offset(cpu, operand, 0), low);
        cpu.memory.write16(operand.segment, offset(cpu, operand, LOW_SIZE), high);
    }

    /** Throws the fault that writing an operand would raise. It is aligned if the first eight bytes are. */
    static void checkWritable(Cpu cpu, Operand operand) {
        checkWritable(cpu, operand, 0);
        cpu.memory.checkWritable(operand.segment, offset(cpu, operand, 0), LOW_SIZE);
    }

    /** Reads those of a saved state, so many bytes into it, which has the alignment of its fields (volume 3A, 6.15). */
    static TenBytes read(Cpu cpu, Operand operand, int start) {
        long low = 0;
        for (int at = LOW_SIZE - WORD; at >= 0; at -= WORD) {
            low = low << Short.SIZE | cpu.memory.read16(operand.segment, offset(cpu, operand, start + at));
        }
        int high = (int) cpu.memory.read16(operand.segment, offset(cpu, operand, start + LOW_SIZE));
        return new TenBytes(low, high);
    }

    /** Writes them into a saved state. */
    void write(Cpu cpu, Operand operand, int start) {
        for (int at = 0; at < LOW_SIZE; at += WORD) {
            cpu.memory.write16(operand.segment, offset(cpu, operand, start + at), low >>> Byte.SIZE * at);
        }
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

    /** Throws the fault that writing those of a saved state would raise. */
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
