package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.x86.PageFaultCode;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;

/**
 * Recognizes a kernel that uses a physical address as it is, while its boot loader has left page tables that map memory
 * elsewhere: by the Limine boot protocol nothing is mapped in the lower half from base revision 3 on (The Limine Boot
 * Protocol, base revision 6, "Memory Layout at Entry").
 *
 * <p>Silent once the kernel has page tables of its own, and unless the direct map has the address; but for text memory,
 * which many kernels use and which it hasn't. Silent about the first page, to which null pointers lead, and about
 * jumps.
 */
final class PhysicalAddress {

    private static final long FIRST = 0x1000;
    private static final long TEXT_MEMORY = 0xb_8000;
    private static final long TEXT_MEMORY_END = 0xc_0000;

    private PhysicalAddress() {}

    /** The loader's page tables have no page there, and one where the direct map has the address. */
    static Optional<String> used(Evidence evidence) {
        if (!Vector.PF.is(evidence.first().vector())
                || evidence.first().interrupt()
                || evidence.first().cr2().isEmpty()
                || evidence.first().cr2().getAsLong() == evidence.address()
                || (evidence.first().errorCode().orElse(0) & PageFaultCode.PRESENT) != 0
                || !evidence.isLoadersTable(evidence.memory().directory())) {
            return Optional.empty();
        }
        long address = evidence.first().cr2().getAsLong();
        long direct = DirectMapHole.START + address;
        String uses = evidence.at().inWords() + " uses " + hex(address) + ", where no page is";
        if (address >= TEXT_MEMORY && address < TEXT_MEMORY_END) {
            return Optional.of(
                    uses + ": that is the physical address of VGA text memory, which Limine leaves neither there"
                            + " nor in its direct map; draw into what answers a framebuffer request, write to a serial port, or map"
                            + " the address in page tables");
        }
        return address >= FIRST && evidence.memory().physical(direct).stream().anyMatch(physical -> physical == address)
                ? Optional.of(uses + "; as a physical address it is mapped at " + hex(direct)
                        + ", by the loader's direct map: add the offset that answers an HHDM request, "
                        + hex(DirectMapHole.START) + " here, to physical addresses before they are used")
                : Optional.empty();
    }
}
