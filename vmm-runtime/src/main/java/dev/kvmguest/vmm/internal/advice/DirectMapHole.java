package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.x86.PageFaultCode;
import dev.kvmguest.vmm.internal.x86.PagingMode;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;

/**
 * Recognizes a kernel that reaches for video memory, tables of firmware or devices by the direct map that its boot
 * loader left, in which they are not: by the Limine boot protocol from base revision 3 on (The Limine Boot Protocol,
 * base revision 6, "Memory Layout at Entry").
 *
 * <p>Silent once the kernel has page tables of its own, and for addresses that no physical one belongs to.
 */
final class DirectMapHole {

    /** Where a loader of that protocol puts the map, with 4-level paging. */
    static final long START = 0xffff_8000_0000_0000L;

    private DirectMapHole() {}

    /** The loader's page tables have no page there. */
    static Optional<String> used(Evidence evidence) {
        if (!Vector.PF.is(evidence.first().vector())
                || evidence.first().interrupt()
                || evidence.first().cr2().isEmpty()) {
            return Optional.empty();
        }
        long address = evidence.first().cr2().getAsLong();
        long physical = address - START;
        boolean isHole = (evidence.first().errorCode().orElse(0) & PageFaultCode.PRESENT) == 0
                && physical >= 0
                && physical <= PagingMode.PHYSICAL
                && evidence.isLoadersTable(evidence.memory().directory())
                && !evidence.memory().isMapped(address);
        return isHole
                ? Optional.of(evidence.at().inWords() + " uses " + hex(address) + ", physical " + hex(physical)
                        + " by the loader's direct map, in which that isn't: from Limine's base revision 3 on it has what"
                        + " the memory map calls usable, the loader's, the kernel's or framebuffer; map the address in"
                        + " page tables, or ask for base revision 2, which maps the first 4 GiB")
                : Optional.empty();
    }
}
