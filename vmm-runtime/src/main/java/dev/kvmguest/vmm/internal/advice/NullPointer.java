package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * Recognizes a page fault in the first page that comes of a pointer which is 0, or of a small number that is taken for
 * a pointer, and of a call through one.
 *
 * <p>Silent where the instruction has the address itself, as kernels use firmware's data there, where FS or GS has a
 * base of its own, and if a string instruction went downwards.
 */
final class NullPointer {

    /** Firmware's data, to which kernels have pointers. */
    private static final int BIOS_DATA = 0x400;

    private static final int BIOS_DATA_END = 0x500;

    private NullPointer() {}

    /** An instruction uses what a null pointer points to. */
    static Optional<String> used(Evidence evidence) {
        if (!isInFirstPage(evidence) || evidence.first().interrupt()) {
            return Optional.empty();
        }
        return called(evidence).or(() -> evidence.at().decoded().flatMap(at -> used(evidence, at)));
    }

    private static boolean isInFirstPage(Evidence evidence) {
        OptionalLong address = evidence.first().cr2();
        return Vector.PF.is(evidence.first().vector())
                && address.isPresent()
                && address.getAsLong() >= 0
                && address.getAsLong() < LinearMemory.PAGE;
    }

    private static Optional<String> used(Evidence evidence, Instruction at) {
        long address = evidence.first().cr2().getAsLong();
        return MemoryUse.of(at, evidence.registers()).stream()
                .filter(access -> access.contains(address) && !access.isOfThread())
                .filter(access ->
                        !access.registers().isEmpty() && !access.registers().contains(Register.RSP))
                .findFirst()
                .flatMap(access -> used(evidence, at, access));
    }

    private static Optional<String> used(Evidence evidence, Instruction at, MemoryUse access) {
        List<Register> registers = access.registers();
        Register pointer = registers.get(0);
        Optional<ValueOrigin> origin = ValueOrigin.of(evidence, pointer);
        boolean isNull = registers.stream().allMatch(register -> value(evidence, at, register) == 0);
        boolean isFirmware = access.linear() >= BIOS_DATA && access.linear() < BIOS_DATA_END;
        if (!isNull && isFirmware || StringDirection.down(evidence).isPresent()) {
            return Optional.empty();
        }
        String values = registers.stream()
                .map(register -> evidence.nameOf(register) + " is "
                        + (value(evidence, at, register) == 0 ? "0" : hex(value(evidence, at, register))))
                .collect(Collectors.joining(" and "));
        String uses = evidence.at().inWords() + " uses "
                + (access.displacement() == 0 || !isNull
                        ? "memory at " + hex(access.linear())
                        : "what is at offset " + hex(access.displacement()) + " of what it points to")
                + ", where " + whyNot(evidence);
        return Optional.of(
                (isNull ? "null pointer: " : "no address but a small number: ") + values + ", and " + uses + "; "
                        + (isNull || registers.size() == 1
                                ? remedy(evidence, pointer, origin, isNull)
                                : "one of them has to be a pointer: look at where they come from"));
    }

    private static long value(Evidence evidence, Instruction at, Register register) {
        return evidence.registers().get(register) & AddressPolicy.offsetMask(at.addressSize);
    }

    private static String whyNot(Evidence evidence) {
        return evidence.memory().isMapped(evidence.first().cr2().getAsLong()) ? "it must not" : "no page is";
    }

    private static String remedy(Evidence evidence, Register pointer, Optional<ValueOrigin> origin, boolean isNull) {
        String name = evidence.nameOf(pointer);
        if (origin.isEmpty()) {
            return isNull
                    ? "look at where " + name
                            + " comes from: a pointer that was never set, or a result that was not checked"
                    : "look at where " + name
                            + " comes from: an offset that was added to a null pointer, or a number that"
                            + " was taken for a pointer";
        }
        return origin.get().inWords(evidence)
                + switch (origin.get().kind()) {
                    case RETURNED -> isNull ? ": check what it returns before it is used" : ": look at what it returns";
                    case LOADED ->
                        isNull ? ": set that pointer before it is used, or check it" : ": look at who wrote that there";
                    case MADE -> ": look at why that is used as a pointer";
                };
    }

    /** The guest jumped through a pointer to a function, and nothing could be fetched from there. */
    private static Optional<String> called(Evidence evidence) {
        Optional<Executed> from = evidence.before().filter(before -> before.is(Mnemonic.CALL, Mnemonic.JMP));
        boolean fetched = evidence.address() == evidence.first().cr2().getAsLong();
        if (from.isEmpty() || !fetched) {
            return Optional.empty();
        }
        Operand to = from.get().decoded().orElseThrow().op0;
        if (to.isRegister()) {
            Register register = Register.byNumber().get(to.wholeRegister());
            return Optional.of(evidence.nameOf(register)).map(name -> sentence(evidence, from.get(), name + " is"));
        }
        return to.isMemory()
                        && !MemoryUse.of(from.get().decoded().get(), evidence.registers())
                                .get(0)
                                .registers()
                                .contains(Register.RSP)
                ? Optional.of(sentence(evidence, from.get(), pointerIn(evidence, to)))
                : Optional.empty();
    }

    /** Returns where a pointer to a function was, if it is there still. */
    private static String pointerIn(Evidence evidence, Operand memory) {
        long place = memory.linear(evidence.registers());
        return evidence.readWord(place).equals(OptionalLong.of(evidence.address()))
                ? "the pointer at " + hex(place) + evidence.symbol(place) + " is"
                : "the pointer there was";
    }

    private static String sentence(Evidence evidence, Executed from, String pointer) {
        long to = evidence.address();
        return (to == 0 ? "null pointer: " : "no address but a small number: ") + pointer + " "
                + (to == 0 ? "0" : hex(to)) + ", and "
                + from.inWords() + " went there, where " + whyNot(evidence)
                + "; set pointers to functions before they are called, or check them";
    }
}
