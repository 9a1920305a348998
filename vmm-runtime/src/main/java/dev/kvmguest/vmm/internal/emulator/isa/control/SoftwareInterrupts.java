package dev.kvmguest.vmm.internal.emulator.isa.control;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.Virtual8086;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.Vector;

/** INT n and what else raises an event on purpose. */
public final class SoftwareInterrupts {

    private SoftwareInterrupts() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.INT, SoftwareInterrupts::interrupt)
                .put(Mnemonic.INT3, SoftwareInterrupts::breakpoint)
                .put(Mnemonic.INTO, SoftwareInterrupts::overflow)
                .put(Mnemonic.INT1, SoftwareInterrupts::debug)
                .put(Mnemonic.BOUND, SoftwareInterrupts::bound)
                .put(Mnemonic.UD0, SoftwareInterrupts::undefined)
                .put(Mnemonic.UD1, SoftwareInterrupts::undefined)
                .put(Mnemonic.UD2, SoftwareInterrupts::undefined)
                // RSM outside system management mode, which there is not.
                .put(Mnemonic.RSM, SoftwareInterrupts::undefined)
                .put(Mnemonic.INVALID, SoftwareInterrupts::undefined)
                .put(Mnemonic.TOO_LONG, SoftwareInterrupts::tooLong);
    }

    private static void interrupt(Cpu cpu, Instruction i) {
        int vector = (int) i.op0.value;
        if (!cpu.isVirtual8086() || !Virtual8086.interrupt(cpu, vector, i.nextEip)) {
            cpu.events.software(vector, i.eip, i.nextEip);
        }
    }

    private static void breakpoint(Cpu cpu, Instruction i) {
        cpu.events.software(Vector.BP.number(), i.eip, i.nextEip);
    }

    private static void overflow(Cpu cpu, Instruction i) {
        if (cpu.eflags.overflow()) {
            cpu.events.software(Vector.OF.number(), i.eip, i.nextEip);
        }
    }

    private static void debug(Cpu cpu, Instruction i) {
        cpu.events.privilegedSoftware(i.eip, i.nextEip);
    }

    private static void bound(Cpu cpu, Instruction i) {
        Operand bounds = i.op1;
        int width = i.operandSize;
        long offset = bounds.offset(cpu);
        long lower = signed(cpu.memory.read(bounds.segment, offset, width), width);
        long upper = signed(cpu.memory.read(bounds.segment, offset + width & i.addressMask, width), width);
        long index = signed(i.op0.read(cpu), width);
        if (index < lower || index > upper) {
            throw CpuFault.of(Vector.BR).because("the index is outside the bounds");
        }
    }

    private static long signed(long value, int width) {
        return width == 2 ? (short) value : (int) value;
    }

    private static void undefined(Cpu cpu, Instruction i) {
        throw CpuFault.invalidOpcode();
    }

    private static void tooLong(Cpu cpu, Instruction i) {
        throw CpuFault.generalProtection().because("the instruction is longer than 15 bytes");
    }
}
