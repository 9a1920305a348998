package dev.kvmguest.vmm.internal.emulator.isa.alu;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;

/**
 * AND, OR, XOR, NOT and TEST (Intel SDM volume 2). They clear CF and OF; AF, which is undefined, is cleared too, as
 * Intel's processors do. NOT changes no flag.
 */
public final class Logic {

    private Logic() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.AND, Logic::and)
                .put(Mnemonic.OR, Logic::or)
                .put(Mnemonic.XOR, Logic::xor)
                .put(Mnemonic.NOT, Logic::not)
                .put(Mnemonic.TEST, Logic::test);
    }

    private static void and(Cpu cpu, Instruction i) {
        long result = i.op0.readForUpdate(cpu) & i.op1.read(cpu);
        i.op0.write(cpu, result);
        cpu.eflags.setLogic(result, i.width);
    }

    private static void or(Cpu cpu, Instruction i) {
        long result = i.op0.readForUpdate(cpu) | i.op1.read(cpu);
        i.op0.write(cpu, result);
        cpu.eflags.setLogic(result, i.width);
    }

    private static void xor(Cpu cpu, Instruction i) {
        long result = i.op0.readForUpdate(cpu) ^ i.op1.read(cpu);
        i.op0.write(cpu, result);
        cpu.eflags.setLogic(result, i.width);
    }

    private static void not(Cpu cpu, Instruction i) {
        i.op0.write(cpu, ~i.op0.readForUpdate(cpu));
    }

    private static void test(Cpu cpu, Instruction i) {
        cpu.eflags.setLogic(i.op0.read(cpu) & i.op1.read(cpu), i.width);
    }
}
