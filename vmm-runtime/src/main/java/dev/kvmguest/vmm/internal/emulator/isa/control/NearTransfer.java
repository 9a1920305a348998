package dev.kvmguest.vmm.internal.emulator.isa.control;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.data.Stack;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;

/**
 * Jumps, calls and returns within the code segment (Intel SDM volume 2, at each instruction). With 16-bit operands EIP
 * is cut to 16 bits. A target beyond the limit of CS, or in 64-bit mode one that isn't canonical, faults at the
 * transfer, not at the target.
 */
public final class NearTransfer {

    private NearTransfer() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.JMP, NearTransfer::jmp)
                .put(Mnemonic.CALL, NearTransfer::call)
                .put(Mnemonic.RET, NearTransfer::ret)
                .put(Mnemonic.JCXZ, NearTransfer::jcxz)
                .put(Mnemonic.JECXZ, NearTransfer::jcxz)
                .put(Mnemonic.JRCXZ, NearTransfer::jcxz)
                .put(Mnemonic.LOOP, (cpu, i) -> loop(cpu, i, true))
                .put(Mnemonic.LOOPE, (cpu, i) -> loop(cpu, i, cpu.eflags.zero()))
                .put(Mnemonic.LOOPNE, (cpu, i) -> loop(cpu, i, !cpu.eflags.zero()));
        // Each has its own operation: which flags to look at is known when it is decoded.
        table.put(Mnemonic.JO, (cpu, i) -> jumpIf(cpu, i, cpu.eflags.overflow()))
                .put(Mnemonic.JNO, (cpu, i) -> jumpIf(cpu, i, !cpu.eflags.overflow()))
                .put(Mnemonic.JB, (cpu, i) -> jumpIf(cpu, i, cpu.eflags.carry()))
                .put(Mnemonic.JAE, (cpu, i) -> jumpIf(cpu, i, !cpu.eflags.carry()))
                .put(Mnemonic.JE, (cpu, i) -> jumpIf(cpu, i, cpu.eflags.zero()))
                .put(Mnemonic.JNE, (cpu, i) -> jumpIf(cpu, i, !cpu.eflags.zero()))
                .put(Mnemonic.JBE, (cpu, i) -> jumpIf(cpu, i, cpu.eflags.carry() || cpu.eflags.zero()))
                .put(Mnemonic.JA, (cpu, i) -> jumpIf(cpu, i, !cpu.eflags.carry() && !cpu.eflags.zero()))
                .put(Mnemonic.JS, (cpu, i) -> jumpIf(cpu, i, cpu.eflags.sign()))
                .put(Mnemonic.JNS, (cpu, i) -> jumpIf(cpu, i, !cpu.eflags.sign()))
                .put(Mnemonic.JP, (cpu, i) -> jumpIf(cpu, i, cpu.eflags.parity()))
                .put(Mnemonic.JNP, (cpu, i) -> jumpIf(cpu, i, !cpu.eflags.parity()))
                .put(Mnemonic.JL, (cpu, i) -> jumpIf(cpu, i, isLess(cpu)))
                .put(Mnemonic.JGE, (cpu, i) -> jumpIf(cpu, i, !isLess(cpu)))
                .put(Mnemonic.JLE, (cpu, i) -> jumpIf(cpu, i, isLess(cpu) || cpu.eflags.zero()))
                .put(Mnemonic.JG, (cpu, i) -> jumpIf(cpu, i, !isLess(cpu) && !cpu.eflags.zero()));
    }

    private static boolean isLess(Cpu cpu) {
        return cpu.eflags.sign() != cpu.eflags.overflow();
    }

    private static void jumpIf(Cpu cpu, Instruction i, boolean taken) {
        if (taken) {
            jump(cpu, i.op0.value);
        }
    }

    private static void jump(Cpu cpu, long target) {
        requireInLimit(cpu, target);
        cpu.eip = target;
    }

    private static void requireInLimit(Cpu cpu, long target) {
        if (target > cpu.codeLimit() || !AddressPolicy.isCanonical(target)) {
            throw CpuFault.generalProtection();
        }
    }

    private static void jmp(Cpu cpu, Instruction i) {
        jump(cpu, i.op0.read(cpu));
    }

    private static void call(Cpu cpu, Instruction i) {
        long target = i.op0.read(cpu);
        requireInLimit(cpu, target);
        Stack.push(cpu, i.operandSize, i.nextEip);
        cpu.eip = target;
    }

    private static void ret(Cpu cpu, Instruction i) {
        int width = i.operandSize;
        jump(cpu, Stack.peek(cpu, 0, width));
        Stack.release(cpu, i.op0 == null ? width : width + i.op0.value);
    }

    private static void jcxz(Cpu cpu, Instruction i) {
        jumpIf(cpu, i, cpu.registers.get(Registers.RCX, i.addressSize) == 0);
    }

    /** The count is kept by the address size; it changes whether or not the jump is taken, but not at a fault. */
    private static void loop(Cpu cpu, Instruction i, boolean wanted) {
        int width = i.addressSize;
        long count = cpu.registers.get(Registers.RCX, width) - 1;
        jumpIf(cpu, i, wanted && count != 0);
        cpu.registers.set(Registers.RCX, width, count);
    }
}
