package dev.kvmguest.vmm.internal.emulator.isa.control;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.StackFrame;
import dev.kvmguest.vmm.internal.emulator.core.TaskSwitch;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * Jumps, calls and returns to other code segments; the checks in the order of the pseudocode of JMP, CALL and RET
 * (Intel SDM volume 2).
 */
public final class FarTransfer {

    private FarTransfer() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.JMP_FAR, FarTransfer::jump)
                .put(Mnemonic.CALL_FAR, FarTransfer::call)
                .put(Mnemonic.RETF, FarTransfer::ret);
    }

    private static void jump(Cpu cpu, Instruction i) {
        long offset = offset(cpu, i);
        int selector = selector(cpu, i);
        if (!cpu.usesDescriptors()) {
            requireInCode(cpu, offset);
            cpu.loadRealSegment(Cpu.CS, selector);
            cpu.eip = offset;
            return;
        }
        SegmentDescriptor target = target(cpu, selector);
        if (cpu.isLongMode()) {
            if (LongModeDescriptor.isCallGate(target)) {
                LongModeCallGate.jump(cpu, selector, target);
                return;
            }
        } else if (target.isCallGate()) {
            CallGate.jump(cpu, selector, target);
            return;
        } else if (target.isTaskGate() || target.isTss()) {
            switchTask(cpu, i, TaskSwitch.Cause.JUMP, selector, target);
            return;
        }
        checkCode(cpu, selector, target);
        requireInLimit(cpu, target, offset);
        cpu.segmentation.markAccessed(selector, target);
        cpu.segmentation.loadCode(selector, target, cpu.cpl());
        cpu.eip = offset;
    }

    private static void call(Cpu cpu, Instruction i) {
        long offset = offset(cpu, i);
        int selector = selector(cpu, i);
        if (!cpu.usesDescriptors()) {
            callReal(cpu, i, selector, offset);
            return;
        }
        SegmentDescriptor target = target(cpu, selector);
        if (cpu.isLongMode()) {
            if (LongModeDescriptor.isCallGate(target)) {
                LongModeCallGate.call(cpu, i, selector, target);
                return;
            }
        } else if (target.isCallGate()) {
            CallGate.call(cpu, i, selector, target);
            return;
        } else if (target.isTaskGate() || target.isTss()) {
            switchTask(cpu, i, TaskSwitch.Cause.CALL, selector, target);
            return;
        }
        checkCode(cpu, selector, target);
        callSameLevel(cpu, i.nextEip, i.operandSize, selector, target, offset);
    }

    private static void callReal(Cpu cpu, Instruction i, int selector, long offset) {
        StackFrame frame = returnAddress(cpu, i.nextEip, i.operandSize);
        frame.requireRoom(0);
        requireInCode(cpu, offset);
        frame.checkWritable();
        frame.write();
        frame.commitPointer();
        cpu.loadRealSegment(Cpu.CS, selector);
        cpu.eip = offset;
    }

    /** Calls code whose descriptor has been checked, at the current privilege level. */
    static void callSameLevel(Cpu cpu, long returnEip, int width, int selector, SegmentDescriptor code, long offset) {
        StackFrame frame = returnAddress(cpu, returnEip, width);
        frame.requireRoom(0);
        requireInLimit(cpu, code, offset);
        frame.checkWritable();
        cpu.segmentation.markAccessed(selector, code);
        frame.write();
        frame.commitPointer();
        cpu.segmentation.loadCode(selector, code, cpu.cpl());
        cpu.eip = offset;
    }

    private static StackFrame returnAddress(Cpu cpu, long eip, int width) {
        return StackFrame.current(cpu, width)
                .push(cpu.segments[Cpu.CS].selector())
                .push(eip);
    }

    private static void ret(Cpu cpu, Instruction i) {
        int width = i.operandSize;
        long released = i.op0 == null ? 0 : i.op0.value;
        long eip = FarReturn.peek(cpu, 0, width);
        int selector = (int) FarReturn.peek(cpu, width, width) & 0xffff;
        long popped = 2L * width + released;
        if (cpu.usesDescriptors()) {
            FarReturn.toProtected(cpu, width, eip, selector, popped, released);
        } else {
            FarReturn.toReal(cpu, eip, selector, popped);
        }
    }

    private static long offset(Cpu cpu, Instruction i) {
        Operand target = i.op0;
        return target.isMemory() ? cpu.memory.read(target.segment, target.offset(cpu), i.operandSize) : target.value;
    }

    private static int selector(Cpu cpu, Instruction i) {
        Operand target = i.op0;
        return target.isMemory()
                ? (int) cpu.memory.read16(target.segment, target.offset(cpu) + i.operandSize & i.addressMask)
                : target.segment;
    }

    private static SegmentDescriptor target(Cpu cpu, int selector) {
        if (Selector.isNull(selector)) {
            throw CpuFault.generalProtection().because("CS must not be null");
        }
        return cpu.segmentation.get(selector, Vector.GP, 0);
    }

    /** Checks that a descriptor, no call gate, is that of code that can be jumped to and called directly. */
    private static void checkCode(Cpu cpu, int selector, SegmentDescriptor target) {
        if (!target.isCode()) {
            throw CpuFault.selector(Vector.GP, selector).because("the segment is not code");
        }
        requireOneSize(cpu, selector, target);
        boolean allowed = target.isConforming()
                ? target.dpl() <= cpu.cpl()
                : target.dpl() == cpu.cpl() && Selector.rpl(selector) <= cpu.cpl();
        if (!allowed) {
            throw CpuFault.selector(Vector.GP, selector)
                    .because("the code segment's DPL is not one for this privilege level");
        }
        if (!target.isPresent()) {
            throw CpuFault.selector(Vector.NP, selector).because("the code segment is not present");
        }
    }

    /** In long mode L and D must not both be set (volume 3A, 5.2.1). */
    static void requireOneSize(Cpu cpu, int selector, SegmentDescriptor code) {
        if (cpu.isLongMode() && code.isLong() && code.default32()) {
            throw CpuFault.selector(Vector.GP, selector)
                    .because("the code segment has both L and D set, so that it is neither 64-bit nor 32-bit code");
        }
    }

    private static void switchTask(
            Cpu cpu, Instruction i, TaskSwitch.Cause cause, int selector, SegmentDescriptor target) {
        if (cpu.segmentation.isAbove(selector, target)) {
            throw CpuFault.selector(Vector.GP, selector).because("the task's DPL is below CPL or RPL");
        }
        if (target.isTaskGate() && !target.isPresent()) {
            throw CpuFault.selector(Vector.NP, selector).because("the task gate is not present");
        }
        TaskSwitch.transfer(cpu, cause, selector, target, i.nextEip).ifPresent(cpu::raiseAfter);
    }

    private static void requireInCode(Cpu cpu, long eip) {
        if (eip > cpu.segments[Cpu.CS].limit()) {
            throw CpuFault.generalProtection().because("the target is beyond the limit of CS");
        }
    }

    /** Throws #GP(0) unless an address is one of code: within its limit, or canonical if it is 64-bit code. */
    static void requireInLimit(Cpu cpu, SegmentDescriptor code, long eip) {
        if (cpu.isLongMode() && code.isLong()) {
            if (!AddressPolicy.isCanonical(eip)) {
                throw CpuFault.generalProtection().because("the target is not canonical");
            }
        } else if (Long.compareUnsigned(eip, code.limit()) > 0) {
            throw CpuFault.generalProtection().because("the target is beyond the limit of its code segment");
        }
    }
}
