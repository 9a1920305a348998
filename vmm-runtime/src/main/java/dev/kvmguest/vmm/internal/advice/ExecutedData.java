package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes that text, or what the image has as a variable, was executed.
 *
 * <p>Silent if the bytes are no longer those that were executed, if they are mere pushes, which are letters too, and
 * if code runs in an array for long: somebody has put it there.
 */
final class ExecutedData {

    private static final int LONGEST_TEXT = 40;
    private static final int SHORTEST_TEXT = 12;
    private static final double LETTERS = 0.75;
    /** So many instructions in a row are not by chance text. */
    private static final int IN_TEXT = 3;

    private static final int RING_OF_PROGRAMS = 3;

    private ExecutedData() {}

    /** The bytes at EIP are text, or those of the last instructions before it that led there. */
    static Optional<String> ofText(Evidence evidence) {
        Optional<String> here = textAt(evidence, evidence.address());
        if (here.isPresent()) {
            return Optional.of(sentence(evidence.at(), here.get(), ""));
        }
        List<Executed> path = evidence.path();
        int end = path.size() - 1;
        while (end > 0 && !isText(evidence, path.get(end - 1))) {
            end--;
        }
        int start = end;
        while (start > 0 && isText(evidence, path.get(start - 1))) {
            start--;
        }
        List<Executed> executed = path.subList(start, end);
        // What puts a string on the stack is text too: each PUSH of four letters is itself a letter.
        boolean onlyPushes = executed.stream().allMatch(instruction -> instruction.is(Trait.PUSH));
        if (executed.size() < IN_TEXT || onlyPushes) {
            return Optional.empty();
        }
        Executed first = path.get(start);
        boolean ranOn = start > 0 && !path.get(start - 1).isTransfer();
        String after = ranOn ? ", executed after " + path.get(start - 1).inWords() : "";
        return textAt(evidence, evidence.linear(first)).map(text -> sentence(first, text, after));
    }

    private static String sentence(Executed at, String text, String after) {
        return "the bytes at " + hex(at.eip()) + " are text and no code: \"" + text + "\"" + after + "; look for "
                + (after.isEmpty() ? "a jump or call to a string, and for " : "")
                + "code that runs on into the data after it";
    }

    /** Returns whether an instruction that was executed is text, and is still what was executed. */
    private static boolean isText(Evidence evidence, Executed instruction) {
        return textAt(evidence, evidence.linear(instruction)).isPresent()
                && unchanged(evidence, instruction).isPresent();
    }

    /** Returns an instruction's bytes in memory; empty if they are no more what was executed. */
    private static Optional<byte[]> unchanged(Evidence evidence, Executed instruction) {
        byte[] executed = instruction.shown().bytes();
        return evidence.memory()
                .read(evidence.linear(instruction), executed.length)
                .filter(now -> instruction.isFetched() && Arrays.equals(now, executed));
    }

    /** Returns the text that a linear address is in; empty if there is none. */
    private static Optional<String> textAt(Evidence evidence, long linear) {
        long start = linear;
        long end = linear;
        while (start > linear - LONGEST_TEXT && isPrintable(evidence, start - 1)) {
            start--;
        }
        while (end < linear + LONGEST_TEXT && isPrintable(evidence, end)) {
            end++;
        }
        if (end == linear || end - start < SHORTEST_TEXT) {
            return Optional.empty();
        }
        return evidence.memory()
                .read(start, (int) (end - start))
                .map(bytes -> new String(bytes, StandardCharsets.US_ASCII))
                .filter(ExecutedData::isMostlyLetters);
    }

    private static boolean isMostlyLetters(String text) {
        long letters =
                text.chars().filter(c -> Character.isLetter(c) || c == ' ').count();
        // Capital letters alone are INC, DEC, PUSH and POP.
        return letters >= LETTERS * text.length() && !text.equals(text.toUpperCase(Locale.ROOT));
    }

    private static boolean isPrintable(Evidence evidence, long linear) {
        return evidence.memory()
                .read(evidence.mode().addresses().linear(linear), 1)
                .filter(bytes -> bytes[0] >= ' ' && bytes[0] < 0x7f)
                .isPresent();
    }

    /** The last instructions are in a variable or an array, by the symbols of the image. */
    static Optional<String> ofObject(Evidence evidence) {
        List<Executed> path = evidence.path();
        int start = path.size();
        while (start > 0 && isObject(evidence, path.get(start - 1))) {
            start--;
        }
        // What ran there for long is code that somebody has put into an array, as kernels do with programs.
        if (start == 0
                || start == path.size()
                || evidence.cpl() == RING_OF_PROGRAMS
                || ofText(evidence).isPresent()) {
            return Optional.empty();
        }
        Executed to = path.get(start);
        String where = hex(to.eip()) + evidence.symbol(evidence.linear(to)) + ", which the image has as data";
        return Optional.of(Execution.went(evidence, path.get(start - 1), to.eip(), where));
    }

    /**
     * Returns whether an instruction is in an object, whose bytes are at the linker's address, and those of the file.
     */
    private static boolean isObject(Evidence evidence, Executed instruction) {
        long linear = evidence.linear(instruction);
        OptionalLong loaded = evidence.image().loadedAt(linear);
        return loaded.isPresent()
                && loaded.equals(evidence.memory().physical(linear))
                && evidence.image()
                        .image()
                        .symbolAt(linear)
                        .filter(Symbol::object)
                        .isPresent()
                && unchanged(evidence, instruction)
                        .filter(bytes -> evidence.image()
                                .original(loaded.getAsLong(), bytes.length)
                                .filter(original -> Arrays.equals(original, bytes))
                                .isPresent())
                        .isPresent();
    }
}
