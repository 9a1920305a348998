package dev.kvmguest.vmm.internal.emulator.isa.system;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.MsrFile;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Selector;

/** SYSENTER and SYSEXIT (Intel SDM volume 2): flat segments of fixed descriptors, no table is read. */
public final class FastSystemCalls {

    private static final int STACK_OFFSET = 8;
    private static final int USER_CODE_OFFSET = 16;
    /** Where 64-bit code of ring 3 is. */
    private static final int USER_CODE_64_OFFSET = 32;

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
        boolean to64 = cpu.isLongMode();
        enter(cpu, selector, 0, to64);
        int width = to64 ? 8 : 4;
        cpu.registers.set(Registers.RSP, width, cpu.msrs.stored(MsrFile.SYSENTER_ESP));
        cpu.eip = cpu.msrs.stored(MsrFile.SYSENTER_EIP) & AddressPolicy.offsetMask(width);
    }

    private static void sysexit(Cpu cpu, Instruction i) {
        int selector = kernelCodeSelector(cpu);
        Privilege.requireSupervisor(cpu);
        boolean to64 = i.operandSize == 8;
        int width = to64 ? 8 : 4;
        long pointer = cpu.registers.get(Registers.RCX, width);
        long target = cpu.registers.get(Registers.RDX, width);
        if (!AddressPolicy.isCanonical(pointer) || !AddressPolicy.isCanonical(target)) {
            throw CpuFault.generalProtection().because("SYSEXIT's stack pointer or return address is not canonical");
        }
        enter(cpu, selector + (to64 ? USER_CODE_64_OFFSET : USER_CODE_OFFSET), USER, to64);
        cpu.registers.set(Registers.RSP, width, pointer);
        cpu.eip = target;
    }

    private static int kernelCodeSelector(Cpu cpu) {
        int selector = (int) cpu.msrs.stored(MsrFile.SYSENTER_CS) & Selector.WITHOUT_RPL;
        if (!cpu.isProtected() || selector == 0) {
            throw CpuFault.generalProtection();
        }
        return selector;
    }

    private static void enter(Cpu cpu, int codeSelector, int level, boolean to64) {
        int selector = codeSelector & 0xffff | level;
        cpu.loadSegment(Cpu.CS, to64 ? LongModeSystemCalls.code64(selector) : SegmentState.flatCode(selector));
        cpu.loadSegment(Cpu.SS, SegmentState.flatData(codeSelector + STACK_OFFSET & 0xffff | level));
        cpu.setCpl(level);
    }
}
