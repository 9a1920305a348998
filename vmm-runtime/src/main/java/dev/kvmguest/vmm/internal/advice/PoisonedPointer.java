package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes a pointer that is text, or what allocators and debuggers fill memory with, by the page fault that it
 * raised.
 *
 * <p>Silent if a page is there after all, and about numbers that could as well be addresses.
 */
final class PoisonedPointer {

    private PoisonedPointer() {}

    /** An instruction used what is no pointer. */
    static Optional<String> used(Evidence evidence) {
        OptionalLong address = evidence.first().cr2();
        boolean missing = Vector.PF.is(evidence.first().vector())
                && !evidence.first().interrupt()
                && address.isPresent()
                && !evidence.memory().isMapped(address.getAsLong());
        return missing
                ? evidence.at().decoded().flatMap(at -> used(evidence, at, address.getAsLong()))
                : Optional.empty();
    }

    private static Optional<String> used(Evidence evidence, Instruction at, long address) {
        return MemoryUse.of(at, evidence.registers()).stream()
                .filter(access -> access.contains(address) && !access.isOfThread())
                .flatMap(access -> access.registers().stream())
                .map(register -> sentence(evidence, register))
                .flatMap(Optional::stream)
                .findFirst();
    }

    private static Optional<String> sentence(Evidence evidence, Register register) {
        long value = evidence.mode().addresses().linear(evidence.registers().get(register));
        return Lookalike.ofContent(value)
                .map(like ->
                        evidence.nameOf(register) + " is " + hex(value) + ", no address but " + like.what() + ", and "
                                + evidence.at().inWords() + " uses memory there; "
                                + NonCanonical.origin(evidence, register, value, Optional.of(like))
                                        .orElse(like.remedy()));
    }
}
