package dev.kvmguest.vmm.diagnosis;

import static dev.kvmguest.vmm.Notation.hex;

import dev.kvmguest.vmm.CpuState;
import dev.kvmguest.vmm.Register;
import java.util.Optional;

/** What goes wrong when paging is switched on, or the page directory changed (Intel SDM volume 3A, 9.8.3 and 9.9.1). */
final class PagingSwitch {

    private static final int PAGE_FAULT = 14;
    private static final int LONGEST_INSTRUCTION = 15;

    private PagingSwitch() {}

    /** The code that switches is not in the page tables that it switches to. */
    static Optional<String> codeUnmapped(Evidence evidence) {
        boolean paging = (evidence.registers().get(Register.CR0) & CpuState.CR0_PG) != 0;
        if (!paging || !(isFetch(evidence) || isBehindRam(evidence))) {
            return Optional.empty();
        }
        return evidence.before()
                .filter(instruction -> instruction.text().matches("mov cr[034], .*"))
                .map(instruction -> Evidence.name(instruction) + " left the code that follows it at "
                        + hex(evidence.address()) + " without a page: " + directory(evidence));
    }

    /** Says whether the first exception is that an instruction's own bytes are not mapped. */
    private static boolean isFetch(Evidence evidence) {
        long past = evidence.first().cr2().orElse(-1) - evidence.address();
        return evidence.first().vector() == PAGE_FAULT
                && past >= 0
                && past < LONGEST_INSTRUCTION
                && !evidence.memory().isMapped(evidence.address() + past);
    }

    private static boolean isBehindRam(Evidence evidence) {
        return evidence.memory().directory() >= evidence.memory().ramSize();
    }

    private static String directory(Evidence evidence) {
        String cr3 = "CR3 is " + hex(evidence.registers().get(Register.CR3)) + ", ";
        if (isBehindRam(evidence)) {
            return cr3 + "where no RAM is; it takes the physical address of the page directory";
        }
        return evidence.memory().directoryIsVoid()
                ? cr3
                        + "and no entry of a page directory there is present; fill it, at its physical address, before CR3 is"
                        + " set"
                : "the page tables at " + hex(evidence.memory().directory())
                        + " don't map it; map the code that sets CR0.PG or CR3 at the address at which it runs, too";
    }
}
