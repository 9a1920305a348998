package dev.kvmguest.vmm.internal.postmortem;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.advice.Advice;
import dev.kvmguest.vmm.internal.inspection.LastChange;
import dev.kvmguest.vmm.internal.replay.Origin;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.replay.Replay;
import dev.kvmguest.vmm.internal.replay.ReplayedChanges;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * Adds symbols and advice to what a guest died of.
 *
 * @param machine the machine
 * @param config the vCPU's part of its configuration
 * @param layout what lay where at the start
 * @param memory the RAM as the end left it
 * @param msrs the model-specific registers at the end, by number; none where they aren't known
 * @param recording of the run
 * @param start where a replay starts
 * @param limit how long each replay may take
 */
record FaultAdvice(
        MachineConfig machine,
        VcpuConfig config,
        MemoryLayout layout,
        GuestMemory memory,
        SortedMap<Integer, Long> msrs,
        Recording recording,
        Origin start,
        Duration limit) {

    /** So many in each other's handlers may have had their reasons. */
    private static final int FEW_INSIDE = 2;

    /** Gives advice, as {@link Advice} does. */
    @FunctionalInterface
    private interface Adviser {
        List<String> advise(
                Fault fault,
                GuestImage image,
                MemoryLayout layout,
                GuestMemory memory,
                SortedMap<Integer, Long> msrs,
                LastChange changes);
    }

    /** Returns whether an exception was raised again and again, or many were, each in the handler of the one before. */
    static boolean isStorm(Fault first) {
        return first.handler()
                .filter(handler -> handler.rounds() > 1 || handler.inside().size() > FEW_INSIDE)
                .isPresent();
    }

    /** Returns what led to a triple fault, with advice. */
    Fault of(Fault fault) {
        return advised(fault, Advice::of, memory, msrs, changes());
    }

    /** Returns the same where it happened in the handler of another exception. */
    Fault ofConsequence(Fault fault) {
        return advised(fault, Advice::ofConsequence, memory, msrs, changes());
    }

    /** Returns what led to a triple fault after a storm, whose frames have overwritten what could be told of it. */
    Fault none(Fault fault) {
        return fault.namedBy(config.image());
    }

    /**
     * Returns the exception that an end came from, with advice: from the memory as it was then if a storm has followed,
     * or a rule needs that, and it can be replayed.
     */
    Fault ofOrigin(ExceptionOrigin.Found first) {
        return isStorm(first.fault()) || Advice.needsMemoryOf(first.fault())
                ? asItWasThen(first).orElseGet(() -> of(first.fault()))
                : of(first.fault());
    }

    private Optional<Fault> asItWasThen(ExceptionOrigin.Found first) {
        // What other vCPUs have written is not in the recording of one.
        if (recording.isTooLong() || machine.vcpus().size() > 1) {
            return Optional.empty();
        }
        try (Replay replay = Replay.of(recording, start, limit)) {
            return replay.runTo(first.instructions())
                    ? Optional.of(advised(
                            first.fault(),
                            Advice::of,
                            replay.memory(),
                            replay.msrs(),
                            new ReplayedChanges(recording, start, limit, first.instructions())))
                    : Optional.empty();
        } catch (RuntimeException e) {
            PostMortem.stumbled(e);
            return Optional.empty();
        }
    }

    private LastChange changes() {
        return new ReplayedChanges(recording, start, limit);
    }

    private Fault advised(
            Fault fault, Adviser adviser, GuestMemory seen, SortedMap<Integer, Long> then, LastChange changes) {
        try {
            Fault named = fault.namedBy(config.image());
            return named.withAdvice(adviser.advise(named, config.image(), layout, seen, then, changes));
        } catch (RuntimeException e) {
            // The facts must not be lost with an explanation that stumbles over what a guest has left behind.
            PostMortem.stumbled(e);
            return fault;
        }
    }
}
