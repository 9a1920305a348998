package dev.kvmguest.vmm.internal.emulator.isa.system;

import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;

/** LGDT, LIDT, LLDT, LTR and their opposites (Intel SDM volume 3A, 2.4). */
public final class DescriptorTableInstructions {

    private static final long BASE_24 = 0xff_ffff;

    private DescriptorTableInstructions() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.LGDT, DescriptorTableInstructions::loadGdt)
                .put(Mnemonic.LIDT, DescriptorTableInstructions::loadIdt)
                .put(Mnemonic.SGDT, DescriptorTableInstructions::storeGdt)
                .put(Mnemonic.SIDT, DescriptorTableInstructions::storeIdt)
                .put(Mnemonic.LLDT, DescriptorTableInstructions::loadLdt)
                .put(Mnemonic.SLDT, DescriptorTableInstructions::storeLdt)
                .put(Mnemonic.LTR, DescriptorTableInstructions::loadTask)
                .put(Mnemonic.STR, DescriptorTableInstructions::storeTask);
    }

    private static void loadGdt(Cpu cpu, Instruction i) {
        cpu.gdtr = read(cpu, i);
    }

    private static void loadIdt(Cpu cpu, Instruction i) {
        cpu.idtr = read(cpu, i);
    }

    private static DescriptorTable read(Cpu cpu, Instruction i) {
        Privilege.requireSupervisor(cpu);
        long offset = i.op0.offset(cpu);
        int limit = (int) cpu.memory.read16(i.op0.segment, offset);
        long base = cpu.memory.read32(i.op0.segment, offset + 2 & i.addressMask);
        return new DescriptorTable(i.operandSize == 2 ? base & BASE_24 : base, limit);
    }

    private static void storeGdt(Cpu cpu, Instruction i) {
        write(cpu, i, cpu.gdtr);
    }

    private static void storeIdt(Cpu cpu, Instruction i) {
        write(cpu, i, cpu.idtr);
    }

    /** All of the base is written, whatever the operand size, as processors since the 80386 do. */
    private static void write(Cpu cpu, Instruction i, DescriptorTable table) {
        int segment = i.op0.segment;
        long offset = i.op0.offset(cpu);
        long baseOffset = offset + 2 & i.addressMask;
        cpu.memory.checkWritable(segment, offset, 2);
        cpu.memory.checkWritable(segment, baseOffset, 4);
        cpu.memory.write16(segment, offset, table.limit());
        cpu.memory.write32(segment, baseOffset, table.base());
    }

    private static void loadLdt(Cpu cpu, Instruction i) {
        requireProtected(cpu);
        Privilege.requireSupervisor(cpu);
        int selector = (int) i.op0.read(cpu) & 0xffff;
        if (Selector.isNull(selector)) {
            cpu.ldtr.load(new SegmentState(selector, 0, 0, SegmentState.UNUSABLE), true);
            return;
        }
        SegmentDescriptor descriptor = global(cpu, selector);
        if (!descriptor.isSystem(SegmentDescriptor.LDT)) {
            throw CpuFault.selector(Vector.GP, selector).because("the descriptor is not that of an LDT");
        }
        requirePresent(selector, descriptor);
        cpu.ldtr.load(descriptor.loadedSystem(selector), true);
    }

    private static void storeLdt(Cpu cpu, Instruction i) {
        requireProtected(cpu);
        i.op0.write(cpu, cpu.ldtr.selector());
    }

    private static void loadTask(Cpu cpu, Instruction i) {
        requireProtected(cpu);
        Privilege.requireSupervisor(cpu);
        int selector = (int) i.op0.read(cpu) & 0xffff;
        if (Selector.isNull(selector)) {
            throw CpuFault.generalProtection().because("TR must not be null");
        }
        SegmentDescriptor descriptor = global(cpu, selector);
        if (!descriptor.isAvailableTss()) {
            throw CpuFault.selector(Vector.GP, selector).because("the descriptor is not that of an available TSS");
        }
        requirePresent(selector, descriptor);
        cpu.segmentation.markBusy(selector, descriptor);
        cpu.segmentation.loadTask(selector, descriptor);
    }

    private static void storeTask(Cpu cpu, Instruction i) {
        requireProtected(cpu);
        i.op0.write(cpu, cpu.tr.selector());
    }

    private static SegmentDescriptor global(Cpu cpu, int selector) {
        if (Selector.isLocal(selector)) {
            throw CpuFault.selector(Vector.GP, selector).because("the descriptor must be in the GDT");
        }
        return cpu.segmentation.get(selector, Vector.GP, 0);
    }

    private static void requirePresent(int selector, SegmentDescriptor descriptor) {
        if (!descriptor.isPresent()) {
            throw CpuFault.selector(Vector.NP, selector).because("the segment is not present");
        }
    }

    /** These instructions exist where selectors are those of descriptors. */
    static void requireProtected(Cpu cpu) {
        if (!cpu.usesDescriptors()) {
            throw CpuFault.invalidOpcode()
                    .because("the instruction does not exist in "
                            + (cpu.isProtected() ? "virtual-8086 mode" : "real mode"));
        }
    }
}
