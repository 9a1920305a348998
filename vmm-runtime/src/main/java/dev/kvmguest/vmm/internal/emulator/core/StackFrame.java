package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Arrays;

/**
 * What an event or a far call pushes, collected first, so that all of it can be checked before any of it is written.
 * The stack may be another than the current one.
 */
public final class StackFrame {

    private static final int USUAL_PUSHES = 6;
    private static final int USER_LEVEL = 3;
    private static final int WIDTH_64 = 8;
    private static final long PAGE_OFFSET = 0xfff;

    private final Cpu cpu;
    private final Segment stack;
    private final int width;
    private final boolean user;
    private final int pointerSize;
    private final long mask;
    private long pointer;
    private long[] values = new long[USUAL_PUSHES];
    private long[] offsets = new long[USUAL_PUSHES];
    private int count;

    /**
     * Begins a frame.
     *
     * @param stack the stack segment, which need not be in SS yet
     * @param pointer the stack pointer; only its lower 16 bits count if the segment's B is clear
     * @param level the privilege level that the frame is written with
     * @param width bytes of each push: 2, 4 or 8
     */
    public StackFrame(Cpu cpu, Segment stack, long pointer, int level, int width) {
        this(cpu, stack, pointer, level, width, cpu.mode().stackAddressSize(stack.default32()));
    }

    private StackFrame(Cpu cpu, Segment stack, long pointer, int level, int width, int pointerSize) {
        this.cpu = cpu;
        this.stack = stack;
        this.width = width;
        this.user = level == USER_LEVEL;
        this.pointerSize = pointerSize;
        this.mask = AddressPolicy.offsetMask(pointerSize);
        this.pointer = pointer & mask;
    }

    /**
     * Begins a frame of 64-bit mode, which need not be the present one: pushes are of eight bytes, and the stack has no
     * segment.
     *
     * @param pointer the stack pointer
     * @param level the privilege level that the frame is written with
     */
    public static StackFrame of64(Cpu cpu, long pointer, int level) {
        return new StackFrame(cpu, null, pointer, level, WIDTH_64, WIDTH_64);
    }

    /** Begins a frame on the current stack. */
    public static StackFrame current(Cpu cpu, int width) {
        return new StackFrame(cpu, cpu.segments[Cpu.SS], cpu.registers.gpr[Registers.RSP], cpu.cpl(), width);
    }

    /** Adds a value; its bits beyond the width are dropped. */
    public StackFrame push(long value) {
        if (count == values.length) {
            values = Arrays.copyOf(values, 2 * count);
            offsets = Arrays.copyOf(offsets, 2 * count);
        }
        pointer = pointer - width & mask;
        values[count] = value;
        offsets[count] = pointer;
        count++;
        return this;
    }

    /**
     * Throws #SS with this error code unless all is inside the segment, and the segment is writable; in 64-bit mode,
     * unless all addresses are canonical.
     */
    public void requireRoom(int errorCode) {
        if (hasNoSegment()) {
            requireCanonical(errorCode);
            return;
        }
        if (cpu.isProtected() && (stack.isUnusable() || !stack.isWritable())) {
            throw CpuFault.of(Vector.SS, errorCode).because("the stack segment is not writable");
        }
        for (int i = 0; i < count; i++) {
            if (!stack.contains(offsets[i], width)) {
                throw CpuFault.of(Vector.SS, errorCode).because("the stack has no room for the frame");
            }
        }
    }

    private boolean hasNoSegment() {
        return pointerSize == WIDTH_64;
    }

    private void requireCanonical(int errorCode) {
        for (int i = 0; i < count; i++) {
            if (!AddressPolicy.isCanonical(offsets[i]) || !AddressPolicy.isCanonical(offsets[i] + width - 1)) {
                throw CpuFault.of(Vector.SS, errorCode).because("the stack pointer is not canonical");
            }
        }
    }

    /** Throws what writing would raise beyond {@link #requireRoom}, as the first push that can't be done would. */
    public void checkWritable() {
        if (isOnOnePage()) {
            // The first push would find what any of them does.
            checkWritable(linear(0));
            return;
        }
        for (int i = 0; i < count; i++) {
            checkWritable(linear(i));
        }
    }

    private boolean isOnOnePage() {
        return ((linear(0) + width - 1 ^ linear(count - 1)) & ~PAGE_OFFSET) == 0;
    }

    private void checkWritable(long linear) {
        cpu.memory.checkWritableLinear(linear, user);
        long last = cpu.memory.systemLinear(linear + width - 1);
        if (((last ^ linear) & ~PAGE_OFFSET) != 0) {
            cpu.memory.checkWritableLinear(last & ~PAGE_OFFSET, user);
        }
        if (user && (linear & width - 1) != 0 && cpu.checksAlignment()) {
            throw CpuFault.of(Vector.AC, 0).because("the stack pointer is not aligned");
        }
    }

    /** Writes the values; nothing can go wrong any more after the two checks. */
    public void write() {
        for (int i = 0; i < count; i++) {
            cpu.memory.writeLinear(linear(i), width, values[i], user);
        }
    }

    /** Sets RSP, ESP, or SP if the segment's B is clear, to where the last value is. */
    public void commitPointer() {
        cpu.registers.set(Registers.RSP, pointerSize, pointer);
    }

    private long linear(int index) {
        return hasNoSegment() ? offsets[index] : cpu.memory.linear(stack, offsets[index]);
    }
}
