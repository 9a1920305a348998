package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Vector;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * Recognizes an address of 64-bit code that isn't canonical: bits 63 to 47 differ (Intel SDM volume 1, 3.3.7.1). It
 * says which register or which word on the stack has it, what it looks like, and who wrote it, if that is found out.
 *
 * <p>Silent unless #GP or #SS has error code 0 and the instruction uses such an address, or goes there by a jump, a
 * call or a near return.
 */
final class NonCanonical {

    private static final String RULE = "no canonical address (bits 63 to 47 must be alike)";

    private NonCanonical() {}

    /** What was used, or gone to, is no address. */
    static Optional<String> used(Evidence evidence) {
        int vector = evidence.first().vector();
        boolean refused = evidence.mode().is64()
                && !evidence.first().interrupt()
                && (Vector.GP.is(vector) || Vector.SS.is(vector))
                && evidence.first().errorCode().orElse(-1) == 0;
        return refused
                ? evidence.at().decoded().flatMap(at -> stack(evidence, at)
                        .or(() -> operand(evidence, at))
                        .or(() -> target(evidence, at)))
                : Optional.empty();
    }

    /** RSP is no address where something is pushed or popped. */
    private static Optional<String> stack(Evidence evidence, Instruction at) {
        long rsp = evidence.stackPointer();
        boolean uses = at.mnemonic.is(Trait.PUSH)
                || at.mnemonic.is(Trait.POP)
                || at.mnemonic.is(Trait.CALL)
                || at.mnemonic.is(Trait.RETURN)
                || at.mnemonic.is(Trait.INTERRUPT_RETURN);
        return uses && !AddressPolicy.isCanonical(rsp)
                ? Optional.of("RSP is " + hex(rsp) + ", " + RULE + but(Lookalike.of(evidence, rsp)) + ", and "
                        + evidence.at().inWords()
                        + " uses the stack; look at what loaded RSP, and at RBP, which LEAVE copies to it")
                : Optional.empty();
    }

    /** A memory operand is at no address. */
    private static Optional<String> operand(Evidence evidence, Instruction at) {
        if (at.mnemonic == Mnemonic.LEAVE
                && !AddressPolicy.isCanonical(evidence.registers().get(Register.RBP))) {
            return Optional.of(sentence(evidence, "takes it for RSP", List.of(Register.RBP)));
        }
        return MemoryUse.of(at, evidence.registers()).stream()
                .filter(access -> !AddressPolicy.isCanonical(access.linear())
                        && !access.registers().isEmpty())
                .findFirst()
                .map(access -> sentence(evidence, "uses memory there", access.registers()));
    }

    private static String sentence(Evidence evidence, String use, List<Register> registers) {
        List<Register> wrong = registers.stream()
                .filter(register ->
                        !AddressPolicy.isCanonical(evidence.registers().get(register)))
                .toList();
        // Where each is an address their sum alone is none.
        List<Register> named = wrong.isEmpty() ? registers : wrong;
        String values = named.stream()
                .map(register -> register + " is " + hex(evidence.registers().get(register)))
                .collect(Collectors.joining(" and "));
        long value = evidence.registers().get(named.get(0));
        Optional<Lookalike> like = wrong.isEmpty() ? Optional.empty() : Lookalike.of(evidence, value);
        return values + (wrong.isEmpty() ? ", which make " : ", ") + RULE + but(like) + ", and "
                + evidence.at().inWords() + " " + use + "; "
                + origin(evidence, named.get(0), value, like).orElseGet(() -> like.map(Lookalike::remedy)
                        .orElse("look at where " + named.get(0) + " comes from, and at what may have overwritten"
                                + " it"));
    }

    private static String but(Optional<Lookalike> like) {
        return like.map(found -> " but " + found.what()).orElse("");
    }

    /** What a jump, call or return would go to is no address. */
    private static Optional<String> target(Evidence evidence, Instruction at) {
        if (at.mnemonic == Mnemonic.RET) {
            return at(evidence, evidence.stackPointer())
                    .map(target -> fromMemory(
                            evidence,
                            target,
                            evidence.stackPointer(),
                            " finds " + hex(target) + " on the stack at " + hex(evidence.stackPointer())
                                    + " for a return address, "));
        }
        boolean goes = at.mnemonic == Mnemonic.CALL || at.mnemonic == Mnemonic.JMP;
        if (goes && at.op0.isMemory()) {
            long place = at.op0.linear(evidence.registers());
            return at(evidence, place)
                    .map(target -> fromMemory(
                            evidence,
                            target,
                            place,
                            " finds its target " + hex(target) + " at " + hex(place) + evidence.symbol(place) + ", "));
        }
        if (goes && at.op0.isRegister()) {
            Register register = Register.byNumber().get(at.op0.wholeRegister());
            long target = evidence.registers().get(register);
            return AddressPolicy.isCanonical(target)
                    ? Optional.empty()
                    : Optional.of(sentence(evidence, "goes there", List.of(register)));
        }
        return Optional.empty();
    }

    /** Returns eight bytes that are no address. */
    private static Optional<Long> at(Evidence evidence, long place) {
        return evidence.memory().readLong(place).stream()
                .filter(target -> !AddressPolicy.isCanonical(target))
                .boxed()
                .findFirst();
    }

    private static String fromMemory(Evidence evidence, long target, long place, String does) {
        Optional<Lookalike> like = Lookalike.of(evidence, target);
        String remedy = like.map(Lookalike::remedy)
                .orElse("look for pushes that were not popped and for writes past local variables");
        return evidence.at().inWords() + does + RULE + but(like) + "; "
                + overwritten(evidence, place).map(by -> by + ": ").orElse("") + remedy;
    }

    /** Returns where a register got its value from, and who wrote it there, with what to do. */
    static Optional<String> origin(Evidence evidence, Register register, long value, Optional<Lookalike> like) {
        return ValueOrigin.of(evidence, register).map(origin -> {
            OptionalLong place = origin.place();
            boolean isThere =
                    place.isPresent() && evidence.readWord(place.getAsLong()).equals(OptionalLong.of(value));
            Optional<String> writer = isThere ? overwritten(evidence, place.getAsLong()) : Optional.empty();
            return origin.inWords(evidence) + writer.map(by -> ", and " + by).orElse("") + ": "
                    + like.map(Lookalike::remedy)
                            .orElse("look at "
                                    + switch (origin.kind()) {
                                        case RETURNED -> "what it returns";
                                        case LOADED -> "who writes there, on purpose or past the end of something else";
                                        case MADE -> "what it is made of";
                                    });
        });
    }

    /** Returns who wrote a pointer last. */
    private static Optional<String> overwritten(Evidence evidence, long place) {
        OptionalLong physical = evidence.memory().physical(place);
        return physical.isEmpty()
                ? Optional.empty()
                : evidence.changes()
                        .in(new Range(
                                Kind.STACK,
                                "the pointer at " + hex(place),
                                physical.getAsLong(),
                                physical.getAsLong() + evidence.word()))
                        .map(last -> "what is at " + hex(place) + " was written last by "
                                + OverwriteReport.name(evidence, last));
    }
}
