package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Set;

/**
 * A step after both have executed it.
 *
 * @param before the registers before it, without what the step replaces
 * @param real what the machine's processor left
 * @param emulated what the emulator left
 * @param firstChange the first offset in memory at which it is different now; -1 if nowhere
 * @param lastChange the last one
 */
record Executed(
        Sequence sequence,
        Step step,
        ProcessorState before,
        ProcessorState real,
        ProcessorState emulated,
        int firstChange,
        int lastChange) {

    private static final Set<Integer> FAULTS =
            Set.of(Vector.NP.number(), Vector.SS.number(), Vector.GP.number(), Vector.PF.number(), Vector.AC.number());

    /** In place of a vector: the step never ended. */
    static final int ENDLESS = 0x100;

    /** What FXSAVE writes: no instruction accesses more. */
    private static final int LARGEST = 512;

    private static final int EXPONENT = 0x7fff;
    private static final int EXPONENT_OF_1 = 0x3fff;
    private static final int ROUNDING = FpuState.C1 | FpuState.PRECISION | FpuState.UNDERFLOW;

    /** Bytes of an x87 register. */
    private static final int REAL = 10;

    private static final int COUNT_MASK = 31;
    private static final int WIDE_COUNT_MASK = 63;
    private static final int LOCK = 0xf0;
    private static final int REX = 0x40;
    private static final Set<Integer> PREFIXES =
            Set.of(0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, LOCK, 0xf2, 0xf3);
    private static final int MXCSR_MISALIGNED = 1 << 17;
    private static final int ALIGNMENT = 15;
    private static final long LOWER_HALF = 0xffff_ffffL;
    /** Where MXCSR_MASK is in the second 16 bytes of FXSAVE's image. */
    private static final int MXCSR_MASK = 12;

    boolean is(Mnemonic... mnemonics) {
        return step.instruction()
                .filter(instruction -> Set.of(mnemonics).contains(instruction.mnemonic))
                .isPresent();
    }

    boolean is(Trait trait) {
        return step.instruction()
                .filter(instruction -> instruction.mnemonic.is(trait))
                .isPresent();
    }

    boolean is64Bit() {
        return sequence.mode().is64();
    }

    boolean memoryDiffers() {
        return firstChange >= 0;
    }

    /** Returns whether a bit of MXCSR that AMD's processors have is set, or was. */
    boolean isMisalignedAllowed() {
        return ((before.mxcsr | real.mxcsr) & MXCSR_MISALIGNED) != 0;
    }

    /** Returns whether nothing differs but the four bytes of memory where FXSAVE has put MXCSR_MASK. */
    boolean differsInMxcsrMaskOnly() {
        return real.agrees(emulated)
                && lastChange - firstChange < Integer.BYTES
                && (firstChange & ALIGNMENT) >= MXCSR_MASK;
    }

    /** Returns whether a LOCK prefix is before an invalid instruction. */
    boolean isLocked() {
        if (step.instruction().isPresent()) {
            return false;
        }
        int i = 0;
        while (PREFIXES.contains(step.bytes()[i] & 0xff) || is64Bit() && isRex(step.bytes()[i])) {
            if ((step.bytes()[i] & 0xff) == LOCK) {
                return true;
            }
            i++;
        }
        return false;
    }

    private static boolean isRex(byte prefix) {
        return (prefix & 0xf0) == REX;
    }

    boolean isRepeated() {
        return step.instruction()
                .filter(instruction -> instruction.repeat != Instruction.NO_REPEAT)
                .isPresent();
    }

    boolean isAlike() {
        return !memoryDiffers() && real.agrees(emulated);
    }

    boolean sameVector() {
        return real.vector == emulated.vector;
    }

    /** Returns whether both ended in a fault of an access, and not necessarily in the same one. */
    boolean bothFaulted() {
        return FAULTS.contains(real.vector) && FAULTS.contains(emulated.vector);
    }

    /** Returns whether one of them ended in a fault of an access and the other completed the instruction. */
    boolean oneFaulted() {
        return FAULTS.contains(real.vector) != FAULTS.contains(emulated.vector);
    }

    boolean checksAlignment() {
        return (step.eflags() & Flag.AC) != 0;
    }

    /** Returns the flags in which they differ. */
    int flags() {
        return real.eflags ^ emulated.eflags;
    }

    /** Returns whether they differ in nothing but these flags. */
    boolean differsInFlagsOnly(int flags) {
        if (memoryDiffers() || (flags() & ~flags) != 0) {
            return false;
        }
        int kept = emulated.eflags;
        emulated.eflags = real.eflags;
        boolean alike = real.agrees(emulated);
        emulated.eflags = kept;
        return alike;
    }

    /** Returns whether they differ in nothing but upper halves of general registers. */
    boolean differsInUpperHalvesOnly() {
        long[] kept = emulated.general.clone();
        for (int i = 0; i < kept.length; i++) {
            emulated.general[i] = real.general[i] & ~LOWER_HALF | kept[i] & LOWER_HALF;
        }
        boolean alike = isAlike();
        System.arraycopy(kept, 0, emulated.general, 0, kept.length);
        return alike;
    }

    /** Returns whether they differ in nothing but bases of FS and GS with null selectors, which the emulator clears. */
    boolean differsInBasesOfNullOnly() {
        long fs = emulated.fsBase;
        long gs = emulated.gsBase;
        emulated.fsBase = real.selectors[Cpu.FS] == 0 && fs == 0 ? real.fsBase : fs;
        emulated.gsBase = real.selectors[Cpu.GS] == 0 && gs == 0 ? real.gsBase : gs;
        boolean alike = isAlike();
        emulated.fsBase = fs;
        emulated.gsBase = gs;
        return alike;
    }

    /**
     * Returns whether x87 registers and the exceptions that a rounding raises are as if each had rounded another way,
     * or the operand was outside the range of F2XM1, which is -1 to 1, or of FYL2XP1, a part of it.
     */
    boolean isWithinOneUlp() {
        boolean undefined = is(Mnemonic.F2XM1) && (before.signExponents[0] & EXPONENT) >= EXPONENT_OF_1
                || is(Mnemonic.FYL2XP1) && (before.signExponents[0] & EXPONENT) >= EXPONENT_OF_1 - 2;
        if (undefined) {
            return true;
        }
        for (int i = 0; i < real.significands.length; i++) {
            long apart = Math.abs(real.significands[i] - emulated.significands[i]);
            boolean carried = real.significands[i] == Long.MIN_VALUE || emulated.significands[i] == Long.MIN_VALUE;
            int exponents = Math.abs(real.signExponents[i] - emulated.signExponents[i]);
            if (exponents > (carried ? 1 : 0) || apart > 1 && !carried) {
                return false;
            }
        }
        return ((real.fpuStatus ^ emulated.fpuStatus) & ~ROUNDING) == 0;
    }

    /** Returns whether an access may begin in the last bytes of 4 GiB and end in the first ones. */
    boolean wrapsAt4GiB() {
        return step.instruction().filter(this::wrapsAt4GiB).isPresent();
    }

    private boolean wrapsAt4GiB(Instruction instruction) {
        return isAtEnd(register(Registers.RSP) - LARGEST)
                || instruction.mnemonic.is(Trait.STRING)
                        && (isAtEnd(register(Registers.RSI))
                                || isAtEnd(register(Registers.RDI))
                                // Repetitions may have come there.
                                || isAtEnd(real.general[Registers.RSI])
                                || isAtEnd(real.general[Registers.RDI]))
                || isAtEnd(instruction, instruction.op0)
                || isAtEnd(instruction, instruction.op1);
    }

    private boolean isAtEnd(Instruction instruction, Operand operand) {
        return isMemory(operand) && instruction.addressSize == Integer.BYTES && isAtEnd(offset(operand));
    }

    /** Returns whether the emulator's page fault is at an offset that isn't canonical: without the segment's base. */
    boolean hasOffsetNotCanonical() {
        int segment = step.instruction().orElseThrow().segment;
        long base = segment == Cpu.FS ? before.fsBase : segment == Cpu.GS ? before.gsBase : 0;
        return !AddressPolicy.isCanonical(emulated.cr2 - base);
    }

    /** Returns whether an image of several x87 or SSE registers is at the end of 4 GiB, by a 32-bit address. */
    boolean hasWideOperandAt4GiB() {
        Instruction instruction = step.instruction().orElseThrow();
        return instruction.mnemonic.is(Trait.X87)
                && isAtEnd(instruction, instruction.op0)
                && instruction.op0.width > REAL;
    }

    private static boolean isMemory(Operand operand) {
        return operand != null && operand.isMemory();
    }

    private long offset(Operand operand) {
        return operand.value + value(operand.base) + (value(operand.index) << operand.scale) & operand.addressMask;
    }

    private long value(int number) {
        return number == Registers.NONE ? 0 : register(number);
    }

    private static boolean isAtEnd(long address) {
        int offset = (int) address;
        return offset < 0 && offset >= -2 * LARGEST;
    }

    /** Returns the count of a shift, as the processor masks it. */
    int shiftCount() {
        Instruction instruction = step.instruction().orElseThrow();
        Operand count = instruction.op2 != null ? instruction.op2 : instruction.op1;
        int mask = instruction.op0.width == Long.BYTES ? WIDE_COUNT_MASK : COUNT_MASK;
        return (int) (count.isRegister() ? register(Registers.RCX) : count.value) & mask;
    }

    /** Returns the bits of the first operand. */
    int operandBits() {
        return step.instruction().orElseThrow().op0.width * Byte.SIZE;
    }

    /** Returns a general register as the instruction found it. */
    long register(int number) {
        return (step.replaced() >> number & 1) != 0 ? step.general()[number] : before.general[number];
    }
}
