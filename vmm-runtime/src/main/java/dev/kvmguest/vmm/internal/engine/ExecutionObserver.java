package dev.kvmguest.vmm.internal.engine;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/** What an engine sees of a guest because it executes each instruction itself. */
public interface ExecutionObserver {

    /** What an observer has seen of a guest, for another one of the same engine that goes on from there; immutable. */
    interface Seen {}

    /** Returns the number of instructions retired since the start. */
    long instructions();

    /**
     * Returns what led to the {@link VmExit.Shutdown} with which the last run ended, without symbols and advice; empty
     * if it ended otherwise.
     */
    Optional<Fault> fault();

    /** Returns the instructions executed last, the oldest first, without symbols; of zeros only some. */
    List<GuestInstruction> lastInstructions();

    /** Returns what it has seen so far. */
    Seen seen();

    /**
     * Has what it has seen so far be what another one had; to be called after the vCPU's state was set, and after
     * {@link #watchExceptions}.
     */
    void goOnFrom(Seen seen);

    /** Notes the exceptions that the guest takes from now on, after forgetting those noted before. */
    void watchExceptions();

    /**
     * Returns the exceptions whose handlers the guest has entered since {@link #watchExceptions}, the first 1,000 of
     * them, without symbols. INT3, INTO and INT1 raise exceptions, INT n doesn't. The list is empty if nobody watches.
     */
    List<HandledException> exceptions();

    /** Returns which handlers the guest has entered, and which of them have not returned; noted without being asked. */
    DeliveryLog handlers();

    /** Returns the model-specific registers that can be written, by number, as they are now; EFER is not among them. */
    SortedMap<Integer, Long> msrs();
}
