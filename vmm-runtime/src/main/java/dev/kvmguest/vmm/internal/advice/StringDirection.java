package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.Code;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.List;
import java.util.Optional;

/**
 * Recognizes a string instruction that went downwards because DF was left set, mostly by what an interrupt came into
 * (Intel SDM volume 1, 7.3.9.1). The ABI of C has DF clear at every call, and a handler has to see to that itself.
 *
 * <p>Silent if the function sets DF itself, as one that copies from the end downwards does, and without a sign of where
 * DF came from.
 */
final class StringDirection {

    private StringDirection() {}

    /** DF is set, and not by who uses it. */
    static Optional<String> down(Evidence evidence) {
        int vector = evidence.first().vector();
        boolean down = (evidence.registers().get(Register.RFLAGS) & Flag.DF) != 0;
        boolean memory = Vector.PF.is(vector) || Vector.GP.is(vector) || Vector.SS.is(vector);
        List<Executed> path = evidence.path();
        if (!down || evidence.first().interrupt()) {
            return Optional.empty();
        }
        int string = path.size() - 1;
        if (!(memory && path.get(string).is(Trait.STRING))) {
            // What ran downwards over code or a stack is found out by somebody else, a little later.
            string = lastRepeatedStore(path);
        }
        if (string < 0) {
            return Optional.empty();
        }
        int entry = lastEntry(path, string);
        List<Executed> own = path.subList(Math.max(entry, 0), string);
        Executed at = path.get(string);
        String fact = "DF is set, so that " + at.inWords() + " went downwards";
        Optional<Executed> setter =
                own.stream().filter(StringDirection::setsDirection).reduce((first, second) -> second);
        if (setter.isPresent()) {
            return setter.filter(std -> std.is(Mnemonic.STD) && isElsewhere(evidence, std, at))
                    .map(std -> fact + ", as " + std.inWords()
                            + " left it; execute CLD after what needs DF, before any other function is called");
        }
        if (entry > 0 && path.get(entry - 1).is(Mnemonic.SYSCALL)) {
            return Optional.of(
                    fact + ", as the program had it at " + path.get(entry - 1).inWords()
                            + "; have IA32_FMASK clear DF (0x400), or begin the entry with CLD");
        }
        if (entry >= 0) {
            return Optional.of(fact + ", as it was set in what was interrupted before "
                    + path.get(entry).inWords() + "; begin the handler with CLD, before it calls any code of C");
        }
        return function(evidence, at)
                .filter(function -> !setsItself(evidence, function))
                .map(function ->
                        fact + ", and " + function.name() + " doesn't set it; execute CLD after what set DF, and at"
                                + " the start of every interrupt's handler, since C expects DF to be clear");
    }

    private static int lastRepeatedStore(List<Executed> path) {
        for (int i = path.size() - 1; i >= 0; i--) {
            if (path.get(i).is(Mnemonic.CLD)) {
                return -1;
            }
            boolean repeated = path.get(i)
                    .decoded()
                    .filter(instruction -> instruction.repeat != Instruction.NO_REPEAT)
                    .isPresent();
            if (repeated && path.get(i).is(Trait.STRING_STORE)) {
                return i;
            }
        }
        return -1;
    }

    /** Returns where a handler begins, if an interrupt came within what was executed, as an index; else -1. */
    private static int lastEntry(List<Executed> path, int before) {
        for (int i = before; i > 0; i--) {
            Executed last = path.get(i - 1);
            boolean goesOn = last.isTransfer()
                    || last.eip() == path.get(i).eip()
                    || last.decoded().isEmpty()
                    || last.decoded().get().nextEip == path.get(i).eip();
            boolean came = last.is(Trait.CONDITIONAL_JUMP) && !continues(last, path.get(i));
            if (!goesOn || came) {
                return i;
            }
        }
        return -1;
    }

    /** Returns whether a conditional jump can have led to an instruction, taken or not. */
    private static boolean continues(Executed jump, Executed next) {
        return jump.decoded()
                .filter(instruction -> instruction.nextEip == next.eip() || instruction.op0.value == next.eip())
                .isPresent();
    }

    private static boolean setsDirection(Executed instruction) {
        return instruction.is(Mnemonic.STD)
                || instruction.is(Mnemonic.POPF)
                || instruction.is(Mnemonic.POPFD)
                || instruction.is(Mnemonic.POPFQ)
                || instruction.is(Trait.INTERRUPT_RETURN);
    }

    private static Optional<Symbol> function(Evidence evidence, Executed at) {
        return evidence.image()
                .image()
                .symbolAt(evidence.linear(at))
                .filter(symbol -> symbol.size() > 0 && !symbol.object());
    }

    /** Returns whether two instructions are in different functions, by the image's symbols. */
    private static boolean isElsewhere(Evidence evidence, Executed one, Executed other) {
        Optional<Symbol> first = function(evidence, one);
        Optional<Symbol> second = function(evidence, other);
        return first.isPresent() && second.isPresent() && !first.equals(second);
    }

    private static boolean setsItself(Evidence evidence, Symbol function) {
        Code code = new Code(
                evidence.registers(),
                evidence.memory(),
                evidence.layout(),
                evidence.image().image());
        long end = function.address() + function.size();
        for (long address = function.address(); address < end; ) {
            Optional<Instruction> instruction = code.instruction(address);
            if (instruction.isEmpty()
                    || instruction.get().mnemonic == Mnemonic.STD
                    || instruction.get().mnemonic == Mnemonic.POPF
                    || instruction.get().mnemonic == Mnemonic.POPFD
                    || instruction.get().mnemonic == Mnemonic.POPFQ) {
                return true;
            }
            address = instruction.get().nextEip;
        }
        return false;
    }
}
