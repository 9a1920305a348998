package dev.kvmguest.vmm.diagnosis;

import java.util.List;
import java.util.Optional;

/**
 * What was found out about a run after its end.
 *
 * @param fault what led to a triple fault, on the guest's engine or on the emulator after KVM gave up; empty for other
 *     ends, or if it isn't known
 * @param standstill where the guest hung or halted; empty for other ends
 * @param inspection what the memory of a dead or stuck guest tells; empty after a normal end
 * @param timeline the last of what the guest exchanged with its machine
 * @param exceptions the exceptions that the guest took and survived, in order; empty unless they were asked for
 * @param divergence where two engines disagree about this guest, or why the second could not follow the first, as a
 *     sentence without a full stop; empty if they agree, or if only one ran it
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

    /** Returns a copy with what led to a shutdown. */
    public Diagnosis withFault(Fault found) {
        return new Diagnosis(Optional.of(found), standstill, inspection, timeline, exceptions, divergence);
    }
}
