package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.internal.advice.hang.InterruptContext.Input;
import dev.kvmguest.vmm.internal.board.PcBoard;
import java.util.List;
import java.util.Optional;

/**
 * Recognizes a wait for input that never comes.
 *
 * <p>Silent if input is on its way to the guest, if the guest looks at another bit of that port, or prints, and if
 * something else than input is missing.
 */
final class NothingTyped {

    private static final String WAY_OUT =
            "; give it some: input of @KvmGuest, of the check or -Dkvm.input, or Guest.type while it runs";

    /**
     * A port whose value says that there is nothing to read.
     *
     * @param port its number
     * @param bits those that say so
     * @param value what they are then
     * @param what is to be read
     */
    private record Status(int port, int bits, int value, String what) {}

    private static final List<Status> STATUS = List.of(
            new Status(PcBoard.COM1_LINE_STATUS, 0x01, 0, "no byte at COM1 (bit 0 of port 0x3fd is clear)"),
            new Status(PcBoard.I8042_COMMAND, 0x01, 0, "no scan code at the keyboard (bit 0 of port 0x64 is clear)"),
            new Status(PcBoard.HYPERCALL, 0xff, 0xff, "no byte at the hypercall port 0x500"));

    private NothingTyped() {}

    /** A status that is polled always tells that there is no input, and there is none. */
    static Optional<String> polled(HangEvidence evidence) {
        if (evidence.context().input() == Input.WAITING
                || EndlessOutput.console(evidence).isPresent()) {
            return Optional.empty();
        }
        return STATUS.stream()
                .filter(status -> evidence.constantPort(status.port)
                                .filter(poll -> (poll.last() & status.bits) == status.value)
                                .isPresent()
                        && TestedBits.mayInclude(evidence, status.port, status.bits)
                        && !AnswerAwaited.isMeant(evidence, status.port))
                .findFirst()
                .map(status -> "there is " + status.what + ", and " + typed(evidence) + WAY_OUT);
    }

    /** The guest halted until somebody types. */
    static Optional<String> awaited(HangEvidence evidence) {
        boolean waits = evidence.halted()
                && evidence.registers().interruptsEnabled()
                && evidence.context().takesInput()
                && evidence.context().input() != Input.WAITING
                && !MaskedLine.isThere(evidence)
                && UnservedDevice.line(evidence).isEmpty();
        return waits
                ? Optional.of("only input could wake the guest from its HLT, and " + typed(evidence) + WAY_OUT)
                : Optional.empty();
    }

    private static String typed(HangEvidence evidence) {
        return evidence.context().input() == Input.NONE ? "nothing was typed" : "all that was typed has been read";
    }
}
