package dev.kvmguest.vmm.internal.emulator.isa.system;

import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
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
        if (cpu.mode().is64()) {
            long base = cpu.memory.read64(i.op0.segment, offset + 2 & i.addressMask);
            if (!AddressPolicy.isCanonical(base)) {
                throw CpuFault.generalProtection().because("the table's address is not canonical");
            }
            return new DescriptorTable(base, limit);
        }
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
        Privilege.requireStoreAllowed(cpu);
        int baseWidth = cpu.mode().is64() ? 8 : 4;
        int segment = i.op0.segment;
        long offset = i.op0.offset(cpu);
        long baseOffset = offset + 2 & i.addressMask;
        cpu.memory.checkWritable(segment, offset, 2);
        cpu.memory.checkWritable(segment, baseOffset, baseWidth);
        cpu.memory.write16(segment, offset, table.limit());
        cpu.memory.write(segment, baseOffset, baseWidth, table.base());
    }

    private static void loadLdt(Cpu cpu, Instruction i) {
        requireProtected(cpu);
        Privilege.requireSupervisor(cpu);
        int selector = (int) i.op0.read(cpu) & 0xffff;
        if (Selector.isNull(selector)) {
            cpu.ldtr.load(new SegmentState(selector, 0, 0, SegmentState.UNUSABLE), cpu.mode());
            return;
        }
        SegmentDescriptor descriptor = global(cpu, selector);
        if (!descriptor.isSystem(SegmentDescriptor.LDT)) {
            throw CpuFault.selector(Vector.GP, selector).because("the descriptor is not that of an LDT");
        }
        SegmentState table =
                cpu.isLongMode() ? wide(cpu, selector, descriptor).loaded(selector) : descriptor.loadedSystem(selector);
        requirePresent(selector, descriptor);
        cpu.ldtr.load(table, cpu.mode());
    }

    private static void storeLdt(Cpu cpu, Instruction i) {
        requireProtected(cpu);
        Privilege.requireStoreAllowed(cpu);
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
        if (!descriptor.isAvailableTss() || cpu.isLongMode() && !descriptor.isWide()) {
            throw CpuFault.selector(Vector.GP, selector).because("the descriptor is not that of an available TSS");
        }
        SegmentState task =
                cpu.isLongMode() ? wide(cpu, selector, descriptor).loaded(selector) : descriptor.loadedSystem(selector);
        requirePresent(selector, descriptor);
        cpu.segmentation.markBusy(selector, descriptor);
        cpu.segmentation.loadTask(task);
    }

    private static void storeTask(Cpu cpu, Instruction i) {
        requireProtected(cpu);
        Privilege.requireStoreAllowed(cpu);
        i.op0.write(cpu, cpu.tr.selector());
    }

    private static SegmentDescriptor global(Cpu cpu, int selector) {
        if (Selector.isLocal(selector)) {
            throw CpuFault.selector(Vector.GP, selector).because("the descriptor must be in the GDT");
        }
        return cpu.segmentation.get(selector, Vector.GP, 0);
    }

    private static LongModeDescriptor wide(Cpu cpu, int selector, SegmentDescriptor low) {
        LongModeDescriptor descriptor = cpu.segmentation.wide(selector, low, Vector.GP);
        if (!AddressPolicy.isCanonical(descriptor.base())) {
            throw CpuFault.generalProtection().because("the descriptor's base is not canonical");
        }
        return descriptor;
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
