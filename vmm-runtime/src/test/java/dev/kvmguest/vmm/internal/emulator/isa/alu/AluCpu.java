package dev.kvmguest.vmm.internal.emulator.isa.alu;

import static org.assertj.core.api.Assertions.fail;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Ram;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.exec.FastPaths;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.nio.ByteBuffer;
import java.util.Random;

/**
 * A CPU for tests of single ALU instructions, which are built from operands. DS is flat and writable, ES flat and
 * read-only, both in 64 KiB of RAM.
 */
final class AluCpu {

    static final int AL = 0;
    static final int CL = 1;
    static final int DL = 2;
    static final int BL = 3;
    static final int AH = Registers.HIGH_BYTE | AL;

    /** All six arithmetic flags. */
    static final int ALL = Flag.ARITHMETIC;

    private static final int RAM = 1 << 16;
    private static final int PAGE_DIRECTORY = 0xe000;
    private static final int PAGE_TABLE = 0xf000;
    private static final long SEED = 42;
    private static final OperationTable OPERATIONS = operations(false);

    final Cpu cpu = new Cpu(new Ram(ByteBuffer.allocateDirect(RAM)));

    AluCpu() {
        cpu.setCr0(Cr0.PE);
        SegmentState data = SegmentState.flatData(0x10);
        cpu.loadSegment(Cpu.DS, data);
        cpu.loadSegment(Cpu.ES, new SegmentState(data.selector(), data.base(), data.limit(), data.accessRights() & ~2));
    }

    /** Returns this family's operations, with the quick forms that replace some of them or without. */
    static OperationTable operations(boolean quickForms) {
        OperationTable table = quickForms ? new OperationTable(FastPaths::of) : new OperationTable();
        Arithmetic.install(table);
        Logic.install(table);
        Shift.install(table);
        MultiplyDivide.install(table);
        Bit.install(table);
        Bcd.install(table);
        return table;
    }

    /** Turns paging on: all RAM maps to itself, but for one page, which isn't present. */
    AluCpu pagedWithout(int absent) {
        write(PAGE_DIRECTORY, 4, PAGE_TABLE | 3);
        for (int page = 0; page < RAM >> 12; page++) {
            write(PAGE_TABLE + 4L * page, 4, page == absent >> 12 ? 0 : page << 12 | 3);
        }
        cpu.setCr3(PAGE_DIRECTORY);
        cpu.setCr0(cpu.cr0() | Cr0.PG);
        return this;
    }

    static Operand register(int width, int number) {
        return Operand.register(Operand.Kind.REGISTER, width, number);
    }

    static Operand immediate(int width, long value) {
        return Operand.immediate(width, value);
    }

    /** Memory in DS, at a 32-bit address. */
    static Operand memory(int width, long address) {
        return Operand.memory(width, Cpu.DS, Registers.NONE, Registers.NONE, 0, address, 4);
    }

    /** The same memory in ES, where it can't be written. */
    static Operand readOnly(Operand memory) {
        return Operand.memory(memory.width, Cpu.ES, memory.base, memory.index, memory.scale, memory.value, 4);
    }

    static Instruction instruction(Mnemonic mnemonic, int width, Operand... operands) {
        Instruction.Builder builder = new Instruction.Builder(CpuMode.PROTECTED32);
        builder.mnemonic = mnemonic;
        builder.width = width;
        builder.operandSize = width == 1 ? 4 : width;
        builder.addressSize = 4;
        builder.op0 = operands.length > 0 ? operands[0] : null;
        builder.op1 = operands.length > 1 ? operands[1] : null;
        builder.op2 = operands.length > 2 ? operands[2] : null;
        return builder.build(0, new byte[2], OPERATIONS);
    }

    AluCpu set(int register, long value) {
        cpu.registers.gpr[register] = value & 0xffff_ffffL;
        return this;
    }

    long get(int register) {
        return cpu.registers.gpr[register];
    }

    AluCpu flags(int flags) {
        cpu.eflags.set(flags);
        return this;
    }

    /** Returns the arithmetic flags. */
    int flags() {
        return cpu.eflags.get() & ALL;
    }

    long read(long address, int width) {
        return cpu.memory.read(Cpu.DS, address, width);
    }

    AluCpu write(long address, int width, long value) {
        cpu.memory.write(Cpu.DS, address, width, value);
        return this;
    }

    AluCpu execute(Instruction instruction) {
        instruction.operation.execute(cpu, instruction);
        return this;
    }

    AluCpu execute(Mnemonic mnemonic, int width, Operand... operands) {
        return execute(instruction(mnemonic, width, operands));
    }

    /** Returns numbers of a width: those at the edges, then random ones, the same in each run. */
    static long[] samples(int width, int count) {
        Random random = new Random(SEED);
        long sign = 1L << 8 * width - 1;
        long mask = (sign << 1) - 1;
        long[] edges = {0, 1, 2, 7, 8, 0xf, 0x10, 0x7f, 0x80, 0xff, sign - 1, sign, sign + 1, mask - 1, mask};
        long[] samples = new long[count];
        for (int i = 0; i < count; i++) {
            samples[i] = (i < edges.length ? edges[i] : random.nextLong()) & mask;
        }
        return samples;
    }

    /** Compares result and flags; for loops over many operands, where an assertion for each takes too long. */
    static void expect(String what, long result, int flags, long expectedResult, int expectedFlags, long... operands) {
        if (result != expectedResult || flags != expectedFlags) {
            StringBuilder text = new StringBuilder(what);
            for (long operand : operands) {
                text.append(" 0x").append(Long.toHexString(operand));
            }
            fail(
                    "%s: expected 0x%x with flags 0x%x but was 0x%x with flags 0x%x",
                    text, expectedResult, expectedFlags, result, flags);
        }
    }

    /** Returns SF, ZF and PF of a result, by the manual's words. */
    static int resultFlags(long result, int width) {
        String binary = Long.toBinaryString(result & 0xff);
        boolean evenOnes = binary.chars().filter(bit -> bit == '1').count() % 2 == 0;
        long inWidth = result % (1L << 8 * width);
        return (inWidth >= 1L << 8 * width - 1 ? Flag.SF : 0) | (inWidth == 0 ? Flag.ZF : 0) | (evenOnes ? Flag.PF : 0);
    }

    static int flag(int flag, boolean on) {
        return on ? flag : 0;
    }
}
