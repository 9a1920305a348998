package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.List;
import java.util.Optional;

/**
 * Finds the first exception in which a guest in QEMU and the same guest on the emulator differ.
 *
 * <p>QEMU's log doesn't say whether a handler was entered, and the emulator's list has only those for which one was,
 * and the exception that the guest died of. So an exception in the log that the emulator doesn't have is passed over if
 * it may be one of several that a single instruction raised while the first was delivered.
 *
 * @param inQemu what was raised in QEMU, in order
 * @param allOfQemu whether that is all, and the guest came to its end
 * @param emulated what the guest took on the emulator, in order, and what it died of
 * @param allEmulated whether that is all, and the guest came to its end
 */
record ExceptionOrder(
        List<HandledException> inQemu, boolean allOfQemu, List<HandledException> emulated, boolean allEmulated) {

    private static final String NO_MORE = "it raised no more";

    /** Returns the difference; empty if there is none, or if what one of them lacks may be yet to come. */
    Optional<Parting> firstDifference() {
        int same = 0;
        for (int i = 0; i < inQemu.size(); i++) {
            HandledException here = inQemu.get(i);
            if (same < emulated.size() && areAlike(here, emulated.get(same))) {
                same++;
            } else if (!mayBeOneOfSeveral(i)) {
                boolean known = same < emulated.size() || allEmulated;
                return known ? Optional.of(parting(same, Optional.of(here))) : Optional.empty();
            }
        }
        return same < emulated.size() && allOfQemu ? Optional.of(parting(same, Optional.empty())) : Optional.empty();
    }

    private boolean mayBeOneOfSeveral(int index) {
        HandledException here = inQemu.get(index);
        boolean before = index + 1 < inQemu.size() && isSamePlace(here, inQemu.get(index + 1));
        boolean after = index > 0 && isSamePlace(here, inQemu.get(index - 1)) && arisesInDelivery(here.exception());
        return before || after;
    }

    private static boolean arisesInDelivery(Fault.Event exception) {
        return exception.vector() >= Vector.DF.number() && exception.vector() <= Vector.PF.number();
    }

    private static boolean isSamePlace(HandledException one, HandledException other) {
        return one.at().eip() == other.at().eip();
    }

    /** QEMU doesn't set the bit of error codes for what was raised while an exception was delivered. */
    private static boolean areAlike(HandledException one, HandledException other) {
        Fault.Event left = one.exception();
        Fault.Event right = other.exception();
        boolean same = left.vector() == right.vector()
                && left.errorCode().isPresent() == right.errorCode().isPresent()
                && left.cr2().equals(right.cr2());
        int ignored = left.vector() == Vector.PF.number() ? 0 : 1;
        return same
                && isSamePlace(one, other)
                && (left.errorCode().orElse(0) | ignored) == (right.errorCode().orElse(0) | ignored);
    }

    private Parting parting(int same, Optional<HandledException> here) {
        Optional<HandledException> there = same < emulated.size() ? Optional.of(emulated.get(same)) : Optional.empty();
        String when =
                same == 0 ? "at the first exception" : "after " + same + (same == 1 ? " exception" : " exceptions");
        Optional<GuestInstruction> at = here.or(() -> there).map(HandledException::at);
        return new Parting(
                "they part " + when + ": in QEMU "
                        + here.map(ExceptionOrder::words).orElse(NO_MORE) + ", on the emulator "
                        + there.map(ExceptionOrder::words).orElse(NO_MORE),
                at);
    }

    private static String words(HandledException raised) {
        return "it raised " + raised.exception() + " by " + raised.at().inWords();
    }
}
