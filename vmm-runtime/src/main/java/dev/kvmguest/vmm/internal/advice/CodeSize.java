package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.emulator.decode.Disassembler;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.Code;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Selector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Recognizes 32-bit code that was executed as 16-bit code, or the reverse, because of the D bit of CS (Intel SDM volume
 * 3A, 3.4.5 and 21.1).
 *
 * <p>Most bytes mean something either way. So the code is read both ways from where CS was loaded or the guest was
 * entered, up to the first jump. The rule is silent unless something in it shows which one is meant.
 */
final class CodeSize {

    /** The trace has no more; with fewer it begins where the guest was entered. */
    private static final int WHOLE_TRACE = 32;

    private static final long LARGEST_16 = 0xffff;

    private CodeSize() {}

    /** The bytes are meant for the other size. */
    static Optional<String> wrong(Evidence evidence) {
        List<Executed> path = evidence.path();
        int start = start(path);
        CpuMode mode = evidence.mode();
        // There is no other size in virtual-8086 mode.
        if (start < 0 || mode == CpuMode.VIRTUAL8086) {
            return Optional.empty();
        }
        CpuMode other = CpuMode.of(mode.usesDescriptors(), mode.operandSize() == 2);
        long from = path.get(start).eip();
        List<Instruction> executed = straight(code(evidence, mode), from, path.subList(start, path.size()));
        Map<Long, Instruction> meant = otherwise(code(evidence, other), from, executed);
        if (!evidence.isInImage(evidence.linear(from)) || !saysOtherwise(evidence, mode, executed, meant)) {
            return Optional.empty();
        }
        return executed.stream()
                .filter(instruction -> meant.containsKey(instruction.eip))
                .filter(instruction -> instruction.length != meant.get(instruction.eip).length)
                .findFirst()
                .map(first -> sentence(evidence, mode, from, first, meant.get(first.eip)));
    }

    /** Returns where in the path CS was loaded, or the guest entered; -1 if that was longer ago. */
    private static int start(List<Executed> path) {
        for (int i = path.size() - 1; i > 0; i--) {
            if (path.get(i - 1).is(Trait.FAR)) {
                return i;
            }
        }
        return path.size() < WHOLE_TRACE ? 0 : -1;
    }

    private static Code code(Evidence evidence, CpuMode mode) {
        return new Code(
                evidence.registers().segment(SegmentRegister.CS).base(),
                mode,
                evidence.memory(),
                evidence.layout(),
                evidence.image().image());
    }

    /** Returns what was executed one after the other without a jump. */
    private static List<Instruction> straight(Code code, long from, List<Executed> path) {
        List<Instruction> straight = new ArrayList<>();
        long next = from;
        for (Executed executed : path) {
            Optional<Instruction> instruction = executed.eip() == next ? code.instruction(next) : Optional.empty();
            if (instruction.isEmpty()
                    || !Arrays.equals(
                            instruction.get().bytes(), executed.shown().bytes())) {
                break;
            }
            straight.add(instruction.get());
            next = instruction.get().nextEip;
        }
        return straight;
    }

    /** Returns the same bytes read as code of the other size, by their addresses. */
    private static Map<Long, Instruction> otherwise(Code code, long from, List<Instruction> executed) {
        Map<Long, Instruction> otherwise = new HashMap<>();
        long end = executed.isEmpty() ? from : executed.get(executed.size() - 1).nextEip;
        Optional<Instruction> next = code.instruction(from);
        while (next.isPresent() && next.get().eip < end) {
            otherwise.put(next.get().eip, next.get());
            next = code.instruction(next.get().nextEip);
        }
        return otherwise;
    }

    private static boolean saysOtherwise(
            Evidence evidence, CpuMode mode, List<Instruction> executed, Map<Long, Instruction> meant) {
        // Near jumps in 16-bit code go to 16-bit addresses only.
        boolean is16 = mode.operandSize() == 2;
        boolean high = is16 && !executed.isEmpty() && executed.get(0).eip > LARGEST_16;
        return high
                || is16 && hasZerosOfOperands(executed, meant)
                || tearsLabels(evidence.image().image(), executed, meant);
    }

    /**
     * Returns whether zeros were executed that are the upper half of a number in the other reading, and the code goes
     * on.
     */
    private static boolean hasZerosOfOperands(List<Instruction> executed, Map<Long, Instruction> meant) {
        for (int i = 0; i < executed.size() - 1; i++) {
            if (executed.get(i).isZeros()
                    && !executed.get(i + 1).isZeros()
                    && !meant.containsKey(executed.get(i).eip)
                    && meant.containsKey(executed.get(i + 1).eip)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Returns whether a label lies within an instruction as executed, and all labels between instructions as read
     * otherwise.
     */
    private static boolean tearsLabels(GuestImage image, List<Instruction> executed, Map<Long, Instruction> meant) {
        boolean torn = false;
        for (Instruction instruction : executed) {
            for (long address = instruction.eip + 1; address < instruction.nextEip; address++) {
                if (isLabel(image, address)) {
                    if (!meant.containsKey(address)) {
                        return false;
                    }
                    torn = true;
                }
            }
            if (isLabel(image, instruction.eip) && !meant.containsKey(instruction.eip)) {
                return false;
            }
        }
        return torn;
    }

    /** Returns whether an instruction begins at an address, by a symbol or a line of the source. */
    private static boolean isLabel(GuestImage image, long address) {
        boolean symbol = image.symbolAt(address)
                .filter(found -> found.address() == address)
                .isPresent();
        Optional<String> line = image.sourceAt(address);
        return symbol || line.isPresent() && !line.equals(image.sourceAt(address - 1));
    }

    private static String sentence(
            Evidence evidence, CpuMode mode, long from, Instruction executed, Instruction meant) {
        boolean is32 = mode.operandSize() == 4;
        int selector = evidence.registers().segment(SegmentRegister.CS).selector();
        String entry = "entry " + Selector.index(selector) + " of the GDT at "
                + hex(evidence.registers().gdt().base());
        String why = !evidence.registers().protectedMode()
                ? "the guest is in real mode; boot it in protected mode"
                : is32
                        ? "D is set in CS's descriptor, " + entry
                                + "; clear D there, bit 6 of byte 6, or boot it in real mode"
                        : "D is clear in CS's descriptor, " + entry + "; set D there, bit 6 of byte 6";
        return "the code at " + hex(from) + evidence.symbol(from) + " is of " + (is32 ? "16" : "32")
                + " bits and was executed as of " + (is32 ? "32" : "16") + ", so that " + Disassembler.text(meant)
                + " at "
                + hex(meant.eip) + " became " + Disassembler.text(executed) + ": " + why + ", or assemble the code for "
                + (is32 ? "32 bits (.code32, bits 32)" : "16 bits (.code16, bits 16)");
    }
}
