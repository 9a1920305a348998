package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.board.InterruptLine;
import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * What rules look at.
 *
 * @param at the instruction at which the guest was last seen; the HLT of one that is halted
 * @param seen what was seen of it
 * @param loop the loop in which it ran, if one was seen
 * @param polls what it read again and again
 * @param surroundings what was around the vCPU
 * @param image what the guest runs
 * @param memory the guest's memory now
 */
record HangEvidence(
        GuestInstruction at,
        HangTrace seen,
        Optional<SpinLoop> loop,
        List<Poll> polls,
        InterruptContext context,
        GuestImage image,
        LinearMemory memory) {

    CpuState registers() {
        return seen.registers();
    }

    /** Returns whether it is halted, rather than running. */
    boolean halted() {
        return seen.halted();
    }

    /** Returns whether interrupts were off when it halted, or in each step of its loop. */
    boolean interruptsAreOff() {
        return !registers().interruptsEnabled()
                && loop.stream().flatMap(seen -> seen.steps().stream()).noneMatch(step -> step.before()
                        .interruptsEnabled());
    }

    /**
     * Returns whether the guest is in a loop that looks at memory, which doesn't change, and does nothing else, and
     * that can be left. One that goes through a text, prints it or handles exceptions is none.
     */
    boolean looksOnlyAtMemory() {
        return !polls.isEmpty()
                && polls.stream().allMatch(poll -> poll.isMemory() && poll.constant())
                && canBeLeft()
                && looksAtTheSamePlaces()
                && lastSteps().stream()
                        .noneMatch(step -> step.is(Trait.INTERRUPT_RETURN)
                                || step.outPort().stream().anyMatch(EndlessOutput.CONSOLES::contains));
    }

    /** Returns whether no instruction of the loop reads here and there. */
    private boolean looksAtTheSamePlaces() {
        Map<Long, List<Read.Source>> places = new HashMap<>();
        return loop.orElseThrow().steps().stream()
                .filter(step -> !step.reads().isEmpty())
                .allMatch(step -> {
                    List<Read.Source> before = places.putIfAbsent(step.address(), sources(step));
                    return before == null || before.equals(sources(step));
                });
    }

    private static List<Read.Source> sources(Step step) {
        return step.reads().stream().map(Read::from).toList();
    }

    /**
     * Returns whether the guest waits for an interrupt: it is halted with interrupts on, or looks at a flag with
     * interrupts on that only a handler could change.
     */
    boolean waitsForInterrupt() {
        return halted() ? registers().interruptsEnabled() : looksOnlyAtMemory() && !interruptsAreOff();
    }

    /** Returns what was seen of the loop, or, if it is in none, of the guest. */
    List<Step> lastSteps() {
        return loop.map(SpinLoop::steps).orElse(seen.steps());
    }

    /** Returns the handler that the guest has set for a line; the gates of exceptions are for exceptions. */
    Optional<LineHandler> handler(InterruptLine line) {
        return registers().protectedMode() && line.vector() < InterruptTable.FIRST_EXTERNAL
                ? Optional.empty()
                : LineHandler.of(line.vector(), registers(), memory);
    }

    /** Returns whether the guest is in a loop with a conditional jump. */
    boolean canBeLeft() {
        return loop.stream()
                .flatMap(seen -> seen.round().stream())
                .flatMap(step -> step.instruction().stream())
                .anyMatch(instruction -> instruction.mnemonic.is(Trait.CONDITIONAL_JUMP));
    }

    /**
     * Returns whether nothing can come between the steps of its loop, because of the processor or of the controllers.
     */
    boolean isUninterruptible() {
        return interruptsAreOff() || everythingIsMasked();
    }

    /** Returns whether no interrupt can come, whatever a device or a person does, because none is let through. */
    boolean everythingIsMasked() {
        return lines().stream().allMatch(line -> line.state() == IrqState.MASKED);
    }

    List<InterruptLine> lines() {
        return context.lines();
    }

    boolean anyLine(Predicate<InterruptLine> wanted) {
        return lines().stream().anyMatch(wanted);
    }

    /** Returns the names of lines in a sentence, such as {@code IRQ 0 (timer) and IRQ 4 (COM1)}. */
    String lineNames(Predicate<InterruptLine> wanted) {
        List<String> names =
                lines().stream().filter(wanted).map(InterruptLine::name).toList();
        return names.size() < 2
                ? String.join("", names)
                : names.stream().limit(names.size() - 1L).collect(Collectors.joining(", ")) + " and "
                        + names.get(names.size() - 1);
    }

    /** Returns the poll of a port that always had the same value. */
    Optional<Poll> constantPort(int port) {
        return polls.stream()
                .filter(poll -> poll.port().equals(OptionalLong.of(port)) && poll.constant())
                .findFirst();
    }
}
