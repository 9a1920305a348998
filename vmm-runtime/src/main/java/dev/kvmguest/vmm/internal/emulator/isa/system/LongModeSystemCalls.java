package dev.kvmguest.vmm.internal.emulator.isa.system;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.MsrFile;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Selector;

/**
 * SYSCALL, SYSRET, SWAPGS, and the bases of FS and GS (Intel SDM volume 2). As on processors of Intel, SYSCALL and
 * SYSRET are for 64-bit code only, and SYSRET to an address that isn't canonical is #GP in ring 0, with the stack of
 * ring 3; those of AMD fault in ring 3.
 */
public final class LongModeSystemCalls {

    /** Where the segments are in STAR: those of SYSCALL and those of SYSRET. */
    private static final int KERNEL_SHIFT = 32;

    private static final int USER_SHIFT = 48;

    private static final int STACK_OFFSET = 8;
    private static final int CODE_64_OFFSET = 16;
    private static final int USER = 3;

    /** What SYSRET takes from R11: all flags but RF and VM (volume 2, SYSRET). */
    private static final int RETURNED_FLAGS = 0x3c_7fd7;

    private LongModeSystemCalls() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.SYSCALL, LongModeSystemCalls::syscall)
                .put(Mnemonic.SYSRET, LongModeSystemCalls::sysret)
                .put(Mnemonic.SWAPGS, LongModeSystemCalls::swapGs)
                .put(Mnemonic.RDFSBASE, (cpu, i) -> readBase(cpu, i, Cpu.FS))
                .put(Mnemonic.RDGSBASE, (cpu, i) -> readBase(cpu, i, Cpu.GS))
                .put(Mnemonic.WRFSBASE, (cpu, i) -> writeBase(cpu, i, Cpu.FS))
                .put(Mnemonic.WRGSBASE, (cpu, i) -> writeBase(cpu, i, Cpu.GS));
    }

    private static void syscall(Cpu cpu, Instruction i) {
        requireEnabled(cpu);
        long[] gpr = cpu.registers.gpr;
        gpr[Registers.RCX] = i.nextEip;
        gpr[Registers.R11] = cpu.eflags.get() & ~Flag.RF;
        int cleared = (int) cpu.msrs.stored(MsrFile.FMASK);
        cpu.eflags.set(cpu.eflags.get() & ~(cleared | Flag.RF));
        cpu.traceByNewFlags();
        int selector = (int) (cpu.msrs.stored(MsrFile.STAR) >>> KERNEL_SHIFT) & Selector.WITHOUT_RPL;
        enter(cpu, code64(selector), selector + STACK_OFFSET, 0);
        cpu.eip = cpu.msrs.stored(MsrFile.LSTAR);
    }

    private static void sysret(Cpu cpu, Instruction i) {
        requireEnabled(cpu);
        Privilege.requireSupervisor(cpu);
        boolean to64 = i.operandSize == 8;
        long target = cpu.registers.get(Registers.RCX, to64 ? 8 : 4);
        if (!AddressPolicy.isCanonical(target)) {
            throw CpuFault.generalProtection().because("SYSRET's return address in RCX is not canonical");
        }
        int selector = (int) (cpu.msrs.stored(MsrFile.STAR) >>> USER_SHIFT) | USER;
        cpu.eflags.set((int) cpu.registers.gpr[Registers.R11] & RETURNED_FLAGS);
        cpu.traceByNewFlags();
        SegmentState code = to64 ? code64(selector + CODE_64_OFFSET) : SegmentState.flatCode(selector);
        enter(cpu, code, selector + STACK_OFFSET, USER);
        cpu.eip = target;
    }

    private static void requireEnabled(Cpu cpu) {
        if (!cpu.mode().is64()) {
            throw CpuFault.invalidOpcode().because("the instruction is for 64-bit code");
        }
        if ((cpu.efer() & Efer.SCE) == 0) {
            throw CpuFault.invalidOpcode().because("SYSCALL and SYSRET are off: EFER.SCE is clear");
        }
    }

    /** Returns flat 64-bit code; no table is read. */
    static SegmentState code64(int selector) {
        SegmentState code = SegmentState.flatCode(selector & 0xffff);
        return new SegmentState(
                code.selector(), 0, code.limit(), code.accessRights() & ~AccessRights.BIG | AccessRights.LONG);
    }

    private static void enter(Cpu cpu, SegmentState code, int stackSelector, int level) {
        cpu.loadSegment(Cpu.CS, code);
        cpu.loadSegment(Cpu.SS, SegmentState.flatData(stackSelector & 0xffff));
        cpu.setCpl(level);
    }

    private static void swapGs(Cpu cpu, Instruction i) {
        require64(cpu);
        Privilege.requireSupervisor(cpu);
        long base = cpu.segments[Cpu.GS].cachedBase();
        cpu.setSegmentBase(Cpu.GS, cpu.msrs.stored(MsrFile.KERNEL_GS_BASE));
        cpu.msrs.write(MsrFile.KERNEL_GS_BASE, base);
    }

    private static void readBase(Cpu cpu, Instruction i, int segment) {
        requireBaseInstructions(cpu);
        i.op0.write(cpu, cpu.segments[segment].cachedBase());
    }

    private static void writeBase(Cpu cpu, Instruction i, int segment) {
        requireBaseInstructions(cpu);
        long base = i.op0.read(cpu);
        if (!AddressPolicy.isCanonical(base)) {
            throw CpuFault.generalProtection().because("the base is not canonical");
        }
        cpu.setSegmentBase(segment, base);
    }

    private static void requireBaseInstructions(Cpu cpu) {
        require64(cpu);
        if ((cpu.cr4() & Cr4.FSGSBASE) == 0) {
            throw CpuFault.invalidOpcode().because("CR4.FSGSBASE is clear");
        }
    }

    private static void require64(Cpu cpu) {
        if (!cpu.mode().is64()) {
            throw CpuFault.invalidOpcode().because("the instruction is for 64-bit code");
        }
    }
}
