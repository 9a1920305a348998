package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Memory that an instruction uses by an operand, or by RSI or RDI as string instructions do; not what it pushes and
 * pops.
 *
 * @param linear the linear address of its first byte
 * @param width its bytes
 * @param registers the general registers that the address is made of, the base first
 * @param displacement what the instruction adds to them
 * @param segment the segment register
 */
record MemoryUse(long linear, int width, List<Register> registers, long displacement, SegmentRegister segment) {

    /** Returns the accesses of an instruction that is about to be executed with these registers. */
    static List<MemoryUse> of(Instruction at, CpuState state) {
        List<MemoryUse> accesses = new ArrayList<>();
        Stream.of(at.op0, at.op1, at.op2)
                .filter(Objects::nonNull)
                .filter(operand -> operand.isMemory() && operand.width > 0)
                .map(operand -> explicit(operand, state))
                .forEach(accesses::add);
        if (at.mnemonic.is(Trait.STRING_SOURCE)) {
            accesses.add(string(at, state, SegmentRegister.byNumber().get(at.segment), Register.RSI));
        }
        if (at.mnemonic.is(Trait.STRING_STORE) || at.mnemonic.is(Trait.STRING_COMPARISON)) {
            accesses.add(string(at, state, SegmentRegister.ES, Register.RDI));
        }
        return accesses;
    }

    private static MemoryUse explicit(Operand operand, CpuState state) {
        return new MemoryUse(
                operand.linear(state),
                operand.width,
                IntStream.of(operand.base, operand.index)
                        .filter(number -> number != Registers.NONE)
                        .mapToObj(Register.byNumber()::get)
                        .toList(),
                operand.value,
                SegmentRegister.byNumber().get(operand.segment));
    }

    private static MemoryUse string(Instruction at, CpuState state, SegmentRegister segment, Register pointer) {
        long offset = state.get(pointer) & AddressPolicy.offsetMask(at.addressSize);
        return new MemoryUse(state.linear(segment, offset), at.width, List.of(pointer), 0, segment);
    }

    /** Returns whether a linear address is one of the bytes. */
    boolean contains(long address) {
        return Long.compareUnsigned(address - linear, width) < 0;
    }

    /** Returns whether the address is made of RSP or RBP. */
    boolean isByStackRegister() {
        return registers.contains(Register.RSP) || registers.contains(Register.RBP);
    }

    /** Returns whether the segment is one that has a base of its own in 64-bit code. */
    boolean isOfThread() {
        return segment == SegmentRegister.FS || segment == SegmentRegister.GS;
    }
}
