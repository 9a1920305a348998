package dev.kvmguest.vmm.internal.emulator.isa.system;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.PagingMode;

/**
 * MOV to and from control registers, CLTS, LMSW, SMSW, INVLPG, HLT, cache control (Intel SDM volume 3A, 2.5 and 2.8,
 * and volume 2).
 */
public final class ControlRegisters {

    private static final long CR0_DEFINED =
            Cr0.PE | Cr0.MP | Cr0.EM | Cr0.TS | Cr0.ET | Cr0.NE | Cr0.WP | Cr0.AM | Cr0.NW | Cr0.CD | Cr0.PG;
    /** A change of one of these loads the page-directory-pointer table again (volume 3A, 4.4.1). */
    private static final long CR0_RELOADS_POINTERS = Cr0.PG | Cr0.CD | Cr0.NW;

    /** What CPUID says there is; the other bits are reserved. */
    public static final long CR4_DEFINED = Cr4.VME
            | Cr4.PVI
            | Cr4.TSD
            | Cr4.DE
            | Cr4.PSE
            | Cr4.PAE
            | Cr4.PGE
            | Cr4.PCE
            | Cr4.OSFXSR
            | Cr4.OSXMMEXCPT
            | Cr4.UMIP
            | Cr4.FSGSBASE
            | Cr4.OSXSAVE
            | Cr4.SMEP
            | Cr4.SMAP;

    private static final long CR4_RELOADS_POINTERS = Cr4.PAE | Cr4.PGE | Cr4.PSE;

    /** What LMSW can change: PE, MP, EM and TS. */
    private static final long MACHINE_STATUS = 0xf;

    /** CR8. */
    private static final int TASK_PRIORITY = 8;

    private static final long HIGHEST_PRIORITY = 0xf;
    /** Set in the type of a TSS that isn't a 16-bit one. */
    private static final int WIDE_TSS = 8;

