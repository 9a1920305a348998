package dev.kvmguest.junit;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.Snapshot;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A guest that was booted once for several tests, or that failed to.
 *
 * <p>JUnit closes it with the store of all tests: as an AutoCloseable from 5.13 on, as a CloseableResource before.
 */
final class BootedGuest implements AutoCloseable, ExtensionContext.Store.CloseableResource {

    private final Milestone milestone;
    private final Optional<Snapshot> snapshot;
    /** How the guest ended before it came there; empty if it came there, or one before it failed. */
    private final Optional<Outcome> end;
    /** The one before it, if that failed. */
    private final Optional<BootedGuest> failed;
    /** The test that has told the failure in full. */
    private final AtomicReference<String> told = new AtomicReference<>();

    private BootedGuest(
            Milestone milestone, Optional<Snapshot> snapshot, Optional<Outcome> end, Optional<BootedGuest> failed) {
        this.milestone = milestone;
        this.snapshot = snapshot;
        this.end = end;
        this.failed = failed;
    }

    /**
     * Boots a guest.
     *
     * @param config its machine, with the input of the first step
     * @throws VmmException if this host can't run it
     * @throws IllegalArgumentException if an image can't be placed as asked, or the engine makes no snapshots
     */
    static BootedGuest boot(MachineConfig config, Milestone milestone) {
        try (Machine machine = Machine.create(config)) {
            return runUntil(machine, milestone);
        }
    }

    /**
     * Has a guest go on to a further milestone.
     *
     * @param timeout its time limit for that
     */
    BootedGuest goOn(Duration timeout, BootStep next) {
        if (snapshot.isEmpty()) {
            return new BootedGuest(next.milestone(), Optional.empty(), Optional.empty(), Optional.of(this));
        }
        try (Machine machine = Machine.create(snapshot.get(), timeout)) {
            machine.type(next.input());
            return runUntil(machine, next.milestone());
        }
    }

    private static BootedGuest runUntil(Machine machine, Milestone milestone) {
        return machine.runUntil(milestone)
                ? new BootedGuest(milestone, Optional.of(machine.snapshot()), Optional.empty(), Optional.empty())
                : new BootedGuest(milestone, Optional.empty(), machine.outcome(0), Optional.empty());
    }

    /**
     * Makes a machine that goes on from there.
     *
     * @param test the test, as errors name it
     * @throws AssertionError if the guest did not come there
     */
    Machine machine(String test, Duration timeout) {
        if (snapshot.isPresent()) {
            return Machine.create(snapshot.get(), timeout);
        }
        throw new AssertionError(failure(test));
    }

    private String failure(String test) {
        if (failed.isPresent()) {
            return failed.get().failure(test);
        }
        Outcome how = end.orElseThrow();
        String sentence = "the guest was to be booted until " + milestone.inWords() + ", but it " + how.describe();
        String first = told.updateAndGet(earlier -> earlier == null ? test : earlier);
        return first.equals(test)
                ? Failures.message(sentence, how)
                : sentence + "; the failure of " + first + " tells it in full";
    }

    /** Returns how the guest ended, if it did not come there. */
    List<Outcome> outcomes() {
        return end.or(() -> failed.flatMap(before -> before.end)).stream().toList();
    }

    @Override
    public void close() {
        snapshot.ifPresent(Snapshot::close);
    }
}
