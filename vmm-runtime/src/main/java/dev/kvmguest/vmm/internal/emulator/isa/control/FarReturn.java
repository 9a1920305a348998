package dev.kvmguest.vmm.internal.emulator.isa.control;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.LongModeStacks;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * What RETF and IRET have in common; the checks in the order of the pseudocode of RET and IRET (Intel SDM volume 2).
 */
final class FarReturn {

    private static final int USER_LEVEL = 3;

    private FarReturn() {}

    /** Reads from the stack without popping. */
    static long peek(Cpu cpu, long displacement, int width) {
        return cpu.memory.read(Cpu.SS, stackOffset(cpu, displacement), width);
    }

    private static long stackOffset(Cpu cpu, long displacement) {
        return cpu.registers.gpr[Registers.RSP] + displacement & cpu.stackMask();
    }

    /** Returns in real mode. */
    static void toReal(Cpu cpu, long eip, int selector, long popped) {
        if (eip > cpu.segments[Cpu.CS].limit()) {
            throw CpuFault.generalProtection().because("the return address is beyond the limit of CS");
        }
        setStackPointer(cpu, stackOffset(cpu, popped));
        cpu.loadRealSegment(Cpu.CS, selector);
        cpu.eip = eip;
    }

    /**
     * Returns in protected mode.
     *
     * @param width the operand size
     * @param popped bytes from the stack pointer to the outer stack's pointer, if the return is to an outer level
     * @param released bytes that are dropped from the outer stack
     */
    static void toProtected(Cpu cpu, int width, long eip, int selector, long popped, long released) {
        SegmentDescriptor code = code(cpu, selector);
        int level = Selector.rpl(selector);
        if (level > cpu.cpl()) {
            withStack(cpu, width, eip, selector, code, popped, released);
            return;
        }
        FarTransfer.requireInLimit(cpu, code, eip);
        cpu.segmentation.markAccessed(selector, code);
        setStackPointer(cpu, stackOffset(cpu, popped - released));
        cpu.segmentation.loadCode(selector, code, level);
        cpu.eip = eip;
        if (released != 0) {
            // In the mode that is returned to: a stack of 16 bits wraps in compatibility mode, not in 64-bit mode.
            setStackPointer(cpu, stackOffset(cpu, released));
        }
    }

    /** Returns the code segment that a return leads to, after all checks. */
    private static SegmentDescriptor code(Cpu cpu, int selector) {
        if (Selector.isNull(selector)) {
            throw CpuFault.generalProtection().because("the return address has a null code segment");
        }
        SegmentDescriptor code = cpu.segmentation.get(selector, Vector.GP, 0);
        if (!code.isCode()) {
            throw CpuFault.selector(Vector.GP, selector).because("the return address is not in a code segment");
        }
        FarTransfer.requireOneSize(cpu, selector, code);
        int level = Selector.rpl(selector);
        if (level < cpu.cpl()) {
            throw CpuFault.selector(Vector.GP, selector).because("a return can't lead to an inner privilege level");
        }
        if (code.isConforming() ? code.dpl() > level : code.dpl() != level) {
            throw CpuFault.selector(Vector.GP, selector).because("the code segment's DPL doesn't go with its RPL");
        }
        if (!code.isPresent()) {
            throw CpuFault.selector(Vector.NP, selector).because("the code segment is not present");
        }
        return code;
    }

    /**
     * Returns from 64-bit mode as IRET does: the stack is returned to as well, whatever the privilege level.
     *
     * @param width the operand size
     * @param popped bytes from the stack pointer to the stack pointer that is returned to
     */
    static void from64(Cpu cpu, int width, long eip, int selector, long popped) {
        withStack(cpu, width, eip, selector, code(cpu, selector), popped, 0);
    }

    private static void withStack(
            Cpu cpu, int width, long eip, int selector, SegmentDescriptor code, long popped, long released) {
        long pointer = peek(cpu, popped, width);
        int stackSelector = (int) peek(cpu, popped + width, width) & 0xffff;
        int level = Selector.rpl(selector);
        boolean withoutStack = mayBeWithoutStack(cpu, stackSelector, level, code);
        SegmentDescriptor stack =
                withoutStack ? null : cpu.segmentation.checkedStack(stackSelector, level, Vector.GP, 0);
        FarTransfer.requireInLimit(cpu, code, eip);
        cpu.segmentation.markAccessed(selector, code);
        if (!withoutStack) {
            cpu.segmentation.markAccessed(stackSelector, stack);
        }
        boolean outer = level > cpu.cpl();

        cpu.segmentation.loadCode(selector, code, level);
        cpu.eip = eip;
        cpu.loadSegment(
                Cpu.SS, withoutStack ? LongModeStacks.nullStack(stackSelector, level) : stack.loaded(stackSelector));
        setStackPointer(cpu, pointer + released);
        if (outer) {
            cpu.segmentation.dropInnerData();
        }
    }

    /** Returns whether SS is to hold no segment, as it may in 64-bit mode inside of ring 3. */
    private static boolean mayBeWithoutStack(Cpu cpu, int selector, int level, SegmentDescriptor code) {
        if (!Selector.isNull(selector)) {
            return false;
        }
        if (!cpu.isLongMode() || !code.isLong() || level == USER_LEVEL || Selector.rpl(selector) != level) {
            throw CpuFault.generalProtection().because("the stack segment that is returned to is null");
        }
        return true;
    }

    /** Sets RSP in 64-bit mode, else ESP, or SP if SS.B is clear. */
    private static void setStackPointer(Cpu cpu, long pointer) {
        cpu.registers.set(Registers.RSP, cpu.stackAddressSize(), pointer);
    }
}