    private ControlRegisters() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.MOV_CONTROL, ControlRegisters::mov)
                .put(Mnemonic.CLTS, ControlRegisters::clts)
                .put(Mnemonic.LMSW, ControlRegisters::lmsw)
                .put(Mnemonic.SMSW, ControlRegisters::smsw)
                .put(Mnemonic.INVLPG, ControlRegisters::invlpg)
                .put(Mnemonic.INVD, ControlRegisters::controlCache)
                .put(Mnemonic.WBINVD, ControlRegisters::controlCache)
                .put(Mnemonic.HLT, ControlRegisters::hlt);
    }

    private static void mov(Cpu cpu, Instruction i) {
        boolean write = i.op0.kind == Operand.Kind.CONTROL;
        int number = write ? i.op0.number : i.op1.number;
        if (number == 1 || number > 4 && number != TASK_PRIORITY) {
            throw CpuFault.invalidOpcode();
        }
        Privilege.requireSupervisor(cpu);
        if (write) {
            write(cpu, number, i.op1.read(cpu));
        } else {
            i.op0.write(cpu, read(cpu, number));
        }
    }

    private static long read(Cpu cpu, int number) {
        return switch (number) {
            case 0 -> cpu.cr0();
            case 2 -> cpu.cr2();
            case 3 -> cpu.cr3();
            case 4 -> cpu.cr4();
            default -> cpu.taskPriority;
        };
    }

    private static void write(Cpu cpu, int number, long value) {
        switch (number) {
            case 0 -> writeCr0(cpu, value);
            case 2 -> cpu.setCr2(value);
            case 3 -> writeCr3(cpu, value);
            case 4 -> writeCr4(cpu, value);
            default -> writeTaskPriority(cpu, value);
        }
    }

    private static void writeCr0(Cpu cpu, long value) {
        boolean paging = (value & Cr0.PG) != 0;
        if (value >>> Integer.SIZE != 0 || paging && (value & Cr0.PE) == 0) {
            throw CpuFault.generalProtection();
        }
        if ((value & Cr0.NW) != 0 && (value & Cr0.CD) == 0) {
            throw CpuFault.generalProtection();
        }
        boolean longMode = (cpu.efer() & Efer.LME) != 0;
        if (longMode && paging && !cpu.isPaging()) {
            requireLongModePossible(cpu);
        }
        if (!paging && cpu.mode().is64()) {
            throw CpuFault.generalProtection().because("64-bit mode can't be without paging; leave it first");
        }
        long accepted = value & CR0_DEFINED | Cr0.ET;
        boolean pae = (cpu.cr4() & Cr4.PAE) != 0 && !longMode;
        if (paging && pae && ((accepted ^ cpu.cr0()) & CR0_RELOADS_POINTERS) != 0) {
            loadPointers(cpu, cpu.cr3());
        }
        cpu.setCr0(accepted);
    }

    /** Throws #GP(0) unless long mode can be entered now (volume 3A, 9.8.5). */
    private static void requireLongModePossible(Cpu cpu) {
        if ((cpu.cr4() & Cr4.PAE) == 0) {
            throw CpuFault.generalProtection().because("EFER.LME is set and CR4.PAE is clear");
        }
        if (cpu.segments[Cpu.CS].isLong()) {
            throw CpuFault.generalProtection().because("EFER.LME is set, and the code segment has L set already");
        }
        if (!cpu.tr.isUnusable() && (cpu.tr.type() & WIDE_TSS) == 0) {
            throw CpuFault.generalProtection().because("EFER.LME is set, and TR has a 16-bit TSS");
        }
    }

    private static void writeCr3(Cpu cpu, long value) {
        if (cpu.isLongMode()) {
            if ((value & ~PagingMode.PHYSICAL) != 0) {
                throw CpuFault.generalProtection().because("CR3 has reserved bits set");
            }
        } else if (cpu.isPaging() && (cpu.cr4() & Cr4.PAE) != 0) {
            loadPointers(cpu, value);
        }
        cpu.setCr3(value);
    }

    /** There is no local APIC yet that the priority could hold back interrupts from. */
    private static void writeTaskPriority(Cpu cpu, long value) {
        if ((value & ~HIGHEST_PRIORITY) != 0) {
            throw CpuFault.generalProtection().because("CR8 has reserved bits set");
        }
        cpu.taskPriority = value;
    }

    private static void writeCr4(Cpu cpu, long value) {
        if ((value & ~CR4_DEFINED) != 0) {
            throw CpuFault.generalProtection();
        }
        boolean pae = (value & Cr4.PAE) != 0;
        if (!pae && cpu.isLongMode()) {
            throw CpuFault.generalProtection().because("long mode can't be without CR4.PAE");
        }
        if (cpu.isPaging() && !cpu.isLongMode() && pae && ((value ^ cpu.cr4()) & CR4_RELOADS_POINTERS) != 0) {
            loadPointers(cpu, cpu.cr3());
        }
        cpu.setCr4(value);
    }

    private static void loadPointers(Cpu cpu, long cr3) {
        if (!cpu.memory.loadPageDirectoryPointers(cr3)) {
            throw CpuFault.generalProtection();
        }
    }

    private static void clts(Cpu cpu, Instruction i) {
        Privilege.requireSupervisor(cpu);
        cpu.setCr0(cpu.cr0() & ~Cr0.TS);
    }

    private static void lmsw(Cpu cpu, Instruction i) {
        Privilege.requireSupervisor(cpu);
        // PE can be set, but not cleared.
        long kept = ~MACHINE_STATUS | Cr0.PE;
        cpu.setCr0(cpu.cr0() & kept | i.op0.read(cpu) & MACHINE_STATUS);
    }

    /** Stores 16 bits to memory and as many as the operand size has to a register. */
    private static void smsw(Cpu cpu, Instruction i) {
        Privilege.requireStoreAllowed(cpu);
        i.op0.write(cpu, cpu.cr0());
    }

    private static void invlpg(Cpu cpu, Instruction i) {
        Privilege.requireSupervisor(cpu);
        // The address is not checked against the segment's limit.
        cpu.invalidatePage(cpu.memory.linear(cpu.segments[i.op0.segment], i.op0.offset(cpu)));
    }

    /** There is no cache that a guest could see. */
    private static void controlCache(Cpu cpu, Instruction i) {
        Privilege.requireSupervisor(cpu);
    }

    private static void hlt(Cpu cpu, Instruction i) {
        Privilege.requireSupervisor(cpu);
        cpu.host.halt();
    }
}
