package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Recognizes an IRETQ of 64-bit code that finds something else than RIP, CS, RFLAGS, RSP and SS, though the frame is
 * nearby, and an IRET that pops words of another size than a frame has (Intel SDM volume 3A, 6.14.2 to 6.14.4).
 *
 * <p>Silent unless a whole frame is on the stack just below or above RSP, or at it in another order.
 */
final class LongInterruptFrame {

    private static final int WORD = 8;
    /** RIP, CS, RFLAGS, RSP and SS. */
    private static final int WORDS = 5;

    private static final int CODE = 1;
    private static final int FLAGS = 2;
    private static final int POINTER = 3;
    private static final int STACK = 4;

    /** What all general registers, a vector and an error code take. */
    private static final int MOST_LEFT = 20;

    private static final int LARGEST_SELECTOR = 0xffff;
    private static final int USER = 3;

    private LongInterruptFrame() {}

    /** What IRET takes from the stack is no frame, or none that it takes. */
    static Optional<String> wrong(Evidence evidence) {
        return ofOtherWidth(evidence)
                .or(() -> elsewhere(evidence))
                .or(() -> inOtherOrder(evidence))
                .or(() -> ofOtherRing(evidence))
                .or(() -> notCanonical(evidence));
    }

    /** The frame is at the top of the stack, and IRET pops words of 4 or 2 bytes. */
    private static Optional<String> ofOtherWidth(Evidence evidence) {
        boolean narrow = isRefused(evidence) && evidence.at().is(Mnemonic.IRETD, Mnemonic.IRET);
        if (!narrow || !isFrame(evidence, 0)) {
            return Optional.empty();
        }
        return Optional.of(evidence.at().inWords() + " pops words of "
                + (evidence.at().is(Mnemonic.IRETD) ? 4 : 2)
                + " bytes, and the frame on the stack has words of 8, as every handler of long mode finds it; write iretq,"
                + " since iret without a REX.W prefix is iretd");
    }

    /** The frame is on the stack, but not at its top. */
    private static Optional<String> elsewhere(Evidence evidence) {
        int error = evidence.first().errorCode().orElse(-1);
        boolean byCode = error == 0 || error == (int) (stack(evidence, CODE).orElse(-1) & Selector.WITHOUT_RPL);
        if (!isRefused(evidence) || !byCode || !evidence.at().is(Mnemonic.IRETQ) || resemblesFrame(evidence)) {
            return Optional.empty();
        }
        if (isFrame(evidence, -1)) {
            return Optional.of(evidence.at().inWords() + " found " + hex(word(evidence, 0))
                    + " where the return address should be, which is the CS of the frame that begins 8 bytes below RSP: one"
                    + " word too many was removed from the stack; take 8 less off RSP before IRETQ, as an error code is"
                    + " there only for #DF, #TS, #NP, #SS, #GP, #PF, #AC and #CP");
        }
        return IntStream.rangeClosed(1, MOST_LEFT)
                .filter(words -> isFrame(evidence, words))
                .boxed()
                .findFirst()
                .map(words -> words == 1 && isErrorCode(evidence) ? errorCode(evidence) : left(evidence, words));
    }

    /** The words of the frame are there, in an order that IRETQ doesn't take. */
    private static Optional<String> inOtherOrder(Evidence evidence) {
        if (!isRefused(evidence) || !evidence.at().is(Mnemonic.IRETQ) || isFrame(evidence, 0)) {
            return Optional.empty();
        }
        boolean reversed = isFrame(
                evidence,
                stack(evidence, 4),
                stack(evidence, 3),
                stack(evidence, 2),
                stack(evidence, 1),
                stack(evidence, 0));
        if (reversed) {
            return Optional.of(evidence.at().inWords()
                    + " finds the frame the wrong way round, SS at the top of the stack and RIP last; push SS, RSP, RFLAGS,"
                    + " CS and RIP, in this order");
        }
        boolean exchanged = isFrame(
                evidence,
                stack(evidence, 0),
                stack(evidence, 4),
                stack(evidence, 2),
                stack(evidence, 3),
                stack(evidence, 1));
        return exchanged
                ? Optional.of(evidence.at().inWords() + " finds " + hex(word(evidence, CODE)) + " for CS and "
                        + hex(word(evidence, STACK)) + " for SS, which are those of data and of code; exchange them")
                : Optional.empty();
    }

