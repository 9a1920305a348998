package dev.kvmguest.vmm.internal.bisect;

import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A function of an image, as its symbol has it.
 *
 * @param name its symbol
 * @param start its linear address
 * @param size bytes
 * @param local whether only its own source file can name it
 * @param code its instructions; empty if they could not be read
 * @param unreadable why they could not be read; empty if they could
 */
record MovableFunction(
        String name, long start, long size, boolean local, List<Instruction> code, Optional<String> unreadable) {

    long end() {
        return start + size;
    }

    boolean contains(long address) {
        return address >= start && address < end();
    }

    /** Returns the targets of its jumps and calls. */
    Stream<Long> targets() {
        return code.stream()
                .map(instruction -> instruction.op0)
                .filter(operand -> operand != null && operand.kind == Operand.Kind.RELATIVE)
                .map(operand -> operand.value);
    }

    /** Returns the numbers that its instructions hold, except for the targets of jumps and calls. */
    List<Long> numbers() {
        return code.stream()
                .flatMap(instruction -> Relocation.operands(instruction).stream())
                .filter(Relocation::isNumber)
                .map(Relocation::number)
                .distinct()
                .toList();
    }

    /** Returns whether no execution runs past its end. */
    boolean endsItself() {
        return switch (code.get(code.size() - 1).mnemonic) {
            // A call at the end is one of a function that doesn't return.
            case JMP, JMP_FAR, RET, RETF, IRET, IRETD, UD2, CALL -> true;
            default -> false;
        };
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MovableFunction function && function.start == start && function.name.equals(name);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(start);
    }

    @Override
    public String toString() {
        return name;
    }
}
