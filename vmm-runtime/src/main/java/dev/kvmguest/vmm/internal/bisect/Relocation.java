package dev.kvmguest.vmm.internal.bisect;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/** Makes the bytes of a function's copy: what it refers to is found through the symbols of both images. */
final class Relocation {

    private static final int WORD = Integer.BYTES;
    private static final long LOW_HALF = 0xffff_ffffL;

    private final MovableFunction function;
    private final long to;
    private final AddressMap map;

    private Relocation(MovableFunction function, long to, AddressMap map) {
        this.function = function;
        this.to = to;
        this.map = map;
    }

    /**
     * Returns the bytes of a copy.
     *
     * @param to the linear address of the copy
     * @throws NotMovableException if the copy could do something else than the function
     */
    static byte[] copy(MovableFunction function, long to, AddressMap map) {
        function.unreadable().ifPresent(reason -> {
            throw new NotMovableException(reason);
        });
        if (!function.endsItself()) {
            throw new NotMovableException("it goes on in what follows it");
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (Instruction instruction : function.code()) {
            bytes.writeBytes(new Relocation(function, to, map).instruction(instruction));
        }
        return bytes.toByteArray();
    }

    private byte[] instruction(Instruction original) {
        byte[] bytes = original.bytes();
        List<Operand> operands = operands(original);
        for (int i = 0; i < operands.size(); i++) {
            Operand operand = operands.get(i);
            if (operand.kind == Operand.Kind.RELATIVE) {
                branch(original, operand, bytes);
            } else {
                long number = number(operand);
                long mapped = isNumber(operand) ? mapped(original, operand, number) : number;
                if (mapped != number) {
                    bytes = patched(original, bytes, i, number, mapped);
                }
            }
        }
        return bytes;
    }

    static List<Operand> operands(Instruction instruction) {
        return instruction.op0 == null
                ? List.of()
                : instruction.op1 == null
                        ? List.of(instruction.op0)
                        : instruction.op2 == null
                                ? List.of(instruction.op0, instruction.op1)
                                : List.of(instruction.op0, instruction.op1, instruction.op2);
    }

    /** Returns whether an operand has a number that may be an address. */
    static boolean isNumber(Operand operand) {
        return operand.isMemory() || operand.kind == Operand.Kind.IMMEDIATE || operand.kind == Operand.Kind.FAR_POINTER;
    }

    static long number(Operand operand) {
        return operand.value & LOW_HALF;
    }

    /** Returns how an operand of a function uses its number. */
    static Use use(MovableFunction function, Operand operand) {
        if (!operand.isMemory()) {
            return new Use(Use.Kind.VALUE, function.numbers());
        }
        boolean direct = operand.base == Registers.NONE && operand.index == Registers.NONE;
        return new Use(direct ? Use.Kind.DIRECT : Use.Kind.INDEXED, function.numbers());
    }

    private long mapped(Instruction at, Operand operand, long number) {
        if (function.contains(number) && number != function.start()) {
            return to + number - function.start();
        }
        long mapped = map.number(number, use(function, operand));
        if (mapped != number && operand.isMemory() && operand.segment >= Cpu.FS) {
            throw new NotMovableException(
                    hex(number) + " in it, at " + hex(at.eip) + ", is relative to FS or GS, and may be an address");
        }
        return mapped;
    }

    private void branch(Instruction original, Operand operand, byte[] bytes) {
        if (function.contains(operand.value)) {
            if (original.mnemonic.is(Trait.CALL) && operand.value != function.start()) {
                throw positionIndependent();
            }
            return;
        }
        if (map.source().functionAt(operand.value).stream()
                .anyMatch(target -> target.name().contains("get_pc_thunk"))) {
            throw positionIndependent();
        }
        long distance = map.branch(operand.value) - (to + original.nextEip - function.start());
        if (operand.width == WORD) {
            little(bytes, bytes.length - WORD).putInt((int) distance);
        } else if (operand.width == 1 && distance == (byte) distance) {
            bytes[bytes.length - 1] = (byte) distance;
        } else {
            throw new NotMovableException("its jump at " + hex(original.eip) + " is too short to reach "
                    + hex(operand.value) + " from elsewhere");
        }
    }

    private static NotMovableException positionIndependent() {
        return new NotMovableException("it is position-independent code; compile with -fno-pic -fno-pie");
    }

    /** Replaces the number of an operand. Where in the bytes it is, the decoder is asked for each place. */
    private byte[] patched(Instruction original, byte[] bytes, int operand, long from, long mapped) {
        for (int at = bytes.length - WORD; at > 0; at--) {
            if (Integer.toUnsignedLong(little(bytes, at).getInt()) == from) {
                byte[] changed = bytes.clone();
                little(changed, at).putInt((int) mapped);
                Optional<Instruction> decoded = CodeReader.decode(changed, original.eip, CpuMode.PROTECTED32);
                Optional<Instruction> before = CodeReader.decode(bytes, original.eip, CpuMode.PROTECTED32);
                if (decoded.isPresent() && onlyDifferIn(operand, before.orElseThrow(), decoded.get(), mapped)) {
                    return changed;
                }
            }
        }
        throw new NotMovableException(
                "its instruction at " + hex(original.eip) + " holds " + hex(from) + " in fewer than 32 bits");
    }

    private static boolean onlyDifferIn(int operand, Instruction before, Instruction after, long mapped) {
        List<Operand> old = operands(before);
        List<Operand> now = operands(after);
        boolean alike = before.mnemonic == after.mnemonic && before.length == after.length && old.size() == now.size();
        for (int i = 0; alike && i < old.size(); i++) {
            boolean value = i == operand
                    ? isNumber(now.get(i)) && number(now.get(i)) == mapped
                    : old.get(i).value == now.get(i).value;
            alike = value && isOfOneForm(old.get(i), now.get(i));
        }
        return alike;
    }

    /** Returns whether two operands differ in their numbers at most. */
    static boolean isOfOneForm(Operand one, Operand other) {
        return one.kind == other.kind
                && one.width == other.width
                && one.number == other.number
                && one.segment == other.segment
                && one.base == other.base
                && one.index == other.index
                && one.scale == other.scale;
    }

    private static ByteBuffer little(byte[] bytes, int at) {
        return ByteBuffer.wrap(bytes, at, WORD).slice().order(ByteOrder.LITTLE_ENDIAN);
    }
}
