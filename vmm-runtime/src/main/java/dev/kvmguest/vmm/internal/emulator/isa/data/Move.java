package dev.kvmguest.vmm.internal.emulator.isa.data;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.engine.InterruptShadow;
import java.util.EnumSet;

/** Data movement, and conversions between widths (Intel SDM volume 2, at each instruction). No flag changes. */
public final class Move {

    private static final int SELECTOR_WIDTH = 2;

    private Move() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.MOV, Move::mov)
                .put(Mnemonic.MOVZX, Move::mov)
                .put(Mnemonic.MOVSX, Move::movsx)
                .put(Mnemonic.MOVSXD, Move::movsx)
                .put(Mnemonic.XCHG, Move::xchg)
                .put(Mnemonic.LEA, Move::lea)
                .put(Mnemonic.BSWAP, Move::bswap)
                .put(Mnemonic.MOVBE, Move::movbe)
                .put(Mnemonic.CBW, Move::cbw)
                .put(Mnemonic.CWDE, Move::cwde)
                .put(Mnemonic.CWD, Move::cwd)
                .put(Mnemonic.CDQE, Move::cdqe)
                .put(Mnemonic.CDQ, Move::cwd)
                .put(Mnemonic.CQO, Move::cwd)
                .put(Mnemonic.XLATB, Move::xlatb)
                .put(Mnemonic.SALC, Move::salc)
                .put(Mnemonic.NOP, (cpu, i) -> {})
                .put(Mnemonic.MOV_SEGMENT, Move::movSegment)
                .put(Mnemonic.LES, (cpu, i) -> loadFarPointer(cpu, i, Cpu.ES))
                .put(Mnemonic.LSS, (cpu, i) -> loadFarPointer(cpu, i, Cpu.SS))
                .put(Mnemonic.LDS, (cpu, i) -> loadFarPointer(cpu, i, Cpu.DS))
                .put(Mnemonic.LFS, (cpu, i) -> loadFarPointer(cpu, i, Cpu.FS))
                .put(Mnemonic.LGS, (cpu, i) -> loadFarPointer(cpu, i, Cpu.GS));
        EnumSet.range(Mnemonic.SETO, Mnemonic.SETG).forEach(mnemonic -> table.put(mnemonic, Move::setcc));
        EnumSet.range(Mnemonic.CMOVO, Mnemonic.CMOVG).forEach(mnemonic -> table.put(mnemonic, Move::cmovcc));
    }

    /** MOV, and MOVZX: what is read is zero-extended anyway. */
    private static void mov(Cpu cpu, Instruction i) {
        i.op0.write(cpu, i.op1.read(cpu));
    }

    private static void movsx(Cpu cpu, Instruction i) {
        i.op0.write(cpu, signExtend(i.op1.read(cpu), i.op1.width));
    }

    private static long signExtend(long value, int width) {
        int unused = 64 - 8 * width;
        return value << unused >> unused;
    }

    /** The first operand is the one that may be in memory; its address may depend on the second. */
    private static void xchg(Cpu cpu, Instruction i) {
        long first = i.op0.readForUpdate(cpu);
        long second = i.op1.read(cpu);
        i.op0.write(cpu, second);
        i.op1.write(cpu, first);
    }

    private static void lea(Cpu cpu, Instruction i) {
        i.op0.write(cpu, i.op1.offset(cpu));
    }

    /** Of 16 bits the result is undefined; processors leave 0. */
    private static void bswap(Cpu cpu, Instruction i) {
        long value = i.op0.read(cpu);
        i.op0.write(
                cpu,
                switch (i.op0.width) {
                    case 8 -> Long.reverseBytes(value);
                    case 4 -> Integer.reverseBytes((int) value);
                    default -> 0;
                });
    }

    private static void movbe(Cpu cpu, Instruction i) {
        i.op0.write(cpu, Long.reverseBytes(i.op1.read(cpu)) >>> Long.SIZE - 8 * i.op0.width);
    }

    private static void cbw(Cpu cpu, Instruction i) {
        cpu.registers.set(Registers.RAX, 2, signExtend(cpu.registers.gpr[Registers.RAX], 1));
    }

    private static void cwde(Cpu cpu, Instruction i) {
        cpu.registers.set(Registers.RAX, 4, signExtend(cpu.registers.gpr[Registers.RAX], 2));
    }

    private static void cdqe(Cpu cpu, Instruction i) {
        cpu.registers.gpr[Registers.RAX] = signExtend(cpu.registers.gpr[Registers.RAX], 4);
    }

    /** CWD, CDQ and CQO. */
    private static void cwd(Cpu cpu, Instruction i) {
        int width = i.operandSize;
        cpu.registers.set(Registers.RDX, width, signExtend(cpu.registers.gpr[Registers.RAX], width) >> 63);
    }

    private static void xlatb(Cpu cpu, Instruction i) {
        long offset = cpu.registers.gpr[Registers.RBX] + cpu.registers.get(Registers.RAX, 1) & i.addressMask;
        cpu.registers.set(Registers.RAX, 1, cpu.memory.read8(i.segment, offset));
    }

    /** An instruction that Intel never described: AL becomes FF if CF is set, else 0. */
    private static void salc(Cpu cpu, Instruction i) {
        cpu.registers.set(Registers.RAX, 1, cpu.eflags.carry() ? 0xff : 0);
    }

    private static void setcc(Cpu cpu, Instruction i) {
        i.op0.write(cpu, cpu.eflags.condition(i.condition) ? 1 : 0);
    }

    /**
     * Memory is read whether or not the condition holds. In 64-bit mode the upper half of the destination of 32 bits is
     * cleared in any case.
     */
    private static void cmovcc(Cpu cpu, Instruction i) {
        long value = i.op1.read(cpu);
        i.op0.write(cpu, cpu.eflags.condition(i.condition) ? value : i.op0.read(cpu));
    }

    private static void movSegment(Cpu cpu, Instruction i) {
        if (i.op0.kind != Operand.Kind.SEGMENT) {
            i.op0.write(cpu, cpu.segments[i.op1.number].selector());
            return;
        }
        int segment = i.op0.number;
        cpu.segmentation.load(segment, (int) i.op1.read(cpu));
        if (segment == Cpu.SS) {
            cpu.shadow(InterruptShadow.MOV_SS);
        }
    }

    /** LDS and the like; LSS casts no interrupt shadow, it loads the stack pointer itself. */
    private static void loadFarPointer(Cpu cpu, Instruction i, int segment) {
        Operand pointer = i.op1;
        int width = i.operandSize;
        long at = pointer.offset(cpu);
        long offset = cpu.memory.read(pointer.segment, at, width);
        long selector = cpu.memory.read(pointer.segment, at + width & i.addressMask, SELECTOR_WIDTH);
        cpu.segmentation.load(segment, (int) selector);
        i.op0.write(cpu, offset);
    }
}
