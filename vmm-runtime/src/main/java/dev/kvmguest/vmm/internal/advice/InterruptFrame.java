package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.advice.Selectors.Use;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.inspection.InterruptGate;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Recognizes an IRET that finds something else on the stack than EIP, CS and EFLAGS, though the frame is nearby: an
 * error code or a push was left, or one word too many removed (Intel SDM volume 3A, 6.12.1 and 6.13).
 *
 * <p>Silent unless a whole frame is on the stack just below or above ESP.
 */
final class InterruptFrame {

    private static final int WORD = 4;
    /** What PUSHA, four segment registers, a vector and an error code take. */
    private static final int MOST_LEFT = 14;

    /** What error codes have at most; those of selectors have 16 bits. */
    private static final int LARGEST_ERROR = 0xffff;

    private InterruptFrame() {}

    /** The frame is on the stack, but not at its top. */
    static Optional<String> elsewhere(Evidence evidence) {
        if (evidence.mode().is64()) {
            return LongInterruptFrame.wrong(evidence);
        }
        boolean refused = evidence.mode().usesDescriptors()
                && evidence.at().is(Mnemonic.IRETD)
                && evidence.first().errorCode().orElse(-1) == (evidence.stack(1).orElse(-1) & Selector.WITHOUT_RPL)
                && !isFrame(evidence, 0);
        if (!refused) {
            return Optional.empty();
        }
        if (isFrame(evidence, -1)) {
            return Optional.of(evidence.at().inWords() + " found " + hex(word(evidence, 0))
                    + " where the return address should be, which is the CS of the frame that begins 4 bytes below ESP: one"
                    + " word too many was removed from the stack; take 4 less off ESP before IRET, as an error code is there"
                    + " only for #DF, #TS, #NP, #SS, #GP, #PF and #AC");
        }
        return IntStream.rangeClosed(1, MOST_LEFT)
                .filter(words -> isFrame(evidence, words))
                .boxed()
                .findFirst()
                .map(words -> words == 1 && isErrorCode(evidence) ? errorCode(evidence) : left(evidence, words));
    }

    private static String errorCode(Evidence evidence) {
        return evidence.at().inWords() + " found " + hex(word(evidence, 0))
                + " where the return address should be, and that one, " + hex(word(evidence, 1))
                + ", where CS should be: an error code is still on the stack; handlers of #DF, #TS, #NP, #SS, #GP, #PF"
                + " and #AC must remove it before IRET, such as by add esp, 4";
    }

    private static String left(Evidence evidence, int words) {
        String values =
                IntStream.range(0, words).mapToObj(i -> hex(word(evidence, i))).collect(Collectors.joining(", "));
        return evidence.at().inWords() + " found " + values + " on the stack above its frame, which begins with "
                + hex(word(evidence, words)) + " " + WORD * words
                + " bytes above ESP; pop what the handler pushed, and remove the error code of exceptions that have one,"
                + " before IRET";
    }

    /**
     * Returns whether at an index of the stack there are a return address into the image, a selector of code, and
     * EFLAGS.
     */
    private static boolean isFrame(Evidence evidence, int index) {
        OptionalLong eip = evidence.stack(index);
        OptionalLong selector = evidence.stack(index + 1);
        OptionalLong flags = evidence.stack(index + 2);
        return eip.isPresent()
                && selector.isPresent()
                && flags.isPresent()
                && evidence.isInImage(eip.getAsLong())
                && selector.getAsLong() <= LARGEST_ERROR
                && Selectors.unfit(evidence, (int) selector.getAsLong(), Use.CODE)
                        .isEmpty()
                && Flag.mayBeSaved(flags.getAsLong());
    }

    /** Returns whether the top of the stack may be an error code: the handler is that of an exception which has one. */
    private static boolean isErrorCode(Evidence evidence) {
        return word(evidence, 0) <= LARGEST_ERROR && handlers(evidence).stream().anyMatch(Vector::hasErrorCode);
    }

    /** Returns the vectors whose gates lead to the nearest place before IRET. */
    static List<Integer> handlers(Evidence evidence) {
        TreeMap<Long, List<Integer>> vectors = IntStream.range(0, InterruptTable.VECTORS)
                .boxed()
                .filter(vector -> offset(evidence, vector) <= evidence.at().eip())
                .collect(Collectors.groupingBy(vector -> offset(evidence, vector), TreeMap::new, Collectors.toList()));
        return vectors.isEmpty() ? List.of() : vectors.lastEntry().getValue();
    }

    /** Returns where a gate leads; if it doesn't lead to a handler, to the highest address. */
    private static long offset(Evidence evidence, int vector) {
        return evidence.handlerGate(vector).map(InterruptGate::offset).orElse(Long.MAX_VALUE);
    }

    private static long word(Evidence evidence, int index) {
        return evidence.stack(index).orElseThrow();
    }
}