    /** CS and SS don't go together, or lack the number of the ring. */
    private static Optional<String> ofOtherRing(Evidence evidence) {
        int error = evidence.first().errorCode().orElse(-1);
        if (!isRefused(evidence) || !evidence.at().is(Mnemonic.IRETQ) || !hasWords(evidence)) {
            return Optional.empty();
        }
        int code = (int) word(evidence, CODE) & LARGEST_SELECTOR;
        int stack = (int) word(evidence, STACK) & LARGEST_SELECTOR;
        int level = Selector.rpl(code);
        Optional<Integer> ring = evidence.descriptor(code)
                .filter(found -> !Selector.isNull(code) && found.isCode() && found.isPresent() && !found.isConforming())
                .map(SegmentDescriptor::dpl);
        if (ring.isEmpty()) {
            return Optional.empty();
        }
        String returns = evidence.at().inWords() + " finds ";
        if ((code & Selector.WITHOUT_RPL) == error && ring.get() > level) {
            return Optional.of(
                    returns + "CS " + hex(code) + ", whose segment is of ring " + ring.get() + " and whose RPL is "
                            + level + "; a selector has the number of the ring in its lowest two bits: "
                            + hex(Selector.withRpl(code, ring.get())) + " here, and the same for SS");
        }
        if (error == 0 && level == USER && ring.get() == USER && Selector.isNull(stack)) {
            return Optional.of(
                    returns + "CS " + hex(code) + ", of ring 3, and a null SS, which only rings 0 to 2 of 64-bit code"
                            + " may have; push the selector of a data segment of ring 3, plus 3, for SS");
        }
        boolean other = error != 0
                && (stack & Selector.WITHOUT_RPL) == error
                && ring.get() == level
                && evidence.descriptor(stack)
                        .filter(found -> found.isWritable() && found.isPresent())
                        .filter(found -> found.dpl() != level || Selector.rpl(stack) != level)
                        .isPresent();
        return other
                ? Optional.of(returns + "CS " + hex(code) + ", of ring " + level + ", and SS " + hex(stack)
                        + ", which is a data segment of ring "
                        + evidence.descriptor(stack).map(SegmentDescriptor::dpl).orElse(0)
                        + " with RPL " + Selector.rpl(stack)
                        + "; SS must be of the ring that CS is of, in its descriptor and"
                        + " in its lowest two bits")
                : Optional.empty();
    }

    private static Optional<String> notCanonical(Evidence evidence) {
        boolean refused = isRefused(evidence)
                && evidence.at().is(Mnemonic.IRETQ)
                && evidence.first().errorCode().orElse(-1) == 0
                && hasWords(evidence)
                && !AddressPolicy.isCanonical(word(evidence, 0))
                && isOfCode(evidence, word(evidence, CODE));
        return refused
                ? Optional.of(evidence.at().inWords() + " finds " + hex(word(evidence, 0))
                        + " for RIP, which is not canonical: bits 63 to 47 of an address are all the same; look at who made"
                        + " the frame")
                : Optional.empty();
    }

    private static boolean hasWords(Evidence evidence) {
        return IntStream.range(0, WORDS).allMatch(i -> stack(evidence, i).isPresent());
    }

    private static String errorCode(Evidence evidence) {
        return evidence.at().inWords() + " found " + hex(word(evidence, 0))
                + " where the return address should be, and that one, " + hex(word(evidence, 1))
                + ", where CS should be: an error code is still on the stack; handlers of #DF, #TS, #NP, #SS, #GP, #PF,"
                + " #AC and #CP must remove it before IRETQ, such as by add rsp, 8";
    }

