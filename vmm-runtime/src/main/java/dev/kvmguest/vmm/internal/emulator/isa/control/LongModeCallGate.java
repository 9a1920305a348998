package dev.kvmguest.vmm.internal.emulator.isa.control;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.LongModeStacks;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.core.StackFrame;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Vector;

/** Far jumps and calls through call gates in long mode, which lead to 64-bit code (Intel SDM volume 3A, 5.8.3.1). */
final class LongModeCallGate {

    private static final int WIDTH = 8;

    private LongModeCallGate() {}

    static void jump(Cpu cpu, int gateSelector, SegmentDescriptor low) {
        LongModeDescriptor gate = cpu.segmentation.wide(gateSelector, low, Vector.GP);
        SegmentDescriptor code = code(cpu, gateSelector, gate);
        int selector = low.gateSelector();
        if (!code.isConforming() && code.dpl() != cpu.cpl()) {
            throw CpuFault.selector(Vector.GP, selector).because("a jump can't change the privilege level");
        }
        requireCanonical(gate);
        cpu.segmentation.markAccessed(selector, code);
        cpu.segmentation.loadCode(selector, code, cpu.cpl());
        cpu.eip = gate.gateOffset();
    }

    static void call(Cpu cpu, Instruction i, int gateSelector, SegmentDescriptor low) {
        LongModeDescriptor gate = cpu.segmentation.wide(gateSelector, low, Vector.GP);
        SegmentDescriptor code = code(cpu, gateSelector, gate);
        int selector = low.gateSelector();
        boolean inner = !code.isConforming() && code.dpl() < cpu.cpl();
        int level = inner ? code.dpl() : cpu.cpl();
        StackFrame frame = inner ? innerFrame(cpu, level) : StackFrame.current(cpu, WIDTH);
        frame.push(cpu.segments[Cpu.CS].selector()).push(i.nextEip);
        frame.requireRoom(0);
        requireCanonical(gate);
        frame.checkWritable();
        cpu.segmentation.markAccessed(selector, code);

        frame.write();
        if (inner) {
            LongModeStacks.loadNullStack(cpu, level);
        }
        frame.commitPointer();
        cpu.segmentation.loadCode(selector, code, level);
        cpu.eip = gate.gateOffset();
    }

    /** No parameters are copied. */
    private static StackFrame innerFrame(Cpu cpu, int level) {
        return StackFrame.of64(cpu, LongModeStacks.ofLevel(cpu, level, 0), level)
                .push(cpu.segments[Cpu.SS].selector())
                .push(cpu.registers.gpr[Registers.RSP]);
    }

    private static SegmentDescriptor code(Cpu cpu, int gateSelector, LongModeDescriptor gate) {
        SegmentDescriptor code = CallGate.code(cpu, gateSelector, gate.low());
        int selector = gate.low().gateSelector();
        if (!code.isLong() || code.default32()) {
            throw CpuFault.selector(Vector.GP, selector)
                    .because("the call gate's segment is not 64-bit code (L set, D clear)");
        }
        CallGate.requirePresent(selector, code);
        return code;
    }

    private static void requireCanonical(LongModeDescriptor gate) {
        if (!AddressPolicy.isCanonical(gate.gateOffset())) {
            throw CpuFault.generalProtection().because("the call gate's address is not canonical");
        }
    }
}
