package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.InterruptGate;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Recognizes an SSE instruction whose operand in memory is not at a multiple of 16 (Intel SDM volume 1, 4.1.1). If it
 * is on the stack, compilers count on 16 dividing RSP at each CALL (System V ABI for x86-64, 3.2.2); the rule follows
 * RSP back to the CALL at which it didn't, and to the handler or the entry before that.
 *
 * <p>Silent unless #GP has error code 0 and the instruction is one that asks for it.
 */
final class Alignment {

    private static final int LINE = 16;
    /** Those that take any address. */
    private static final Set<Mnemonic> ANY =
            EnumSet.of(Mnemonic.MOVUPS, Mnemonic.MOVUPD, Mnemonic.MOVDQU, Mnemonic.LDDQU);

    private static final Set<Mnemonic> WHOLE_STATE =
            EnumSet.of(Mnemonic.FXSAVE, Mnemonic.FXRSTOR, Mnemonic.FXSAVE64, Mnemonic.FXRSTOR64);

    /** What the processor pushes in 64-bit mode, after it has made 16 divide RSP (Intel SDM volume 3A, 6.14.2). */
    private static final int FRAME = 40;

    private Alignment() {}

    /** The operand is between two multiples of 16. */
    static Optional<String> lost(Evidence evidence) {
        boolean refused = Vector.GP.is(evidence.first().vector())
                && !evidence.first().interrupt()
                && evidence.first().errorCode().orElse(-1) == 0
                && evidence.mode().usesDescriptors();
        return refused
                ? evidence.at().decoded().flatMap(at -> unaligned(evidence, at)
                        .map(access -> sentence(evidence, access)))
                : Optional.empty();
    }

    private static Optional<MemoryUse> unaligned(Evidence evidence, Instruction at) {
        boolean asks = at.mnemonic.is(Trait.SIMD) && !ANY.contains(at.mnemonic) || WHOLE_STATE.contains(at.mnemonic);
        return MemoryUse.of(at, evidence.registers()).stream()
                .filter(access -> asks && access.width() >= LINE && (access.linear() & LINE - 1) != 0)
                .filter(access -> isReachable(evidence, access))
                .findFirst();
    }

    /** Returns whether nothing else is in the way of an access. */
    private static boolean isReachable(Evidence evidence, MemoryUse access) {
        return evidence.mode().is64()
                ? AddressPolicy.isCanonical(access.linear())
                : SegmentUse.nullSegment(evidence).isEmpty()
                        && SegmentUse.wrongKind(evidence).isEmpty()
                        && SegmentUse.ofRealMode(evidence).isEmpty()
                        && Long.compareUnsigned(
                                        access.linear(),
                                        evidence.registers()
                                                .segment(access.segment())
                                                .limit())
                                <= 0;
    }

    private static String sentence(Evidence evidence, MemoryUse access) {
        String needs = evidence.at().inWords() + " needs an address that 16 divides, and not " + hex(access.linear());
        Way way = new Way(evidence);
        boolean ofStack = access.isByStackRegister() || way.isOnStack(access.linear());
        if (!ofStack) {
            return needs + evidence.symbol(access.linear())
                    + "; align the variable to 16 bytes, allocate memory so, or use MOVUPS, MOVUPD or MOVDQU, which"
                    + " take any address";
        }
        return needs + " on the stack: " + way.inWords();
    }

    /** The way back to where RSP was not aligned first. */
    private static final class Way {

        private final Evidence evidence;
        private final List<Executed> path;
        /** The highest that RSP has been: what was called with a lower one has returned. */
        private long highest;
        /** The outermost call that is still active and was made with RSP between two multiples of 16. */
        private Optional<Executed> wrong = Optional.empty();

        private long rspAtWrong;
        /** What RSP comes from, in words. */
        private Optional<String> start = Optional.empty();

        Way(Evidence evidence) {
            this.evidence = evidence;
            this.path = evidence.path();
            goBack();
        }

        private void goBack() {
            long rsp = evidence.stackPointer();
            highest = rsp;
            for (int i = path.size() - 2; i >= 0; i--) {
                Executed executed = path.get(i);
                Optional<Instruction> instruction = executed.decoded();
                if (instruction.isEmpty() || !isBefore(instruction.get(), path.get(i + 1))) {
                    start = handler(path.get(i + 1), rsp);
                    return;
                }
                OptionalLong change = Effects.stackChange(instruction.get());
                if (change.isEmpty()) {
                    start = loaded(executed, instruction.get());
                    return;
                }
                rsp -= change.getAsLong();
                if (instruction.get().mnemonic.is(Trait.CALL) && rsp > highest) {
                    see(executed, rsp);
                }
                highest = Math.max(highest, rsp);
            }
        }

        /** Returns whether a linear address is of a part of the stack in which RSP was seen. */
        boolean isOnStack(long linear) {
            return linear >= evidence.stackPointer() && linear < highest;
        }

        String inWords() {
            String name = evidence.nameOf(Register.RSP);
            return wrong.map(call -> name + " was " + hex(rspAtWrong) + " at " + call.inWords()
                                    + ", where 16 has to divide it")
                            .orElse(name + " is " + hex(evidence.stackPointer()))
                    + start.map(words -> ", since " + words).orElse("")
                    + "; have 16 divide " + name
                    + " before each CALL of compiled code: in an entry stub, and in a handler's by"
                    + " 8 bytes more or less";
        }

        private void see(Executed call, long rsp) {
            if (rsp % LINE != 0) {
                wrong = Optional.of(call);
                rspAtWrong = rsp;
            }
        }

        private boolean isBefore(Instruction instruction, Executed other) {
            boolean direct = instruction.op0 != null && instruction.op0.kind == Operand.Kind.RELATIVE;
            boolean jumps = instruction.mnemonic.is(Trait.JUMP)
                    || instruction.mnemonic.is(Trait.CALL)
                    || instruction.mnemonic.is(Trait.RETURN);
            return instruction.nextEip == other.eip()
                    || instruction.eip == other.eip()
                    || (direct ? instruction.op0.value == other.eip() : jumps);
        }

        /** Returns what a handler did to RSP, if it is one that the processor entered with an aligned stack. */
        private Optional<String> handler(Executed first, long rsp) {
            if (!evidence.mode().is64() || wrong.isEmpty()) {
                return Optional.empty();
            }
            return IntStream.range(0, InterruptTable.VECTORS)
                    .filter(vector -> InterruptGate.of(evidence.registers(), evidence.memory(), vector)
                            .filter(gate -> gate.entersWide() && gate.offset() == first.eip())
                            .isPresent())
                    .map(vector -> FRAME + (Vector.hasErrorCode(vector) ? Long.BYTES : 0))
                    .filter(frame -> (rsp + frame) % LINE == 0)
                    .mapToObj(frame -> "the handler at " + hex(first.eip()) + evidence.symbol(first.eip())
                            + " was entered with " + frame + " bytes on an aligned stack, and pushed "
                            + (rsp - rspAtWrong)
                            + " more")
                    .findFirst();
        }

        /** Returns where RSP was set, if that is seen. */
        private Optional<String> loaded(Executed executed, Instruction instruction) {
            boolean sets = instruction.mnemonic == Mnemonic.MOV && Effects.isStackPointer(instruction.op0);
            return sets && wrong.isPresent() ? Optional.of(executed.inWords() + " set it") : Optional.empty();
        }
    }
}
