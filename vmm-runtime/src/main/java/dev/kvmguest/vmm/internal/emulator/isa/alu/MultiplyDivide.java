package dev.kvmguest.vmm.internal.emulator.isa.alu;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * Multiplication and division (Intel SDM volume 2, MUL, IMUL, DIV, IDIV) of 1, 2 or 4 bytes.
 *
 * <p>The manual defines only CF and OF, and only after a multiplication. The others are as Intel's processors leave
 * them: a multiplication sets SF and PF by the lower half of the product and clears ZF and AF, a division changes none.
 */
public final class MultiplyDivide {

    /** Keeps ZF clear whatever the product; it is above all widths' bits, and below the sign's. */
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
        long product = cpu.registers.get(Registers.RAX, width) * i.op0.read(cpu);
        setPair(cpu, product >>> 8 * width, product, width);
        setFlags(cpu, product, product >>> 8 * width != 0, width);
    }

    /** IMUL: of the accumulator with one operand, in place with two, of the last two with three. */
    private static void imul(Cpu cpu, Instruction i) {
        int width = i.width;
        long product;
        if (i.op1 == null) {
            long a = Widths.signExtend(cpu.registers.get(Registers.RAX, width), width);
            product = a * Widths.signExtend(i.op0.read(cpu), width);
            setPair(cpu, product >>> 8 * width, product, width);
        } else {
            long a = i.op2 == null ? i.op0.read(cpu) : i.op2.read(cpu);
            product = Widths.signExtend(a, width) * Widths.signExtend(i.op1.read(cpu), width);
            i.op0.write(cpu, product);
        }
        setFlags(cpu, product, product != Widths.signExtend(product, width), width);
    }

    private static void div(Cpu cpu, Instruction i) {
        int width = i.width;
        long divisor = i.op0.read(cpu);
        long high = high(cpu, width);
        // If the upper half is no less than the divisor the quotient has more bits than the lower half; 0 divides none.
        if (high >= divisor) {
            throw CpuFault.of(Vector.DE);
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
        long dividend = high << 8 * width | cpu.registers.get(Registers.RAX, width);
        // The least number divided by -1 stays what it is in Java, and so is found to be too long.
        long quotient = dividend / divisor;
        if (quotient != Widths.signExtend(quotient, width)) {
            throw CpuFault.of(Vector.DE);
        }
        setPair(cpu, dividend - quotient * divisor, quotient, width);
    }

    /** Returns the upper half of a dividend: AH, DX or EDX. */
    private static long high(Cpu cpu, int width) {
        return width == 1 ? cpu.registers.gpr[Registers.RAX] >>> 8 & 0xff : cpu.registers.get(Registers.RDX, width);
    }

    /** Sets AH:AL, DX:AX or EDX:EAX. */
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
