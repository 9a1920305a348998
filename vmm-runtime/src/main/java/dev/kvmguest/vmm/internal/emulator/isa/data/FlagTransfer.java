package dev.kvmguest.vmm.internal.emulator.isa.data;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.core.Virtual8086;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.engine.InterruptShadow;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Flag;

/**
 * Instructions that read or set single flags, or all of them (Intel SDM volume 2, at each instruction). The privilege
 * level is 0 in real mode, so that what it forbids needs no look at CR0.PE. Where IOPL forbids a change of IF, VIF may
 * stand for it: in virtual-8086 mode with CR4.VME, and in ring 3 with CR4.PVI (volume 3A, 20.3 and 20.4).
 */
public final class FlagTransfer {

    private static final int AH = Registers.HIGH_BYTE | Registers.RAX;
    /** The flags that LAHF and SAHF know. */
    private static final int LOW_ARITHMETIC = Flag.SF | Flag.ZF | Flag.AF | Flag.PF | Flag.CF;

    private FlagTransfer() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.CLC, (cpu, i) -> cpu.eflags.setCarry(false))
                .put(Mnemonic.STC, (cpu, i) -> cpu.eflags.setCarry(true))
                .put(Mnemonic.CMC, (cpu, i) -> cpu.eflags.setCarry(!cpu.eflags.carry()))
                .put(Mnemonic.CLD, (cpu, i) -> cpu.eflags.put(Flag.DF, false))
                .put(Mnemonic.STD, (cpu, i) -> cpu.eflags.put(Flag.DF, true))
                .put(Mnemonic.CLAC, (cpu, i) -> setAlignmentCheck(cpu, false))
                .put(Mnemonic.STAC, (cpu, i) -> setAlignmentCheck(cpu, true))
                .put(Mnemonic.CLI, FlagTransfer::cli)
                .put(Mnemonic.STI, FlagTransfer::sti)
                .put(Mnemonic.LAHF, FlagTransfer::lahf)
                .put(Mnemonic.SAHF, FlagTransfer::sahf)
                .put(Mnemonic.PUSHF, FlagTransfer::pushf)
                .put(Mnemonic.PUSHFD, FlagTransfer::pushf)
                .put(Mnemonic.PUSHFQ, FlagTransfer::pushf)
                .put(Mnemonic.POPF, FlagTransfer::popf)
                .put(Mnemonic.POPFD, FlagTransfer::popf)
                .put(Mnemonic.POPFQ, FlagTransfer::popf);
    }

    /** CLAC and STAC: with CR4.SMAP the flag lets ring 0 access pages of ring 3 (volume 2, CLAC). */
    private static void setAlignmentCheck(Cpu cpu, boolean on) {
        if (cpu.cpl() != 0 || cpu.isVirtual8086()) {
            throw CpuFault.invalidOpcode().because("the instruction is for privilege level 0");
        }
        cpu.eflags.put(Flag.AC, on);
    }

    /** Nothing can become due by it, so that the block goes on. */
    private static void cli(Cpu cpu, Instruction i) {
        if (mayChangeInterruptFlag(cpu)) {
            cpu.eflags.put(Flag.IF, false);
        } else {
            cpu.eflags.put(Flag.VIF, false);
        }
    }

    private static void sti(Cpu cpu, Instruction i) {
        if (!mayChangeInterruptFlag(cpu)) {
            if (cpu.eflags.has(Flag.VIP)) {
                throw CpuFault.generalProtection().because("a virtual interrupt is pending (EFLAGS.VIP)");
            }
            cpu.eflags.put(Flag.VIF, true);
        } else if (!cpu.eflags.has(Flag.IF)) {
            cpu.eflags.put(Flag.IF, true);
            cpu.shadow(InterruptShadow.STI);
        }
    }

    /** Returns whether CLI and STI change IF; if not, they change VIF. */
    private static boolean mayChangeInterruptFlag(Cpu cpu) {
        if (cpu.cpl() <= cpu.eflags.iopl()) {
            return true;
        }
        boolean virtual = cpu.isVirtual8086()
                ? (cpu.cr4() & Cr4.VME) != 0
                : cpu.cpl() == Virtual8086.LEVEL && (cpu.cr4() & Cr4.PVI) != 0;
        if (!virtual) {
            throw CpuFault.generalProtection().because("IOPL is below the privilege level");
        }
        return false;
    }

    private static void lahf(Cpu cpu, Instruction i) {
        cpu.registers.set(AH, 1, cpu.eflags.arithmetic() & LOW_ARITHMETIC | Flag.FIXED);
    }

    private static void sahf(Cpu cpu, Instruction i) {
        int loaded = (int) cpu.registers.get(AH, 1);
        cpu.eflags.setArithmetic(cpu.eflags.arithmetic() & ~LOW_ARITHMETIC | loaded & LOW_ARITHMETIC);
    }

    private static void pushf(Cpu cpu, Instruction i) {
        boolean virtual = i.operandSize == 2 && Virtual8086.hasVirtualInterruptFlag(cpu);
        if (cpu.isVirtual8086() && !virtual) {
            Virtual8086.requireIopl(cpu);
        }
        int flags = virtual ? Virtual8086.flagsWithVif(cpu) : cpu.eflags.get() & ~(Flag.RF | Flag.VM);
        Stack.push(cpu, i.operandSize, flags);
    }

    /**
     * Flags that the privilege level doesn't allow to change stay as they are, without a fault. RF need not be cleared:
     * it is whenever an instruction begins.
     */
    private static void popf(Cpu cpu, Instruction i) {
        if (i.operandSize == 2 && Virtual8086.hasVirtualInterruptFlag(cpu)) {
            Virtual8086.checkFlagsWithVif(cpu, (int) Stack.peek(cpu, 0, 2));
            Virtual8086.setFlagsWithVif(cpu, (int) Stack.pop(cpu, 2));
            return;
        }
        if (cpu.isVirtual8086()) {
            Virtual8086.requireIopl(cpu);
        }
        int changed = Flag.ARITHMETIC | Flag.TF | Flag.DF | Flag.NT;
        if (cpu.cpl() == 0) {
            changed |= Flag.IOPL;
        }
        if (cpu.cpl() <= cpu.eflags.iopl()) {
            changed |= Flag.IF;
        }
        if (i.operandSize >= 4) {
            changed |= Flag.AC | Flag.ID;
        }
        int loaded = (int) Stack.pop(cpu, i.operandSize);
        cpu.eflags.set(cpu.eflags.get() & ~changed | loaded & changed);
        cpu.controlFlagsChanged();
    }
}
