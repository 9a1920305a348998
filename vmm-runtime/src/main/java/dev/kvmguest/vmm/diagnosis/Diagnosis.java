package dev.kvmguest.vmm.diagnosis;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What was found out about a run after its end.
 *
 * @param origin the exception that the end came from, if a handler took it: the handler was running when the guest
 *     died, hung, halted, was reset or left by the debug-exit port with another value than 0, or returned to an
 *     instruction that raised the exception again and again; empty if there was none, or if it isn't known
 * @param fault what led to a triple fault, on the guest's engine or on the emulator after KVM gave up; empty for other
 *     ends, or if it isn't known
 * @param standstill where the guest hung, halted or was stopped; empty for other ends
 * @param inspection what the memory of a dead or stuck guest tells; empty after a normal end
 * @param timeline the last of what the guest exchanged with its machine
 * @param taken what the guest entered handlers for, and how often; empty if it entered none, or if nobody has seen it
 * @param exceptions the exceptions that the guest took and survived, in order; empty unless they were asked for
 * @param parting where two engines disagree about this guest, or why the second could not follow the first; empty if
 *     they agree, or if only one ran it
 * @param warnings what the guest got away with here and may not elsewhere, as sentences without a full stop; they don't
 *     change the verdict
 */
public record Diagnosis(
        Optional<Fault> origin,
        Optional<Fault> fault,
        Optional<Standstill> standstill,
        Optional<Inspection> inspection,
        Timeline timeline,
        List<TakenEvent> taken,
        Optional<List<HandledException>> exceptions,
        Optional<Parting> parting,
        List<String> warnings) {

    /** Nothing is known. */
    public static final Diagnosis NONE = new Diagnosis(
            Optional.empty(), Optional.empty(), Optional.empty(), Timeline.EMPTY, Optional.empty(), Optional.empty());

    public Diagnosis {
        taken = List.copyOf(taken);
        exceptions = exceptions.map(List::copyOf);
        warnings = List.copyOf(warnings);
    }

    /** Creates one without warnings. */
    public Diagnosis(
            Optional<Fault> origin,
            Optional<Fault> fault,
            Optional<Standstill> standstill,
            Optional<Inspection> inspection,
            Timeline timeline,
            List<TakenEvent> taken,
            Optional<List<HandledException>> exceptions,
            Optional<Parting> parting) {
        this(origin, fault, standstill, inspection, timeline, taken, exceptions, parting, List.of());
    }

    /** Creates one of a guest of whose handlers nothing is known. */
    public Diagnosis(
            Optional<Fault> fault,
            Optional<Standstill> standstill,
            Optional<Inspection> inspection,
            Timeline timeline,
            Optional<List<HandledException>> exceptions,
            Optional<Parting> parting) {
        this(Optional.empty(), fault, standstill, inspection, timeline, List.of(), exceptions, parting);
    }

    /** Returns a copy with what led to a shutdown. */
    public Diagnosis withFault(Fault found) {
        return new Diagnosis(
                origin, Optional.of(found), standstill, inspection, timeline, taken, exceptions, parting, warnings);
    }

    /** Returns where two engines disagree about this guest, as a sentence without a full stop. */
    public Optional<String> divergence() {
        return parting.map(Parting::sentence);
    }

    /** Returns a copy with where engines disagree. */
    public Diagnosis withParting(Parting found) {
        return new Diagnosis(
                origin, fault, standstill, inspection, timeline, taken, exceptions, Optional.of(found), warnings);
    }

    /** Returns a copy with these warnings after those that it has. */
    public Diagnosis withWarnings(List<String> more) {
        List<String> all = Stream.concat(warnings.stream(), more.stream()).toList();
        return new Diagnosis(origin, fault, standstill, inspection, timeline, taken, exceptions, parting, all);
    }
}
