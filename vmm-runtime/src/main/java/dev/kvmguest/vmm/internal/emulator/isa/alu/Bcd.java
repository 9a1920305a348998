package dev.kvmguest.vmm.internal.emulator.isa.alu;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * Decimal adjustments (Intel SDM volume 2, DAA, DAS, AAA, AAS, AAM, AAD).
 *
 * <p>What the manual leaves undefined is as Intel's processors leave it: SF, ZF and PF are those of AL, CF and AF are 0
 * after AAM, OF is 0; but AAD sets CF, OF and AF as the addition does that is its last step.
 */
public final class Bcd {

    // As carries out of the highest two bits and of bit 3: CF without OF, and AF.
    private static final int CARRY = 0xc0;
    private static final int ADJUST = 0x08;

    private Bcd() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.DAA, Bcd::daa)
                .put(Mnemonic.DAS, Bcd::das)
                .put(Mnemonic.AAA, Bcd::aaa)
                .put(Mnemonic.AAS, Bcd::aas)
                .put(Mnemonic.AAM, Bcd::aam)
                .put(Mnemonic.AAD, Bcd::aad);
    }

    private static void daa(Cpu cpu, Instruction i) {
        int al = al(cpu);
        boolean low = adjustsLowDigit(cpu, al);
        boolean high = adjustsHighDigit(cpu, al);
        setPacked(cpu, al + (low ? 0x06 : 0) + (high ? 0x60 : 0), low, high);
    }

    private static void das(Cpu cpu, Instruction i) {
        int al = al(cpu);
        boolean low = adjustsLowDigit(cpu, al);
        boolean high = adjustsHighDigit(cpu, al);
        // Taking 6 from less than 6 borrows, even if the upper digit needs no adjustment.
        setPacked(cpu, al - (low ? 0x06 : 0) - (high ? 0x60 : 0), low, high || low && al < 6);
    }

    private static boolean adjustsLowDigit(Cpu cpu, int al) {
        return (al & 0xf) > 9 || cpu.eflags.adjust();
    }

    private static boolean adjustsHighDigit(Cpu cpu, int al) {
        return al > 0x99 || cpu.eflags.carry();
    }

    private static void setPacked(Cpu cpu, int result, boolean adjust, boolean carry) {
        cpu.registers.set(Registers.RAX, 1, result);
        cpu.eflags.set(result, (carry ? CARRY : 0) | (adjust ? ADJUST : 0), 1);
    }

    private static void aaa(Cpu cpu, Instruction i) {
        adjustUnpacked(cpu, 0x106);
    }

    private static void aas(Cpu cpu, Instruction i) {
        adjustUnpacked(cpu, -0x106);
    }

    /** Adds to AX as a whole: a carry out of AL goes into AH, unlike on the 8086. */
    private static void adjustUnpacked(Cpu cpu, int adjustment) {
        boolean adjust = adjustsLowDigit(cpu, al(cpu));
        long ax = cpu.registers.get(Registers.RAX, 2) + (adjust ? adjustment : 0) & 0xff0f;
        cpu.registers.set(Registers.RAX, 2, ax);
        cpu.eflags.set(ax, adjust ? CARRY | ADJUST : 0, 1);
    }

    private static void aam(Cpu cpu, Instruction i) {
        int base = (int) i.op0.read(cpu);
        if (base == 0) {
            throw CpuFault.of(Vector.DE);
        }
        int al = al(cpu);
        cpu.registers.set(Registers.RAX, 2, al / base << 8 | al % base);
        cpu.eflags.setLogic(al % base, 1);
    }

    private static void aad(Cpu cpu, Instruction i) {
        long ax = cpu.registers.get(Registers.RAX, 2);
        long ones = ax & 0xff;
        long tens = (ax >>> 8) * i.op0.read(cpu) & 0xff;
        long sum = ones + tens;
        cpu.registers.set(Registers.RAX, 2, sum & 0xff);
        cpu.eflags.set(sum, ones & tens | (ones | tens) & ~sum, 1);
    }

    private static int al(Cpu cpu) {
        return (int) cpu.registers.gpr[Registers.RAX] & 0xff;
    }
}
