package dev.kvmguest.vmm.internal.advice.past;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.advice.CutAddress;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes a 64-bit kernel of the upper half of memory that read or wrote at the lower halves of its addresses, where
 * the boot mode's tables map what no RAM is at.
 *
 * <p>Silent if it used other addresses without RAM too, as one does that looks for the end of RAM, and where it died of
 * going there, of which the same is told. Those of the last 64 KiB of linear memory don't count: what is read where no
 * RAM is is all ones, and so is a pointer that is read there.
 */
final class LowerHalves {

    private static final long LAST = -0x1_0000;

    private LowerHalves() {}

    /** What was used without RAM is what is left of addresses of the image. */
    static Optional<String> used(PastEvidence evidence) {
        boolean all = CpuMode.of(evidence.registers()).is64()
                && evidence.isInImage(evidence.registers().instructionAddress())
                && evidence.withoutRam().stream().allMatch(used -> isRest(evidence, used) || isLast(evidence, used));
        return all
                ? evidence.withoutRam().stream()
                        .filter(used -> isRest(evidence, used))
                        .findFirst()
                        .map(used -> sentence(evidence, used))
                : Optional.empty();
    }

    private static String sentence(PastEvidence evidence, long used) {
        long whole = CutAddress.whole(evidence.image(), used).orElseThrow();
        return "the kernel used memory at " + hex(used) + ", where no RAM is: that is the lower half of " + hex(whole)
                + evidence.symbol(whole) + ", and 32 bits of an address are left; " + CutAddress.remedy(whole);
    }

    private static boolean isLast(PastEvidence evidence, long used) {
        OptionalLong last = evidence.memory().physical(LAST);
        return last.isPresent() && used >= last.getAsLong() && used < last.getAsLong() - LAST;
    }

    private static boolean isRest(PastEvidence evidence, long used) {
        return CutAddress.whole(evidence.image(), used).isPresent()
                && evidence.memory().physical(used).equals(OptionalLong.of(used));
    }
}
