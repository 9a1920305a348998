package dev.kvmguest.vmm.internal.emulator.isa.system;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;

/** VERR, VERW, LAR, LSL and ARPL: what would be allowed, told in ZF (Intel SDM volume 3A, 5.10). */
public final class SegmentChecks {

    /** What LAR shows of a descriptor's upper half; bits 19:16 are undefined, and processors show them as they are. */
    private static final long ACCESS_RIGHTS = 0xff_ff00;

    private SegmentChecks() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.VERR, SegmentChecks::verifyRead)
                .put(Mnemonic.VERW, SegmentChecks::verifyWrite)
                .put(Mnemonic.LAR, SegmentChecks::loadRights)
                .put(Mnemonic.LSL, SegmentChecks::loadLimit)
                .put(Mnemonic.ARPL, SegmentChecks::adjustRpl);
    }

    private static void verifyRead(Cpu cpu, Instruction i) {
        DescriptorTableInstructions.requireProtected(cpu);
        SegmentDescriptor descriptor = reachable(cpu, selector(i.op0.read(cpu)));
        cpu.eflags.setZero(descriptor != null && descriptor.isReadable());
    }

    private static void verifyWrite(Cpu cpu, Instruction i) {
        DescriptorTableInstructions.requireProtected(cpu);
        SegmentDescriptor descriptor = reachable(cpu, selector(i.op0.read(cpu)));
        cpu.eflags.setZero(descriptor != null && descriptor.isWritable());
    }

    private static void loadRights(Cpu cpu, Instruction i) {
        DescriptorTableInstructions.requireProtected(cpu);
        SegmentDescriptor descriptor = reachable(cpu, selector(i.op1.read(cpu)));
        boolean shown = descriptor != null
                && (hasLimit(cpu, descriptor)
                        || (cpu.isLongMode()
                                ? LongModeDescriptor.isCallGate(descriptor)
                                : descriptor.isCallGate() || descriptor.isTaskGate()));
        if (shown) {
            i.op0.write(cpu, descriptor.upperHalf() & ACCESS_RIGHTS);
        }
        cpu.eflags.setZero(shown);
    }

    private static void loadLimit(Cpu cpu, Instruction i) {
        DescriptorTableInstructions.requireProtected(cpu);
        SegmentDescriptor descriptor = reachable(cpu, selector(i.op1.read(cpu)));
        boolean shown = descriptor != null && hasLimit(cpu, descriptor);
        if (shown) {
            i.op0.write(cpu, descriptor.limit());
        }
        cpu.eflags.setZero(shown);
    }

    /** Long mode has no 16-bit TSS. */
    private static boolean hasLimit(Cpu cpu, SegmentDescriptor descriptor) {
        return descriptor.isCodeOrData()
                || descriptor.isTss() && (descriptor.isWide() || !cpu.isLongMode())
                || descriptor.isSystem(SegmentDescriptor.LDT);
    }

    /** Memory need only be writable if it is written, as processors have it. */
    private static void adjustRpl(Cpu cpu, Instruction i) {
        DescriptorTableInstructions.requireProtected(cpu);
        int selector = (int) i.op0.read(cpu);
        int rpl = Selector.rpl((int) i.op1.read(cpu));
        boolean raised = Selector.rpl(selector) < rpl;
        if (raised) {
            i.op0.write(cpu, Selector.withRpl(selector, rpl));
        }
        cpu.eflags.setZero(raised);
    }

    /** Takes the selector in the lowest 16 bits of an operand; it may be a whole register. */
    private static int selector(long operand) {
        return (int) operand & 0xffff;
    }

    /** Returns a selector's descriptor, null if it has none or privilege keeps from it. */
    private static SegmentDescriptor reachable(Cpu cpu, int selector) {
        SegmentDescriptor descriptor = Selector.isNull(selector) ? null : cpu.segmentation.find(selector);
        if (descriptor == null || !descriptor.isConforming() && cpu.segmentation.isAbove(selector, descriptor)) {
            return null;
        }
        return descriptor;
    }
}
