package dev.kvmguest.vmm.internal.advice.hang;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.board.PortNames;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Recognizes a guest that does nothing but print.
 *
 * <p>Silent if an exception or an interrupt is handled meanwhile, and if it reads anything else than the status of the
 * port that it prints to.
 */
final class EndlessOutput {

    /** The ports of what reports show as the console. */
    static final Set<Integer> CONSOLES = Set.of(PcBoard.COM1, PcBoard.DEBUG_CONSOLE);
    /** A guest that is seen in no loop prints the greater part of a text. */
    private static final int MANY = 16;

    private EndlessOutput() {}

    /** All that was seen of the guest is that it prints. */
    static Optional<String> printed(HangEvidence evidence) {
        List<Step> steps = evidence.lastSteps();
        boolean handles = !evidence.seen().exceptions().isEmpty()
                || steps.stream().anyMatch(step -> step.is(Trait.INTERRUPT_RETURN));
        Optional<Integer> console = console(evidence);
        if (handles || console.isEmpty() || !readsItsStatusOnly(evidence, console.get())) {
            return Optional.empty();
        }
        int port = console.get();
        boolean waits = evidence.polls().stream().anyMatch(poll -> poll.port().isPresent());
        return Optional.of((evidence.loop().isPresent() ? "the loop" : "the guest") + " prints to port " + hex(port)
                + PortNames.of(port).map(name -> " (" + name + ")").orElse("") + " again and again, and reads no input"
                + (waits
                        ? ": what it polls is whether the transmitter is ready (bit 5 of port 0x3fd), which it always is"
                        : "")
                + "; look for what should end the printing, or give it more time (timeout)");
    }

    /** Returns the port that is printed to; empty unless there is one, and often enough. */
    static Optional<Integer> console(HangEvidence evidence) {
        List<Integer> printed = evidence.lastSteps().stream()
                .flatMapToInt(step -> step.outPort().stream())
                .filter(CONSOLES::contains)
                .boxed()
                .toList();
        boolean enough = evidence.loop().isPresent() ? !printed.isEmpty() : printed.size() >= MANY;
        return enough && printed.stream().distinct().count() == 1 ? Optional.of(printed.get(0)) : Optional.empty();
    }

    private static boolean readsItsStatusOnly(HangEvidence evidence, int console) {
        return evidence.polls().stream()
                .filter(poll -> poll.port().isPresent())
                .allMatch(poll -> console == PcBoard.COM1
                        && (int) poll.port().getAsLong() == PcBoard.COM1_LINE_STATUS
                        && !TestedBits.mayInclude(evidence, (int) poll.port().getAsLong(), 1));
    }
}
