package dev.kvmguest.vmm.internal.emulator.isa.data;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.engine.InterruptShadow;

/**
 * PUSH, POP and their relatives (Intel SDM volume 1, 6.2, and volume 2, at each instruction). Outside
 * 64-bit mode SS.B says whether ESP or SP is the stack pointer; SP wraps at 64 KiB and leaves the upper half of ESP
 * alone.
 */
public final class Stack {

    /** The order in which PUSHA pushes. */
    private static final int[] ALL = {
        Registers.RAX,
        Registers.RCX,
        Registers.RDX,
        Registers.RBX,
        Registers.RSP,
        Registers.RBP,
        Registers.RSI,
        Registers.RDI
    };

    private static final int DEEPEST_NESTING = 31;
    private static final int SELECTOR_WIDTH = 2;

    private Stack() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.PUSH, Stack::push)
                .put(Mnemonic.POP, Stack::pop)
                .put(Mnemonic.PUSHA, Stack::pusha)
                .put(Mnemonic.PUSHAD, Stack::pusha)
                .put(Mnemonic.POPA, Stack::popa)
                .put(Mnemonic.POPAD, Stack::popa)
                .put(Mnemonic.ENTER, Stack::enter)
                .put(Mnemonic.LEAVE, Stack::leave);
    }

    /**
     * Pushes a value.
     *
     * @param width bytes: 2, 4 or 8
     * @throws CpuFault if it can't be written; nothing is changed then
     */
    public static void push(Cpu cpu, int width, long value) {
        long[] gpr = cpu.registers.gpr;
        long pointer = gpr[Registers.RSP];
        long mask = cpu.stackMask();
        long offset = pointer - width & mask;
        cpu.memory.write(Cpu.SS, offset, width, value);
        gpr[Registers.RSP] = pointer & ~mask | offset;
    }

    /**
     * Pops a value, zero-extended.
     *
     * @param width bytes: 2, 4 or 8
     * @throws CpuFault if it can't be read; nothing is changed then
     */
    public static long pop(Cpu cpu, int width) {
        long[] gpr = cpu.registers.gpr;
        long pointer = gpr[Registers.RSP];
        long mask = cpu.stackMask();
        long value = cpu.memory.read(Cpu.SS, pointer & mask, width);
        gpr[Registers.RSP] = pointer & ~mask | pointer + width & mask;
        return value;
    }

    /**
     * Reads from the stack.
     *
     * @param depth bytes above the stack pointer
     * @param width bytes: 2, 4 or 8
     */
    public static long peek(Cpu cpu, long depth, int width) {
        return cpu.memory.read(Cpu.SS, cpu.registers.gpr[Registers.RSP] + depth & cpu.stackMask(), width);
    }

    /** Moves the stack pointer up, over what has been read. */
    public static void release(Cpu cpu, long bytes) {
        cpu.registers.gpr[Registers.RSP] = above(cpu, bytes);
    }

    /** Returns ESP as it is when the stack pointer has moved up. */
    private static long above(Cpu cpu, long bytes) {
        long pointer = cpu.registers.gpr[Registers.RSP];
        long mask = cpu.stackMask();
        return pointer & ~mask | pointer + bytes & mask;
    }

    private static void push(Cpu cpu, Instruction i) {
        if (i.op0.kind == Operand.Kind.SEGMENT) {
            pushSegment(cpu, i);
        } else {
            push(cpu, i.width, i.op0.read(cpu));
        }
    }

    /** Of four bytes only the lower two are written, as by P6 and later processors; eight are all written. */
    private static void pushSegment(Cpu cpu, Instruction i) {
        long pointer = above(cpu, -i.width);
        int width = i.width == 8 ? i.width : SELECTOR_WIDTH;
        cpu.memory.write(Cpu.SS, pointer & cpu.stackMask(), width, cpu.segments[i.op0.number].selector());
        cpu.registers.gpr[Registers.RSP] = pointer;
    }

    private static void pop(Cpu cpu, Instruction i) {
        switch (i.op0.kind) {
            case REGISTER -> cpu.registers.set(i.op0.number, i.width, pop(cpu, i.width));
            case SEGMENT -> popSegment(cpu, i);
            default -> popToMemory(cpu, i);
        }
    }

    /** An address by ESP is that after the pop. */
    private static void popToMemory(Cpu cpu, Instruction i) {
        long pointer = cpu.registers.gpr[Registers.RSP];
        long value = pop(cpu, i.width);
        try {
            i.op0.write(cpu, value);
        } catch (CpuFault fault) {
            cpu.registers.gpr[Registers.RSP] = pointer;
            throw fault;
        }
    }

    private static void popSegment(Cpu cpu, Instruction i) {
        int segment = i.op0.number;
        // By the stack that it is popped from, if that is replaced.
        long pointer = above(cpu, i.width);
        cpu.segmentation.load(segment, (int) peek(cpu, 0, SELECTOR_WIDTH));
        cpu.registers.gpr[Registers.RSP] = pointer;
        if (segment == Cpu.SS) {
            cpu.shadow(InterruptShadow.MOV_SS);
        }
    }

    private static void pusha(Cpu cpu, Instruction i) {
        int width = i.width;
        long[] gpr = cpu.registers.gpr;
        long mask = cpu.stackMask();
        long pointer = gpr[Registers.RSP];
        if (!cpu.usesDescriptors() && isOddNearTheEnd(pointer & mask)) {
            throw CpuFault.generalProtection();
        }
        for (int n = 1; n <= ALL.length; n++) {
            cpu.memory.checkWritable(Cpu.SS, pointer - n * width & mask, width);
        }
        for (int n = 1; n <= ALL.length; n++) {
            cpu.memory.write(Cpu.SS, pointer - n * width & mask, width, gpr[ALL[n - 1]]);
        }
        gpr[Registers.RSP] = above(cpu, -ALL.length * width);
    }

    /**
     * In real and virtual-8086 mode these stack pointers are #GP, while at 1, 3 and 5 real mode can't even deliver #SS
     * (volume 2, PUSHA).
     */
    private static boolean isOddNearTheEnd(long pointer) {
        return (pointer & 1) != 0 && pointer >= 7 && pointer <= 15;
    }

    private static void popa(Cpu cpu, Instruction i) {
        int width = i.width;
        long di = peek(cpu, 0, width);
        long si = peek(cpu, width, width);
        long bp = peek(cpu, 2 * width, width);
        long bx = peek(cpu, 4 * width, width);
        long dx = peek(cpu, 5 * width, width);
        long cx = peek(cpu, 6 * width, width);
        long ax = peek(cpu, 7 * width, width);
        Registers registers = cpu.registers;
        registers.set(Registers.RDI, width, di);
        registers.set(Registers.RSI, width, si);
        registers.set(Registers.RBP, width, bp);
        registers.set(Registers.RBX, width, bx);
        registers.set(Registers.RDX, width, dx);
        registers.set(Registers.RCX, width, cx);
        registers.set(Registers.RAX, width, ax);
        release(cpu, ALL.length * width);
    }

    private static void enter(Cpu cpu, Instruction i) {
        int width = i.width;
        int level = (int) i.op1.value & DEEPEST_NESTING;
        // The frame pointer, those of the outer levels, and the new frame's.
        int pushes = level == 0 ? 1 : level + 1;
        long[] gpr = cpu.registers.gpr;
        long mask = cpu.stackMask();
        long pointer = gpr[Registers.RSP];
        long outer = gpr[Registers.RBP];
        long end = pointer - pushes * width - i.op0.value & mask;
        for (int n = 1; n <= pushes; n++) {
            if (n > 1 && n < pushes) {
                cpu.memory.read(Cpu.SS, outer - (n - 1) * width & mask, width);
            }
            cpu.memory.checkWritable(Cpu.SS, pointer - n * width & mask, width);
        }
        // Nothing is written there, but it must be possible to push there.
        cpu.memory.checkWritable(Cpu.SS, end, width);

        long frame = above(cpu, -width);
        cpu.memory.write(Cpu.SS, frame & mask, width, outer);
        for (int n = 2; n <= pushes; n++) {
            long value = n < pushes ? cpu.memory.read(Cpu.SS, outer - (n - 1) * width & mask, width) : frame;
            cpu.memory.write(Cpu.SS, pointer - n * width & mask, width, value);
        }
        cpu.registers.set(Registers.RBP, width, frame);
        gpr[Registers.RSP] = pointer & ~mask | end;
    }

    private static void leave(Cpu cpu, Instruction i) {
        long[] gpr = cpu.registers.gpr;
        long mask = cpu.stackMask();
        long frame = gpr[Registers.RBP];
        long value = cpu.memory.read(Cpu.SS, frame & mask, i.width);
        gpr[Registers.RSP] = gpr[Registers.RSP] & ~mask | frame + i.width & mask;
        cpu.registers.set(Registers.RBP, i.width, value);
    }
}
