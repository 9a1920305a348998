package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.HandledException;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What was seen of a guest that hung or halted.
 *
 * @param registers those at its time limit, or after the HLT that ended its run
 * @param halted whether it was halted then, with EIP after the HLT
 * @param steps what it executed afterwards, one instruction after the other, the first one first
 * @param exceptions the exceptions whose handlers it entered meanwhile; empty where the engine doesn't see them, too
 * @param samples where it was afterwards, again and again
 * @param unended the interrupt request lines that were in service when all that was over
 * @param wentOn how it ended in order meanwhile, to follow "it" in a sentence; empty if it didn't
 */
public record HangTrace(
        CpuState registers,
        boolean halted,
        List<Step> steps,
        List<HandledException> exceptions,
        List<Sample> samples,
        Set<Integer> unended,
        Optional<String> wentOn) {

    /**
     * A look at a guest.
     *
     * @param registers the registers
     * @param halted whether it was halted, with EIP after the HLT
     */
    public record Sample(CpuState registers, boolean halted) {}

    public HangTrace {
        steps = List.copyOf(steps);
        exceptions = List.copyOf(exceptions);
        samples = List.copyOf(samples);
        unended = Set.copyOf(unended);
    }

    /**
     * Returns what is seen of a guest without running it any further.
     *
     * @param unended the interrupt request lines that are in service
     */
    public static HangTrace of(CpuState registers, boolean halted, Set<Integer> unended) {
        return new HangTrace(registers, halted, List.of(), List.of(), List.of(), unended, Optional.empty());
    }
}
