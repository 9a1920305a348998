package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/**
 * Recognizes a handler of 64-bit code that took its exception and can't return from it: its IRET failed, or it ends
 * with RET as a function does (Intel SDM volume 3A, 6.14.2 to 6.14.4).
 *
 * <p>Silent unless the next exception was the handler's IRET, with an error code that tells what it took for CS, or the
 * handler's code ends with a RET for which nothing was pushed.
 */
final class HandlerReturn {

    private static final int WORD = 8;
    private static final int LONGEST_HANDLER = 256;

    private HandlerReturn() {}

    /** The handler's IRET failed, and whatever took that failed in the same way. */
    static Optional<String> failed(Evidence evidence) {
        Optional<HandledException> inside = firstInside(evidence);
        if (inside.isEmpty()) {
            return Optional.empty();
        }
        Executed at = Executed.of(inside.get().at(), evidence.mode());
        Fault.Event event = inside.get().exception();
        int error = event.errorCode().orElse(-1);
        boolean refused = Vector.GP.is(event.vector()) || Vector.NP.is(event.vector()) || Vector.SS.is(event.vector());
        if (!refused) {
            return Optional.empty();
        }
        if (at.is(Mnemonic.IRETD, Mnemonic.IRET)) {
            return Optional.of("the handler of " + evidence.first().name() + " ends with " + at.inWords()
                    + ", which pops words of " + (at.is(Mnemonic.IRETD) ? 4 : 2)
                    + " bytes, while frames have words of 8 in long mode; write iretq, since iret without a REX.W prefix is"
                    + " iretd");
        }
        // What is one word above the frame is taken for RIP, and RIP for CS.
        boolean oneAbove =
                at.is(Mnemonic.IRETQ) && error != 0 && error == (evidence.at().eip() & Selector.WITHOUT_RPL);
        if (!oneAbove) {
            return Optional.empty();
        }
        String took = "the handler of " + evidence.first().name() + " ends with " + at.inWords()
                + ", which took the return address " + hex(evidence.at().eip()) + " for CS";
        return Optional.of(
                evidence.first().errorCode().isPresent()
                        ? took
                                + ": the error code is still on the stack; remove it before IRETQ, such as by add rsp, 8, as"
                                + " for #DF, #TS, #NP, #SS, #GP, #PF, #AC and #CP"
                        : took
                                + ": one word is still on the stack above the frame; pop what the handler pushed, and remove an"
                                + " error code only where there is one");
    }

    /** The handler ends with RET, and so came back without its frame being removed. */
    static Optional<String> byRet(Evidence evidence) {
        long handler = evidence.fault().handler().map(Fault.Handler::eip).orElse(-1L);
        return firstInside(evidence)
                .filter(next -> next.exception().vector() == evidence.first().vector()
                        && next.at().eip() == evidence.at().eip())
                .flatMap(next -> ret(evidence, handler))
                .map(ret ->
                        "the handler of " + evidence.first().name() + " at " + hex(handler) + evidence.symbol(handler)
                                + " ends with a RET at " + hex(ret)
                                + ", as a function does, and leaves the rest of its frame on the stack; " + remedy());
    }

    /**
     * Returns what to do where RET went to a CS of an interrupt's frame, of which another RET has taken the return
     * address; empty if the stack doesn't show that.
     *
     * @param to where it went
     */
    static Optional<String> frameTaken(Evidence evidence, long to) {
        int running = evidence.registers().segment(SegmentRegister.CS).selector();
        OptionalLong before = evidence.stack(-2, WORD);
        OptionalLong flags = evidence.stack(0, WORD);
        OptionalLong pointer = evidence.stack(1, WORD);
        long frameEnd = evidence.stackPointer() + 3L * WORD;
        boolean taken = evidence.mode().is64()
                && to == running
                && before.isPresent()
                && evidence.isInImage(before.getAsLong())
                && flags.isPresent()
                && Flag.mayBeSaved(flags.getAsLong())
                && pointer.isPresent()
                // A frame begins at the next multiple of 16 below what was in use.
                && pointer.getAsLong() - frameEnd >= 0
                && pointer.getAsLong() - frameEnd < 2L * WORD;
        return taken
                ? Optional.of("that is CS of an interrupt's frame, whose return address " + hex(before.getAsLong())
                        + evidence.symbol(before.getAsLong()) + " was taken by a RET"
                        + handlersWithRet(evidence) + ": " + remedy())
                : Optional.empty();
    }

