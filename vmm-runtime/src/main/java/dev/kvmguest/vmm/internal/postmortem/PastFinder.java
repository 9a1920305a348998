package dev.kvmguest.vmm.internal.postmortem;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.advice.past.PastAdvice;
import dev.kvmguest.vmm.internal.advice.past.PastEvidence;
import dev.kvmguest.vmm.internal.advice.past.PastEvidence.End;
import dev.kvmguest.vmm.internal.engine.Delivery;
import dev.kvmguest.vmm.internal.engine.DeliveryLog;
import dev.kvmguest.vmm.internal.inspection.Constructors;
import dev.kvmguest.vmm.internal.inspection.Departure;
import dev.kvmguest.vmm.internal.inspection.LastChange;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.inspection.PlacedImage;
import dev.kvmguest.vmm.internal.trial.GuestEnd;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.function.Function;
import java.util.stream.Stream;

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
 * @param trials tells of an end whether it came of constructors that were never called
 */
record PastFinder(
        VcpuConfig config,
        MemoryLayout layout,
        GuestMemory memory,
        SortedSet<Long> withoutRam,
        DeliveryLog handlers,
        Departure.Finder departures,
        LastChange changes,
        Function<GuestEnd, Constructors.Trial> trials) {

    private static final Constructors.Trial NO_TRIAL = constructors -> Optional.empty();

    /** Returns a fault with this advice before its own. */
    Fault addTo(Fault fault) {
        return fault.withAdvice(
                PastAdvice.before(of(fault.registers(), End.BY_EXCEPTION, changes, trial(fault)), fault.advice()));
    }

    /**
     * Returns the advice for a guest that halted or hung; none for others.
     *
     * @param cameFromOne whether that came from an exception, of which there is advice, too
     */
    List<String> of(Outcome end, boolean cameFromOne) {
        return switch (end.kind()) {
            case TIMED_OUT -> of(end, End.HUNG, cameFromOne);
            case HALTED -> of(end, End.HALTED, cameFromOne);
            default -> List.of();
        };
    }

    private List<String> of(Outcome outcome, End end, boolean cameFromOne) {
        return outcome.run()
                .registers()
                .map(registers -> cameFromOne
                        ? of(registers, end, LastChange.UNKNOWN, NO_TRIAL)
                        : of(registers, end, changes, trial(registers, end)))
                .orElse(List.of());
    }

    private Constructors.Trial trial(CpuState registers, End end) {
        GuestEnd.Kind kind = end == End.HUNG ? GuestEnd.Kind.HANG : GuestEnd.Kind.HALT;
        return trials.apply(new GuestEnd(kind, registers, OptionalLong.empty()));
    }

    private Constructors.Trial trial(Fault fault) {
        OptionalLong time = fault.handler().isEmpty() ? OptionalLong.empty() : time(fault);
        boolean known = fault.handler().isEmpty() || time.isPresent();
        return known && !fault.first().interrupt()
                ? trials.apply(new GuestEnd(GuestEnd.Kind.EXCEPTION, fault.registers(), time))
                : NO_TRIAL;
    }

    /** Returns how many instructions had been retired before the exception that a handler took. */
    private OptionalLong time(Fault fault) {
        return Stream.concat(handlers.open().stream(), handlers.again().stream())
                .filter(delivery -> delivery.event().equals(fault.first())
                        && delivery.at().eip() == fault.at().eip())
                .mapToLong(Delivery::instructions)
                .findFirst();
    }

    private List<String> of(CpuState registers, End end, LastChange changed, Constructors.Trial trial) {
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
                    changed,
                    trial));
        } catch (RuntimeException e) {
            PostMortem.stumbled(e);
            return List.of();
        }
    }
}
