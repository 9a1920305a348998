package dev.kvmguest.vmm.internal.emulator.isa.system;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.MsrFile;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Selector;

/** SYSENTER and SYSEXIT (Intel SDM volume 2): flat segments of fixed descriptors, no table is read. */
public final class FastSystemCalls {

    private static final int STACK_OFFSET = 8;
    private static final int USER_CODE_OFFSET = 16;
    private static final int USER = 3;

    private FastSystemCalls() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.SYSENTER, FastSystemCalls::sysenter).put(Mnemonic.SYSEXIT, FastSystemCalls::sysexit);
    }

    private static void sysenter(Cpu cpu, Instruction i) {
        int selector = kernelCodeSelector(cpu);
        cpu.eflags.put(Flag.IF | Flag.RF | Flag.VM, false);
        cpu.controlFlagsChanged();
        enter(cpu, selector, 0);
        cpu.registers.set(Registers.RSP, 4, cpu.msrs.stored(MsrFile.SYSENTER_ESP));
        cpu.eip = cpu.msrs.stored(MsrFile.SYSENTER_EIP);
    }

    private static void sysexit(Cpu cpu, Instruction i) {
        int selector = kernelCodeSelector(cpu);
        Privilege.requireSupervisor(cpu);
        enter(cpu, selector + USER_CODE_OFFSET, USER);
        cpu.registers.set(Registers.RSP, 4, cpu.registers.get(Registers.RCX, 4));
        cpu.eip = cpu.registers.get(Registers.RDX, 4);
    }

    private static int kernelCodeSelector(Cpu cpu) {
        int selector = (int) cpu.msrs.stored(MsrFile.SYSENTER_CS) & Selector.WITHOUT_RPL;
        if (!cpu.isProtected() || selector == 0) {
            throw CpuFault.generalProtection();
        }
        return selector;
    }

    private static void enter(Cpu cpu, int codeSelector, int level) {
        cpu.loadSegment(Cpu.CS, SegmentState.flatCode(codeSelector & 0xffff | level));
        cpu.loadSegment(Cpu.SS, SegmentState.flatData(codeSelector + STACK_OFFSET & 0xffff | level));
        cpu.setCpl(level);
    }
}