    private static String handlersWithRet(Evidence evidence) {
        List<Integer> vectors = IntStream.range(0, InterruptTable.VECTORS)
                .boxed()
                .filter(vector -> evidence.handlerGate(vector)
                        .flatMap(gate -> ret(evidence, gate.offset()))
                        .isPresent())
                .toList();
        return vectors.isEmpty()
                ? ""
                : ", as at the end of the handler of " + Fault.Event.name(vectors.get(0))
                        + evidence.handlerGate(vectors.get(0))
                                .map(gate -> evidence.symbol(gate.offset()))
                                .orElse("");
    }

    private static String remedy() {
        return "a handler ends with IRETQ: give the gate a stub that saves the registers, calls the function and ends so, or"
                + " mark the function __attribute__((interrupt)) or extern \"x86-interrupt\"";
    }

    private static Optional<HandledException> firstInside(Evidence evidence) {
        return evidence.mode().is64()
                ? evidence.fault().handler().flatMap(handler -> handler.inside().stream()
                        .findFirst())
                : Optional.empty();
    }

    /** Returns where straight code ends with a RET that takes what was on the stack before; empty if it doesn't. */
    private static Optional<Long> ret(Evidence evidence, long from) {
        long depth = 0;
        long eip = from;
        while (eip - from < LONGEST_HANDLER) {
            Optional<Instruction> decoded = CodeReader.decode(evidence.memory().code(eip), eip, evidence.mode());
            if (decoded.isEmpty()) {
                return Optional.empty();
            }
            Instruction one = decoded.get();
            if (one.mnemonic == Mnemonic.RET) {
                return depth == 0 && one.op0 == null ? Optional.of(eip) : Optional.empty();
            }
            OptionalLong pushed = pushed(one);
            if (pushed.isEmpty()) {
                return Optional.empty();
            }
            depth += pushed.getAsLong();
            eip = one.nextEip;
        }
        return Optional.empty();
    }

    /** Returns by how much an instruction makes the stack longer; empty if it may go elsewhere, or is not known. */
    private static OptionalLong pushed(Instruction one) {
        if (one.mnemonic == Mnemonic.CALL) {
            return OptionalLong.of(0);
        }
        if (one.mnemonic.is(Trait.JUMP)
                || one.mnemonic.is(Trait.CONDITIONAL_JUMP)
                || one.mnemonic.is(Trait.INTERRUPT_RETURN)
                || one.mnemonic.is(Trait.FAR)
                || one.mnemonic == Mnemonic.LEAVE) {
            return OptionalLong.empty();
        }
        if (one.mnemonic.is(Trait.PUSH)) {
            return OptionalLong.of(WORD);
        }
        if (one.mnemonic.is(Trait.POP)) {
            return Effects.isStackPointer(one.op0) ? OptionalLong.empty() : OptionalLong.of(-WORD);
        }
        if (!Effects.isStackPointer(one.op0)) {
            return OptionalLong.of(0);
        }
        boolean constant = one.op1 != null && one.op1.kind == Operand.Kind.IMMEDIATE;
        return switch (one.mnemonic) {
            case SUB -> constant ? OptionalLong.of((int) one.op1.value) : OptionalLong.empty();
            case ADD -> constant ? OptionalLong.of(-(int) one.op1.value) : OptionalLong.empty();
            case CMP, TEST -> OptionalLong.of(0);
            default -> OptionalLong.empty();
        };
    }
}
