package dev.kvmguest.vmm.internal.advice.hang;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.board.InterruptLine;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Recognizes an interrupt that was taken where its gate leads to no code, so that no handler of the guest ran, and none
 * could send EOI.
 *
 * <p>Silent if there is anything but zeros at that address.
 */
final class StrayGate {

    private static final long LOW_HALF = 0xffff;
    private static final long LOW_32 = 0xffff_ffffL;
    private static final long HIGH_HALF = 0xffff_0000L;

    private StrayGate() {}

    /** A line is in service whose gate leads nowhere. */
    static Optional<String> taken(HangEvidence evidence) {
        return line(evidence).map(line -> {
            LineHandler handler = evidence.handler(line).orElseThrow();
            return table(evidence) + "[" + line.vector() + "], the gate of " + line.name() + ", leads to "
                    + hex(handler.offset()) + ", where there is no code, so that no handler of the guest has run"
                    + half(evidence, handler).orElse("; put the handler's address there");
        });
    }

    /** Returns the line that {@link #taken} is about. */
    static Optional<InterruptLine> line(HangEvidence evidence) {
        return evidence.lines().stream()
                .filter(line -> line.inService()
                        && evidence.handler(line)
                                .filter(handler -> !handler.isCode(evidence.memory()))
                                .isPresent())
                .findFirst();
    }

    private static String table(HangEvidence evidence) {
        return evidence.registers().protectedMode() ? "IDT" : "IVT";
    }

    /** Half of an address that is right says which other half was forgotten. */
    private static Optional<String> half(HangEvidence evidence, LineHandler handler) {
        if (!evidence.registers().protectedMode()) {
            return Optional.empty();
        }
        long offset = handler.offset();
        Optional<Symbol> beyond = evidence.registers().longMode() && (offset & LOW_32) == offset
                ? function(evidence, symbol -> (symbol.address() & LOW_32) == offset && symbol.address() != offset)
                : Optional.empty();
        if (beyond.isPresent()) {
            return beyond.map(symbol -> "; that is the low half of " + symbol.name() + " (" + hex(symbol.address())
                    + "): set the high half too, in bytes 8 to 11 of the gate");
        }
        Optional<Symbol> meant = (offset & HIGH_HALF) == 0
                ? function(evidence, symbol -> (symbol.address() & LOW_HALF) == offset && symbol.address() != offset)
                : (offset & LOW_HALF) == 0
                        ? function(evidence, symbol -> (symbol.address() & HIGH_HALF) == offset)
                        : Optional.empty();
        return meant.map(symbol -> (offset & HIGH_HALF) == 0
                ? "; that is the low half of " + symbol.name() + " (" + hex(symbol.address())
                        + "): set the high half too, in bytes 6 and 7 of the gate"
                : "; that is the high half of " + symbol.name() + " (" + hex(symbol.address())
                        + "): set the low half too, in bytes 0 and 1 of the gate");
    }

    private static Optional<Symbol> function(HangEvidence evidence, Predicate<Symbol> wanted) {
        return evidence.image().symbols().stream()
                .filter(symbol -> !symbol.object() && wanted.test(symbol))
                .findFirst();
    }
}
