package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.CallSite;
import dev.kvmguest.vmm.internal.inspection.Code;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Where the value of a register came from, as far as the instructions executed last show it: through moves, through
 * what was pushed and popped, and through local variables.
 *
 * @param kind what brought the value
 * @param by the instruction that did
 * @param place for a value that was loaded, the linear address that it was loaded from; empty if that isn't known any
 *     more, or if it is one of the stack
 * @param cut the instruction on the way that left only 32 bits of it, if there was one
 */
record ValueOrigin(Kind kind, Executed by, OptionalLong place, Optional<Executed> cut) {

    enum Kind {
        /** A function returned it. */
        RETURNED,
        /** It was in memory. */
        LOADED,
        /** An instruction made it, of a number or of other values. */
        MADE
    }

    /** Returns where the value came from that a register has before the instruction that died. */
    static Optional<ValueOrigin> of(Evidence evidence, Register register) {
        return before(evidence, register, evidence.path().size() - 1);
    }

    /**
     * Returns where the value came from that a register had before an instruction.
     *
     * @param index of the instruction in the path
     */
    static Optional<ValueOrigin> before(Evidence evidence, Register register, int index) {
        return new Search(evidence, register, index).find();
    }

    /** Returns the function that returned the value, by its symbol. */
    Optional<String> function(Evidence evidence) {
        return kind == Kind.RETURNED
                ? evidence.image()
                        .image()
                        .symbolAt(evidence.linear(by))
                        .filter(symbol -> !symbol.object())
                        .map(symbol -> symbol.name())
                : Optional.empty();
    }

    /** Returns what the value came from as a clause about it, such as {@code find_table returned it}. */
    String inWords(Evidence evidence) {
        return switch (kind) {
            case RETURNED -> function(evidence).orElse("the function that ends at " + hex(by.eip())) + " returned it";
            case LOADED ->
                variable(evidence)
                        .map(variable -> "it was loaded from " + variable + " by " + by.inWords())
                        .orElse(by.inWords() + " loaded it");
            case MADE -> by.inWords() + " made it";
        };
    }

    /** Returns the variable that the value was loaded from, by its symbol and its address. */
    Optional<String> variable(Evidence evidence) {
        return place.isEmpty() || evidence.symbol(place.getAsLong()).isEmpty()
                ? Optional.empty()
                : Optional.of(evidence.image()
                                .image()
                                .symbolWithOffset(place.getAsLong())
                                .orElseThrow() + " at " + hex(place.getAsLong()));
    }

    /** A way back through what was executed. */
    private static final class Search {

        private final Evidence evidence;
        private final List<Executed> path;
        private int next;
        private Register register;
        private Optional<Executed> cut = Optional.empty();
        /** What has been written since, so that registers may have had other values then. */
        private final Set<Register> written = EnumSet.noneOf(Register.class);

        Search(Evidence evidence, Register register, int next) {
            this.evidence = evidence;
            this.path = evidence.path();
            this.register = register;
            this.next = next;
            for (Executed later : path.subList(next, path.size() - 1)) {
                written.addAll(later.decoded().flatMap(Effects::written).orElse(EnumSet.allOf(Register.class)));
            }
        }

        Optional<ValueOrigin> find() {
            while (step()) {
                Executed executed = path.get(next);
                Instruction instruction = executed.decoded().orElseThrow();
                if (instruction.mnemonic == Mnemonic.RET && register == Register.RAX) {
                    return Optional.of(new ValueOrigin(Kind.RETURNED, executed, OptionalLong.empty(), cut));
                }
                Set<Register> changed = Effects.written(instruction).orElseThrow();
                if (changed.contains(register)) {
                    Optional<ValueOrigin> found = source(executed, instruction);
                    if (found.isPresent() || next < 0) {
                        return found;
                    }
                }
            }
            return Optional.empty();
        }

        /** Goes back by one instruction; returns false where the trace ends, or nothing is known of the one before. */
        private boolean step() {
            if (next >= 0 && next < path.size() - 1) {
                path.get(next).decoded().flatMap(Effects::written).ifPresent(written::addAll);
            }
            next--;
            return next >= 0 && isBefore(path.get(next), path.get(next + 1));
        }

        /** Returns whether an instruction that is understood led to another one, with no interrupt between them. */
        private boolean isBefore(Executed one, Executed other) {
            if (one.decoded().flatMap(Effects::written).isEmpty()) {
                return false;
            }
            Instruction instruction = one.decoded().get();
            boolean direct = instruction.op0 != null && instruction.op0.kind == Operand.Kind.RELATIVE;
            boolean goesOn = instruction.nextEip == other.eip();
            if (one.is(Trait.CONDITIONAL_JUMP)) {
                return goesOn || instruction.op0.value == other.eip();
            }
            if (one.is(Trait.RETURN)) {
                return CallSite.before(other.eip(), code()).isPresent();
            }
            boolean jumps = one.is(Trait.JUMP) || one.is(Trait.CALL);
            return jumps ? !direct || instruction.op0.value == other.eip() : goesOn || one.eip() == other.eip();
        }

