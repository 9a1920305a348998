package dev.kvmguest.vmm.internal.advice.hang;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.board.AbsentDevices;
import dev.kvmguest.vmm.internal.board.PortNames;
import java.util.Optional;

/**
 * Recognizes a wait for a device that this machine does not have.
 *
 * <p>Silent if the loop reads anything that changes, or a device answers.
 */
final class NoDevice {

    private NoDevice() {}

    /** A loop that can be left reads nothing but what is always the same, and something of it where nothing answers. */
    static Optional<String> answers(HangEvidence evidence) {
        if (!evidence.canBeLeft() || !evidence.polls().stream().allMatch(Poll::constant)) {
            return Optional.empty();
        }
        return evidence.polls().stream()
                .filter(poll -> isUnanswered(poll) && !isOnStack(evidence, poll))
                .findFirst()
                .map(poll -> "the loop waits for " + place(poll) + ", where this machine has no " + device(poll)
                        + ", so that it always reads " + hex(poll.last())
                        + "; see whether the device is there before waiting for it (all ones say that it isn't), or give"
                        + " up after a while");
    }

    private static boolean isUnanswered(Poll poll) {
        boolean allOnes = poll.last() == -1L >>> Long.SIZE - Byte.SIZE * poll.width();
        if (poll.from() instanceof Read.Port port) {
            return allOnes && PortNames.of(port.number()).isEmpty();
        }
        return allOnes && poll.from() instanceof Read.NoRam;
    }

    /** Returns whether a loop looks at a local variable, on a stack where no RAM is. */
    private static boolean isOnStack(HangEvidence evidence, Poll poll) {
        return poll.from() instanceof Read.NoRam place && StackWithoutRam.holds(evidence, place.physical());
    }

    private static String place(Poll poll) {
        return poll.from() instanceof Read.Port port
                ? "port " + hex(port.number())
                : "physical address " + hex(((Read.NoRam) poll.from()).physical());
    }

    private static String device(Poll poll) {
        Optional<String> name = poll.from() instanceof Read.Port port
                ? AbsentDevices.atPort(port.number())
                : AbsentDevices.atAddress(((Read.NoRam) poll.from()).physical());
        return name.orElse("device");
    }
}
