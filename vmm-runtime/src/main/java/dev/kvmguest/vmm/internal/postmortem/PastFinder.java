package dev.kvmguest.vmm.internal.postmortem;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.advice.past.PastAdvice;
import dev.kvmguest.vmm.internal.advice.past.PastEvidence;
import dev.kvmguest.vmm.internal.advice.past.PastEvidence.End;
import dev.kvmguest.vmm.internal.engine.DeliveryLog;
import dev.kvmguest.vmm.internal.inspection.Departure;
import dev.kvmguest.vmm.internal.inspection.LastChange;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.inspection.PlacedImage;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.List;
import java.util.SortedSet;

/**
 * Finds advice in what led to an end, where neither the last instructions nor a loop tell.
 *
 * @param config the vCPU's part of the machine's configuration
 * @param layout what lay where at the start
 * @param memory the RAM as the end left it
 * @param withoutRam the addresses without RAM that were used, the first few
 * @param handlers what the guest entered handlers for
 * @param departures tells where the guest left its image
 * @param changes tells who overwrote what
 */
record PastFinder(
        VcpuConfig config,
        MemoryLayout layout,
        GuestMemory memory,
        SortedSet<Long> withoutRam,
        DeliveryLog handlers,
        Departure.Finder departures,
        LastChange changes) {

    /** Returns a fault with this advice before its own. */
    Fault addTo(Fault fault) {
        return fault.withAdvice(PastAdvice.before(of(fault.registers(), End.BY_EXCEPTION), fault.advice()));
    }

    /** Returns the advice for a guest that halted or hung; none for others. */
    List<String> of(Outcome end) {
        return switch (end.kind()) {
            case TIMED_OUT -> of(end, End.HUNG);
            case HALTED -> of(end, End.HALTED);
            default -> List.of();
        };
    }

    private List<String> of(Outcome outcome, End end) {
        return outcome.run().registers().map(registers -> of(registers, end)).orElse(List.of());
    }

    private List<String> of(CpuState registers, End end) {
        try {
            return PastAdvice.of(new PastEvidence(
                    config.boot(),
                    registers,
                    PlacedImage.of(config.image(), layout),
                    layout,
                    new LinearMemory(memory, registers),
                    withoutRam,
                    end,
                    handlers,
                    departures,
                    changes));
        } catch (RuntimeException e) {
            PostMortem.stumbled(e);
            return List.of();
        }
    }
}