    private static String left(Evidence evidence, int words) {
        String values = IntStream.range(0, Math.min(words, WORDS))
                .mapToObj(i -> hex(word(evidence, i)))
                .collect(Collectors.joining(", "));
        return evidence.at().inWords() + " found " + values + (words > WORDS ? ", ..." : "")
                + " on the stack above its frame, which begins with " + hex(word(evidence, words)) + " " + WORD * words
                + " bytes above RSP; pop what the handler pushed, and remove the error code of exceptions that have one,"
                + " before IRETQ";
    }

    /** Returns whether IRET in 64-bit code found something that it doesn't take. */
    private static boolean isRefused(Evidence evidence) {
        int vector = evidence.first().vector();
        return evidence.mode().is64()
                && evidence.cpl() == 0
                && (Vector.GP.is(vector) || Vector.NP.is(vector) || Vector.SS.is(vector));
    }

    /** Returns whether selectors and flags are where a frame has them, even if they name nothing. */
    private static boolean resemblesFrame(Evidence evidence) {
        OptionalLong code = stack(evidence, CODE);
        OptionalLong flags = stack(evidence, FLAGS);
        OptionalLong stack = stack(evidence, STACK);
        return code.isPresent()
                && isSelector(code.getAsLong())
                && flags.isPresent()
                && Flag.mayBeSaved(flags.getAsLong())
                && stack.isPresent()
                && isSelector(stack.getAsLong());
    }

    private static boolean isSelector(long value) {
        return value >= 0 && value <= LARGEST_SELECTOR;
    }

    /** Returns whether a frame that would be returned to begins at an index of the stack. */
    private static boolean isFrame(Evidence evidence, int index) {
        return isFrame(
                evidence,
                stack(evidence, index),
                stack(evidence, index + CODE),
                stack(evidence, index + FLAGS),
                stack(evidence, index + POINTER),
                stack(evidence, index + STACK));
    }

    private static boolean isFrame(
            Evidence evidence,
            OptionalLong rip,
            OptionalLong code,
            OptionalLong flags,
            OptionalLong pointer,
            OptionalLong stack) {
        boolean there =
                rip.isPresent() && code.isPresent() && flags.isPresent() && pointer.isPresent() && stack.isPresent();
        return there
                && evidence.memory().isRam(rip.getAsLong())
                && isOfCode(evidence, code.getAsLong())
                && Flag.mayBeSaved(flags.getAsLong())
                && AddressPolicy.isCanonical(pointer.getAsLong())
                && isOfStack(evidence, stack.getAsLong(), Selector.rpl((int) code.getAsLong()));
    }

    private static boolean isOfCode(Evidence evidence, long selector) {
        return selector > 0
                && selector <= LARGEST_SELECTOR
                && evidence.descriptor((int) selector)
                        .filter(code -> code.isCode() && code.isPresent() && code.dpl() == Selector.rpl((int) selector))
                        .isPresent();
    }

    private static boolean isOfStack(Evidence evidence, long selector, int level) {
        if (selector < 0 || selector > LARGEST_SELECTOR) {
            return false;
        }
        return Selector.isNull((int) selector)
                ? level != USER
                : evidence.descriptor((int) selector)
                        .filter(data -> data.isWritable() && data.isPresent() && data.dpl() == level)
                        .isPresent();
    }

    /** Returns whether the top of the stack may be an error code: the handler is that of an exception which has one. */
    private static boolean isErrorCode(Evidence evidence) {
        long top = word(evidence, 0);
        return top >= 0
                && top <= LARGEST_SELECTOR
                && InterruptFrame.handlers(evidence).stream().anyMatch(Vector::hasErrorCode);
    }

    private static OptionalLong stack(Evidence evidence, int index) {
        return evidence.stack(index, WORD);
    }

    private static long word(Evidence evidence, int index) {
        return stack(evidence, index).orElseThrow();
    }
}
