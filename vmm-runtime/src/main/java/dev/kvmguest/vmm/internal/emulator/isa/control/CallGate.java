package dev.kvmguest.vmm.internal.emulator.isa.control;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.InnerStack;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.core.StackFrame;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;

/** Far jumps and calls through call gates (Intel SDM volume 3A, 5.8.3 to 5.8.5). */
final class CallGate {

    private CallGate() {}

    static void jump(Cpu cpu, int gateSelector, SegmentDescriptor gate) {
        SegmentDescriptor code = code(cpu, gateSelector, gate);
        int selector = gate.gateSelector();
        if (!code.isConforming() && code.dpl() != cpu.cpl()) {
            throw CpuFault.selector(Vector.GP, selector).because("a jump can't change the privilege level");
        }
        requirePresent(selector, code);
        FarTransfer.requireInLimit(cpu, code, gate.gateOffset());
        cpu.segmentation.markAccessed(selector, code);
        cpu.segmentation.loadCode(selector, code, cpu.cpl());
        cpu.eip = gate.gateOffset();
    }

    static void call(Cpu cpu, Instruction i, int gateSelector, SegmentDescriptor gate) {
        SegmentDescriptor code = code(cpu, gateSelector, gate);
        int selector = gate.gateSelector();
        requirePresent(selector, code);
        if (!code.isConforming() && code.dpl() < cpu.cpl()) {
            callInner(cpu, i, gate, code);
        } else {
            FarTransfer.callSameLevel(cpu, i.nextEip, gate.gateWidth(), selector, code, gate.gateOffset());
        }
    }

    /** Returns the code that a gate leads to, present or not, after all checks of both. */
    static SegmentDescriptor code(Cpu cpu, int gateSelector, SegmentDescriptor gate) {
        if (cpu.segmentation.isAbove(gateSelector, gate)) {
            throw CpuFault.selector(Vector.GP, gateSelector).because("the call gate's DPL is below CPL or RPL");
        }
        if (!gate.isPresent()) {
            throw CpuFault.selector(Vector.NP, gateSelector).because("the call gate is not present");
        }
        int selector = gate.gateSelector();
        if (Selector.isNull(selector)) {
            throw CpuFault.generalProtection().because("the call gate's code segment is null");
        }
        SegmentDescriptor code = cpu.segmentation.get(selector, Vector.GP, 0);
        if (!code.isCode()) {
            throw CpuFault.selector(Vector.GP, selector).because("the call gate's segment is not code");
        }
        if (code.dpl() > cpu.cpl()) {
            throw CpuFault.selector(Vector.GP, selector).because("the call gate leads to an outer privilege level");
        }
        return code;
    }

    static void requirePresent(int selector, SegmentDescriptor code) {
        if (!code.isPresent()) {
            throw CpuFault.selector(Vector.NP, selector).because("the call gate's code segment is not present");
        }
    }

    private static void callInner(Cpu cpu, Instruction i, SegmentDescriptor gate, SegmentDescriptor code) {
        int level = code.dpl();
        int width = gate.gateWidth();
        InnerStack inner = InnerStack.find(cpu, level, 0);
        StackFrame frame = new StackFrame(cpu, inner.segment(), inner.pointer(), level, width)
                .push(cpu.segments[Cpu.SS].selector())
                .push(cpu.registers.gpr[Registers.RSP]);
        for (int parameter = gate.gateParameters() - 1; parameter >= 0; parameter--) {
            frame.push(FarReturn.peek(cpu, (long) parameter * width, width));
        }
        frame.push(cpu.segments[Cpu.CS].selector()).push(i.nextEip);
        frame.requireRoom(inner.segment().selector() & ~3);
        FarTransfer.requireInLimit(cpu, code, gate.gateOffset());
        frame.checkWritable();
        cpu.segmentation.markAccessed(gate.gateSelector(), code);
        inner.markAccessed(cpu);

        frame.write();
        inner.load(cpu);
        frame.commitPointer();
        cpu.segmentation.loadCode(gate.gateSelector(), code, level);
        cpu.eip = gate.gateOffset();
    }
}