        private Code code() {
            return new Code(
                    evidence.registers(),
                    evidence.memory(),
                    evidence.layout(),
                    evidence.image().image());
        }

        /**
         * Returns what an instruction wrote to the register; empty if the search goes on with another register, or
         * ends, with {@code next} below 0.
         */
        private Optional<ValueOrigin> source(Executed executed, Instruction instruction) {
            Operand from = instruction.op1;
            switch (instruction.mnemonic) {
                case MOV, MOVSXD -> {
                    if (instruction.op0.width < Integer.BYTES) {
                        return nothing();
                    }
                    boolean narrow = from.width < evidence.word();
                    if (from.isRegister()) {
                        cut = narrow ? Optional.of(executed) : cut;
                        register = Register.byNumber().get(from.wholeRegister());
                        return register == Register.RSP ? nothing() : Optional.empty();
                    }
                    if (from.isMemory()) {
                        return narrow
                                ? Optional.of(loaded(executed, from))
                                : stored(from).or(() -> Optional.of(loaded(executed, from)));
                    }
                    return Optional.of(made(executed));
                }
                case CDQE -> {
                    cut = Optional.of(executed);
                    return Optional.empty();
                }
                case POP -> {
                    return pushed();
                }
                case XOR, SUB, LEA, ADD, AND, OR, MOVZX, SHL, SHR -> {
                    return Optional.of(made(executed));
                }
                default -> {
                    return nothing();
                }
            }
        }

        private Optional<ValueOrigin> nothing() {
            next = -1;
            return Optional.empty();
        }

        private ValueOrigin made(Executed executed) {
            return new ValueOrigin(Kind.MADE, executed, OptionalLong.empty(), cut);
        }

        private ValueOrigin loaded(Executed executed, Operand from) {
            boolean known = !isOfStack(from) && isKept(from.base) && isKept(from.index);
            return new ValueOrigin(
                    Kind.LOADED,
                    executed,
                    known ? OptionalLong.of(from.linear(evidence.registers())) : OptionalLong.empty(),
                    from.width < evidence.word() ? Optional.of(executed) : cut);
        }

        private static boolean isOfStack(Operand operand) {
            return operand.base == Registers.RSP || operand.base == Registers.RBP;
        }

        /** Returns whether a register has had the value since that it has at the end. */
        private boolean isKept(int number) {
            if (number == Registers.NONE) {
                return true;
            }
            Register one = Register.byNumber().get(number);
            return !written.contains(one) && one != register;
        }

        /**
         * Goes back to what was stored in a local variable, if that is seen: then the search goes on with the register
         * that was stored.
         */
        private Optional<ValueOrigin> stored(Operand local) {
            int start = next;
            if (local.base != Registers.RBP || local.index != Registers.NONE) {
                return Optional.empty();
            }
            while (step()) {
                Executed executed = path.get(next);
                Instruction instruction = executed.decoded().orElseThrow();
                Operand to = instruction.op0;
                boolean same = to != null
                        && to.isMemory()
                        && to.base == local.base
                        && to.index == local.index
                        && to.value == local.value;
                if (same
                        && instruction.mnemonic == Mnemonic.MOV
                        && to.width == local.width
                        && instruction.op1.isRegister()) {
                    register = Register.byNumber().get(instruction.op1.wholeRegister());
                    return find();
                }
                if (same || Effects.written(instruction).orElseThrow().contains(Register.RBP)) {
                    break;
                }
            }
            next = start;
            return Optional.empty();
        }

        /** Goes back to what was pushed where a value was popped from. */
        private Optional<ValueOrigin> pushed() {
            long above = 0;
            while (step()) {
                Instruction instruction = path.get(next).decoded().orElseThrow();
                OptionalLong change = Effects.stackChange(instruction);
                if (change.isEmpty()) {
                    return nothing();
                }
                if (above == 0 && change.getAsLong() < 0) {
                    if (instruction.mnemonic != Mnemonic.PUSH || !instruction.op0.isRegister()) {
                        return nothing();
                    }
                    register = Register.byNumber().get(instruction.op0.wholeRegister());
                    return Optional.empty();
                }
                above -= change.getAsLong();
                if (above > 0) {
                    return nothing();
                }
            }
            return nothing();
        }
    }
}
