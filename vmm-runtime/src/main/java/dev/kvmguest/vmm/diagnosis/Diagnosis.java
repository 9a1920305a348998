package dev.kvmguest.vmm.diagnosis;

import java.util.List;
import java.util.Optional;

/**
 * What was found out after a run about its end.
 *
 * @param fault what led to the shutdown, of a guest that triple-faulted, or that does so on the emulator where KVM gave up;
 *     empty for others, and where it isn't known
 * @param standstill where a guest stood that hung or halted; empty for others
 * @param inspection what a dead or stuck guest's memory tells; empty for those that ended in order
 * @param timeline the last of what the guest exchanged with its machine
 * @param exceptions the exceptions that the guest took and went on from, the first one first; empty unless asked for
 * @param divergence where two engines disagree about this guest, or why the second could not follow the first, in a
 *     sentence without a full stop; empty if they agree, or only one ran it
 */
public record Diagnosis(
        Optional<Fault> fault,
        Optional<Standstill> standstill,
        Optional<Inspection> inspection,
        Timeline timeline,
        Optional<List<HandledException>> exceptions,
        Optional<String> divergence) {

    /** Nothing is known. */
    public static final Diagnosis NONE = new Diagnosis(
            Optional.empty(), Optional.empty(), Optional.empty(), Timeline.EMPTY, Optional.empty(), Optional.empty());

    public Diagnosis {
        exceptions = exceptions.map(List::copyOf);
    }

    /** Returns the same with what led to a shutdown. */
    public Diagnosis withFault(Fault found) {
        return new Diagnosis(Optional.of(found), standstill, inspection, timeline, exceptions, divergence);
    }
}
