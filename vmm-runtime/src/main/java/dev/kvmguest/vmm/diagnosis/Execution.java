package dev.kvmguest.vmm.diagnosis;

import static dev.kvmguest.vmm.Notation.hex;

import dev.kvmguest.vmm.Fault;
import dev.kvmguest.vmm.SegmentRegister;
import java.util.List;
import java.util.Optional;

/** Execution of what is no code. */
final class Execution {

    private static final int GATE_BYTES = 8;
    /** As many equal bytes are taken for memory without code. */
    private static final int SAMPLE = 8;
    /** So many zeros executed one after the other are no code either: each pair is ADD [EAX], AL. */
    private static final int SLED = 8;

    private static final String ZEROS_16 = "add [bx+si], al";
    private static final String ZEROS = "add [eax], al";

    private static final int LONGEST_TEXT = 40;
    private static final int SHORTEST_TEXT = 12;
    private static final double LETTERS = 0.75;

    private Execution() {}

    /** A jump, call or return went where no code is, or execution ran off the end of the code. */
    static Optional<String> leftTheImage(Evidence evidence) {
        Optional<String> what = noCode(evidence, evidence.address());
        if (what.isEmpty() || evidence.layout().ranges().isEmpty()) {
            return Optional.empty();
        }
        List<Fault.Instruction> path = evidence.path();
        int last = path.size() - 2;
        while (last >= 0 && noCode(evidence, linear(evidence, path.get(last))).isPresent()) {
            last--;
        }
        if (last < 0) {
            return sled(path)
                    ? Optional.of("execution ran through zeros up to "
                            + hex(evidence.at().eip()) + ", " + what.get()
                            + "; look for a jump, call or return to address 0 or behind the code")
                    : Optional.empty();
        }
        Fault.Instruction from = path.get(last);
        long to = path.get(last + 1).eip();
        String where = hex(to) + ", "
                + noCode(evidence, linear(evidence, path.get(last + 1))).orElseThrow();
        return Optional.of(handlerAt(evidence, from, to)
                .map(vector -> "the handler of " + Evidence.exception(vector) + " in IDT[" + vector + "] is at " + where
                        + "; give the gate the linear address of the handler")
                .orElseGet(() ->
                        "execution went to " + where + ", after " + Evidence.name(from) + "; " + remedy(from.text())));
    }

    /** Says why there can't be code at a linear address, as a clause; empty if there may be. */
    private static Optional<String> noCode(Evidence evidence, long linear) {
        if (evidence.isInImage(linear)) {
            return Optional.empty();
        }
        String where = evidence.bss(linear).map(bss -> "in " + bss).orElse("outside the image");
        if (!evidence.memory().isMapped(linear)) {
            return Optional.of("which is not mapped");
        }
        if (!evidence.memory().isRam(linear)) {
            return Optional.of("where no RAM is");
        }
        return evidence.memory()
                .read(linear, SAMPLE)
                .filter(Execution::isUniform)
                .map(bytes -> "which is " + where + " and has no code (bytes " + hex(bytes[0] & 0xff) + ")");
    }

    private static boolean isUniform(byte[] bytes) {
        for (byte b : bytes) {
            if (b != bytes[0]) {
                return false;
            }
        }
        return bytes[0] == 0 || bytes[0] == (byte) 0xff;
    }

    private static boolean sled(List<Fault.Instruction> path) {
        return path.stream()
                        .filter(instruction -> instruction.text().equals(ZEROS)
                                || instruction.text().equals(ZEROS_16))
                        .count()
                >= SLED;
    }

    /** Returns the exception through whose gate a place was entered: its gate leads there and nothing else did. */
    private static Optional<Integer> handlerAt(Evidence evidence, Fault.Instruction from, long to) {
        if (!evidence.registers().protectedMode() || from.text().matches("(j|call|ret|iret|loop).*")) {
            return Optional.empty();
        }
        for (int vector = 0;
                vector * GATE_BYTES + GATE_BYTES - 1
                        <= evidence.registers().idt().limit();
                vector++) {
            boolean leads = evidence.gate(vector)
                    .filter(gate -> (gate.isInterruptGate() || gate.isTrapGate())
                            && gate.isPresent()
                            && gate.gateOffset() == to)
                    .isPresent();
            if (leads) {
                return Optional.of(vector);
            }
        }
        return Optional.empty();
    }

    private static String remedy(String from) {
        if (from.startsWith("iret")) {
            return "the frame that IRET found on the stack is not one of an interrupt: look for pushes that were not popped,"
                    + " and for an error code that was not removed";
        }
        if (from.startsWith("ret")) {
            return "the return address on the stack is wrong: look for pushes that were not popped and for writes past local"
                    + " variables";
        }
        if (from.startsWith("call") || from.startsWith("jmp")) {
            return "look at where that address comes from, a pointer that was not set or was overwritten, or code linked for"
                    + " another address";
        }
        return "it doesn't jump there: execution ran past the end of the code; end it with a jump, a return or a loop of"
                + " HLT";
    }

    /** The bytes at EIP are text. */
    static Optional<String> ofText(Evidence evidence) {
        long start = evidence.address();
        long end = start;
        while (start > evidence.address() - LONGEST_TEXT && isPrintable(evidence, start - 1)) {
            start--;
        }
        while (end < evidence.address() + LONGEST_TEXT && isPrintable(evidence, end)) {
            end++;
        }
        if (end == evidence.address() || end - start < SHORTEST_TEXT) {
            return Optional.empty();
        }
        String text = new String(
                evidence.memory().read(start, (int) (end - start)).orElseThrow(),
                java.nio.charset.StandardCharsets.US_ASCII);
        long letters =
                text.chars().filter(c -> Character.isLetter(c) || c == ' ').count();
        if (letters < LETTERS * text.length()) {
            return Optional.empty();
        }
        return Optional.of("the bytes at " + hex(evidence.at().eip()) + " are text and no code: \"" + text
                + "\"; look for a jump or call to a string, and for code that runs on into data behind it");
    }

    private static boolean isPrintable(Evidence evidence, long linear) {
        return evidence.memory()
                .read(linear & 0xffff_ffffL, 1)
                .filter(bytes -> bytes[0] >= ' ' && bytes[0] < 0x7f)
                .isPresent();
    }

    private static long linear(Evidence evidence, Fault.Instruction instruction) {
        return evidence.registers().segment(SegmentRegister.CS).base() + instruction.eip() & 0xffff_ffffL;
    }
}
