package dev.kvmguest.vmm.internal.emulator.isa.alu;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * Multiplication and division (Intel SDM volume 2, MUL, IMUL, DIV, IDIV) of 1, 2, 4 or 8 bytes.
 *
 * <p>The manual defines only CF and OF, and only after a multiplication. The others are as Intel's processors leave
 * them: a multiplication sets SF and PF by the lower half of the product and clears ZF and AF, a division changes none.
 */
public final class MultiplyDivide {

    /** Keeps ZF clear whatever the product; neither its sign nor its lowest byte. */
    private static final long NOT_ZERO = 1L << 32;

    private MultiplyDivide() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.MUL, MultiplyDivide::mul)
                .put(Mnemonic.IMUL, MultiplyDivide::imul)
                .put(Mnemonic.DIV, MultiplyDivide::div)
                .put(Mnemonic.IDIV, MultiplyDivide::idiv);
    }

    private static void mul(Cpu cpu, Instruction i) {
        int width = i.width;
        long a = cpu.registers.get(Registers.RAX, width);
        long b = i.op0.read(cpu);
        long product = a * b;
        long high = width == 8 ? unsignedHigh(a, b) : product >>> 8 * width;
        setPair(cpu, high, product, width);
        setFlags(cpu, product, high != 0, width);
    }

    /** IMUL: of the accumulator with one operand, in place with two, of the last two with three. */
    private static void imul(Cpu cpu, Instruction i) {
        int width = i.width;
        boolean toPair = i.op1 == null;
        long factor = toPair ? cpu.registers.get(Registers.RAX, width) : (i.op2 == null ? i.op0 : i.op2).read(cpu);
        long a = Widths.signExtend(factor, width);
        long b = Widths.signExtend((toPair ? i.op0 : i.op1).read(cpu), width);
        long product = a * b;
        long high = width == 8 ? Math.multiplyHigh(a, b) : product >> 8 * width;
        if (toPair) {
            setPair(cpu, high, product, width);
        } else {
            i.op0.write(cpu, product);
        }
        setFlags(cpu, product, high != Widths.signExtend(product, width) >> Long.SIZE - 1, width);
    }

    /** Returns the upper half of the product of two numbers without a sign. */
    private static long unsignedHigh(long a, long b) {
        return Math.multiplyHigh(a, b) + (a >> Long.SIZE - 1 & b) + (b >> Long.SIZE - 1 & a);
    }

    private static void div(Cpu cpu, Instruction i) {
        int width = i.width;
        long divisor = i.op0.read(cpu);
        long high = high(cpu, width);
        // If the upper half is no less than the divisor the quotient has more bits than the lower half; 0 divides none.
        if (Long.compareUnsigned(high, divisor) >= 0) {
            throw CpuFault.of(Vector.DE);
        }
        if (width == 8) {
            WideDivision division = WideDivision.of(high, cpu.registers.gpr[Registers.RAX], divisor);
            setPair(cpu, division.remainder(), division.quotient(), width);
            return;
        }
        long dividend = high << 8 * width | cpu.registers.get(Registers.RAX, width);
        long quotient = Long.divideUnsigned(dividend, divisor);
        setPair(cpu, dividend - quotient * divisor, quotient, width);
    }

    private static void idiv(Cpu cpu, Instruction i) {
        int width = i.width;
        long divisor = Widths.signExtend(i.op0.read(cpu), width);
        if (divisor == 0) {
            throw CpuFault.of(Vector.DE);
        }
        long high = Widths.signExtend(high(cpu, width), width);
        if (width == 8) {
            WideDivision division = WideDivision.ofSigned(high, cpu.registers.gpr[Registers.RAX], divisor)
                    .orElseThrow(() -> CpuFault.of(Vector.DE));
            setPair(cpu, division.remainder(), division.quotient(), width);
            return;
        }
        long dividend = high << 8 * width | cpu.registers.get(Registers.RAX, width);
        // The least number divided by -1 stays what it is in Java, and so is found to be too long.
        long quotient = dividend / divisor;
        if (quotient != Widths.signExtend(quotient, width)) {
            throw CpuFault.of(Vector.DE);
        }
        setPair(cpu, dividend - quotient * divisor, quotient, width);
    }

    /** Returns the upper half of a dividend: AH, DX, EDX or RDX. */
    private static long high(Cpu cpu, int width) {
        return width == 1 ? cpu.registers.gpr[Registers.RAX] >>> 8 & 0xff : cpu.registers.get(Registers.RDX, width);
    }

    /** Sets AH:AL, DX:AX, EDX:EAX or RDX:RAX. */
    private static void setPair(Cpu cpu, long high, long low, int width) {
        if (width == 1) {
            cpu.registers.set(Registers.RAX, 2, high << 8 | low & 0xff);
        } else {
            cpu.registers.set(Registers.RAX, width, low);
            cpu.registers.set(Registers.RDX, width, high);
        }
    }

    private static void setFlags(Cpu cpu, long product, boolean overflow, int width) {
        cpu.eflags.set(Widths.signExtend(product, width) | NOT_ZERO, overflow ? Long.MIN_VALUE : 0, 8);
    }
}
