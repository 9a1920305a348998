package dev.kvmguest.vmm.internal.emulator.isa.data;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.x86.Flag;

/**
 * The registers by which string instructions go through memory: ESI and EDI, or SI and DI if addresses have 16 bits,
 * and ECX or CX as the count of repetitions (Intel SDM volume 1, 7.3.9).
 */
public final class StringRegisters {

    private StringRegisters() {}

    /**
     * Returns the offset of an element.
     *
     * @param register RSI or RDI
     */
    public static long offset(Cpu cpu, Instruction i, int register) {
        return cpu.registers.gpr[register] & i.addressMask;
    }

    /** Moves on to the next element, down if DF is set. */
    public static void advance(Cpu cpu, Instruction i, int register) {
        advance(cpu, i, register, 1);
    }

    static void advance(Cpu cpu, Instruction i, int register, long elements) {
        long distance = elements * i.width;
        long old = cpu.registers.gpr[register];
        cpu.registers.set(register, i.addressSize, cpu.eflags.has(Flag.DF) ? old - distance : old + distance);
    }

    /** Returns how many repetitions there are to come. */
    public static long count(Cpu cpu, Instruction i) {
        return cpu.registers.get(Registers.RCX, i.addressSize);
    }

    /**
     * Ends one repetition: what it did stays, whatever comes next.
     *
     * @param left how many are left
     * @return whether to leave the rest for later, because something else is due first
     */
    public static boolean pauses(Cpu cpu, Instruction i, long left) {
        return pauses(cpu, i, left, left != 0);
    }

    /** Ends one repetition, of an instruction that may not need all that are left. */
    static boolean pauses(Cpu cpu, Instruction i, long left, boolean goesOn) {
        cpu.registers.set(Registers.RCX, i.addressSize, left);
        if (!goesOn || !cpu.mustPause()) {
            return false;
        }
        cpu.repeat();
        return true;
    }
}
