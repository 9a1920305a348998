package dev.kvmguest.vmm.internal.advice.hang;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.advice.hang.InterruptContext.Input;
import dev.kvmguest.vmm.internal.board.InterruptLine;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.bus.IrqState;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Recognizes an interrupt that the guest has prepared and left masked: its gate leads to a handler and its device is
 * going, but a mask bit, its own or that of the slave 8259A, keeps it back.
 *
 * <p>Silent unless the guest waits for an interrupt, and about lines that have a gate only because all have one.
 */
final class MaskedLine {

    private static final int SLAVE = 2;
    private static final int FIRST_OF_SLAVE = 8;
    private static final int TIMER = 0;
    private static final int KEYBOARD = 1;
    /** Keyboard and COM1. */
    private static final Set<Integer> INPUT = Set.of(KEYBOARD, 4);
    /** So many gates for lines without a device say that all lines have one. */
    private static final int GATES_FOR_ALL = 3;

    private MaskedLine() {}

    /** The guest waits for an interrupt, and those that have all else they need are masked. */
    static Optional<String> withHandler(HangEvidence evidence) {
        List<InterruptLine> lines = lines(evidence);
        if (lines.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(evidence.lineNames(lines::contains)
                + lines.stream()
                        .map(line -> "vector " + hex(line.vector()) + " has a handler ("
                                + evidence.handler(line).orElseThrow().name(evidence.image()) + ")")
                        .collect(Collectors.joining(
                                ", ", lines.size() == 1 ? " is masked, though " : " are masked, though ", ""))
                + " and the device is going: "
                + lines.stream().map(line -> bits(evidence, line)).collect(Collectors.joining(", "))
                + "; clear what keeps back the one that the guest waits for"
                + (evidence.context().takesInput() ? " (as it is, only input could wake it)" : ""));
    }

    /** Returns whether {@link #withHandler} has something to say. */
    static boolean isThere(HangEvidence evidence) {
        return !lines(evidence).isEmpty();
    }

    private static List<InterruptLine> lines(HangEvidence evidence) {
        return evidence.waitsForInterrupt()
                ? evidence.lines().stream()
                        .filter(line -> line.state() == IrqState.MASKED && isPrepared(evidence, line))
                        .toList()
                : List.of();
    }

    private static boolean isPrepared(HangEvidence evidence, InterruptLine line) {
        boolean handled = evidence.handler(line)
                .filter(handler -> handler.isCode(evidence.memory()))
                .isPresent();
        return handled && (line.active() || line.pending() || line.high()) && isMeant(evidence, line);
    }

    /**
     * The timer and the keyboard are going without the guest's doing: then the gate must be one of a few, and nothing
     * else wake the guest.
     */
    private static boolean isMeant(HangEvidence evidence, InterruptLine line) {
        boolean setGoing =
                switch (line.irq()) {
                    case TIMER -> evidence.context().written(PcBoard.PIT).length > 0;
                    case KEYBOARD -> evidence.context().input() == Input.WAITING;
                    default -> true;
                };
        return setGoing || !hasGatesForAll(evidence) && !wakes(evidence);
    }

    /** Returns whether an interrupt comes without input. */
    private static boolean wakes(HangEvidence evidence) {
        return evidence.anyLine(line -> line.accepted() && line.active() && !INPUT.contains(line.irq()));
    }

    private static boolean hasGatesForAll(HangEvidence evidence) {
        return evidence.lines().stream()
                        .filter(line -> line.device().isEmpty()
                                && evidence.handler(line).isPresent())
                        .count()
                >= GATES_FOR_ALL;
    }

    private static boolean isOfSlave(InterruptLine line) {
        return line.irq() >= FIRST_OF_SLAVE;
    }

    private static InterruptLine cascade(HangEvidence evidence) {
        return evidence.lines().get(SLAVE);
    }

    private static String bits(HangEvidence evidence, InterruptLine line) {
        if (!isOfSlave(line)) {
            return "bit " + line.irq() + " of port 0x21 is set";
        }
        int bit = line.irq() - FIRST_OF_SLAVE;
        String own = "bit " + bit + " of port 0xa1 is set (IRQ " + line.irq() + " is bit " + line.irq() + " - 8 = "
                + bit + " of the slave's mask)";
        String through = "bit 2 of port 0x21, IRQ 2, through which all lines of the slave come";
        if (!line.masked()) {
            return "it is open at the slave 8259A, but " + through + ", is set";
        }
        return cascade(evidence).masked() ? own + ", and so is " + through : own;
    }
}
