package dev.kvmguest.vmm.internal.advice.past;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.inspection.InterruptGate;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.LongModeTask;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Recognizes an exception in a handler that runs on a stack of the interrupt stack table, whose own handler began at
 * the top of the same stack: it overwrote the frame that the first one has to return by (Intel SDM volume 3A, 6.14.5).
 *
 * <p>Silent unless the frame at the top is of code that was on this stack, both handlers have returned by it, and the
 * guest is still there.
 */
final class SharedInterruptStack {

    private static final int STACKS = 7;
    private static final int WORD = 8;
    private static final long ALIGNMENT = -16;
    private static final int FRAME = 5 * WORD;
    /** No handler's stack is larger. */
    private static final int LARGEST = 16 << 10;

    private SharedInterruptStack() {}

    /** A handler returns to itself, by the frame of another one. */
    static Optional<String> frameLost(PastEvidence evidence) {
        return evidence.hung() && evidence.registers().code64()
                ? IntStream.rangeClosed(1, STACKS)
                        .mapToObj(number -> frameLost(evidence, number))
                        .flatMap(Optional::stream)
                        .findFirst()
                : Optional.empty();
    }

    private static Optional<String> frameLost(PastEvidence evidence, int number) {
        SegmentState task = evidence.registers().segment(SegmentRegister.TR);
        int field = LongModeTask.interruptStack(number);
        OptionalLong pointer = field + WORD - 1 <= task.limit()
                ? evidence.memory().readLong(task.base() + field)
                : OptionalLong.empty();
        if (pointer.isEmpty()) {
            return Optional.empty();
        }
        long top = pointer.getAsLong() & ALIGNMENT;
        long frame = top - FRAME;
        CpuState registers = evidence.registers();
        OptionalLong rip = evidence.memory().readLong(frame);
        OptionalLong code = evidence.memory().readLong(frame + WORD);
        OptionalLong flags = evidence.memory().readLong(frame + 2 * WORD);
        OptionalLong saved = evidence.memory().readLong(frame + 3 * WORD);
        boolean nested = rip.isPresent()
                && evidence.isInImage(rip.getAsLong())
                && code.equals(
                        OptionalLong.of(registers.segment(SegmentRegister.CS).selector()))
                && flags.isPresent()
                && Flag.mayBeSaved(flags.getAsLong())
                && saved.isPresent()
                && isIn(saved.getAsLong(), frame)
                && isIn(registers.get(Register.RSP), top)
                && evidence.handlers().open().stream().noneMatch(handler -> handler.frame() == frame);
        return nested ? Optional.of(sentence(evidence, number, rip.getAsLong())) : Optional.empty();
    }

    private static boolean isIn(long pointer, long end) {
        return end - pointer >= 0 && end - pointer < LARGEST;
    }

    private static String sentence(PastEvidence evidence, int number, long rip) {
        return "an exception came at " + hex(rip) + evidence.symbol(rip) + ", in a handler on the stack IST" + number
                + " of the TSS, and its handler (" + users(evidence, number)
                + ") began at the top of that stack again and overwrote the frame that the first one has to return by: its"
                + " IRETQ goes back to " + hex(rip)
                + " over and over; give #DF, NMI and #MC a stack of the IST each, and"
                + " other gates none, so that their handlers use the stack in use";
    }

    private static String users(PastEvidence evidence, int number) {
        return IntStream.range(0, InterruptTable.VECTORS)
                .filter(vector -> isOn(evidence, vector, number))
                .limit(3)
                .mapToObj(Fault.Event::name)
                .collect(Collectors.joining(", ", "IST" + number + " is that of ", ""));
    }

    private static boolean isOn(PastEvidence evidence, int vector, int number) {
        return InterruptGate.of(evidence.registers(), evidence.memory(), vector)
                .filter(gate -> gate.isPresent() && gate.interruptStack() == number)
                .isPresent();
    }
}
