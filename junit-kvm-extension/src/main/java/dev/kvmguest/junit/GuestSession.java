package dev.kvmguest.junit;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.Snapshot;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.outcome.Expectation;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * One test's machine, made on first use.
 *
 * <p>JUnit closes it with the test's store: as an AutoCloseable from 5.13 on, as a CloseableResource before.
 */
final class GuestSession implements AutoCloseable, ExtensionContext.Store.CloseableResource {

    private final GuestAnnotations annotations;
    private final MachineConfig config;
    private final Expectation expectation;
    private final BootedGuests booted;
    /** What the test has awaited on each vCPU's console, and found. */
    private final Map<Integer, List<Pattern>> awaited = new ConcurrentHashMap<>();

    private final List<Snapshot> checkpoints = new ArrayList<>();

    private Machine machine;
    private VmmException refusal;
    private Optional<AssertionError> notBooted = Optional.empty();
    private List<Outcome> failedBoot = List.of();
    private boolean live;
    private boolean closed;

    /**
     * Makes a session without a machine.
     *
     * @param booted the guests that several tests go on from
     */
    GuestSession(GuestAnnotations annotations, BootedGuests booted) {
        this.annotations = annotations;
        this.booted = booted;
        this.config = annotations.machine();
        this.expectation = annotations.expectation();
        if (!annotations.steps().isEmpty() && config.vcpus().size() > 1) {
            throw GuestAnnotations.refused(
                    annotations.test(),
                    new IllegalArgumentException("@BootedUntil is for a guest with one vCPU, and there are "
                            + config.vcpus().size()));
        }
    }

    GuestAnnotations annotations() {
        return annotations;
    }

    MachineConfig config() {
        return config;
    }

    /** Returns the guest that the test talks to while it runs. */
    synchronized Guest guest() {
        live = true;
        return new Guest(this, 0);
    }

    /** Returns whether the test has been given a {@link Guest}. */
    synchronized boolean isLive() {
        return live;
    }

    /** Returns the machine if there is one. */
    synchronized Optional<Machine> booted() {
        return Optional.ofNullable(machine);
    }

    /** Returns why no machine could be made; empty if it was made or not yet tried. */
    synchronized Optional<VmmException> refusal() {
        return Optional.ofNullable(refusal);
    }

    /** Returns the machine, started; see {@link #loaded} for what is thrown. */
    Machine machine() {
        Machine loaded = loaded();
        loaded.start();
        return loaded;
    }

    /**
     * Returns the machine; makes and loads it on first use.
     *
     * @throws IllegalStateException if the test has ended
     * @throws VmmException if this host can't run the guest
     * @throws org.junit.jupiter.api.extension.ExtensionConfigurationException if an image can't be placed as asked
     */
    private synchronized Machine loaded() {
        if (closed) {
            throw new IllegalStateException(
                    "the guest is gone: " + annotations.test() + " has ended, and every test has a guest of its own");
        }
        if (machine == null) {
            try {
                machine = annotations.steps().isEmpty() ? Machine.create(config) : bootedMachine();
                refusal = null;
            } catch (VmmException e) {
                refusal = e;
                throw e;
            } catch (IllegalArgumentException e) {
                throw GuestAnnotations.refused(annotations.test(), e);
            }
        }
        return machine;
    }

    private Machine bootedMachine() {
        BootedGuest guest = booted.booted(annotations, config);
        try {
            Machine goesOn = guest.machine(annotations.test(), config.timeout());
            goesOn.type(0, config.vcpus().get(0).inputBytes());
            return goesOn;
        } catch (AssertionError e) {
            notBooted = Optional.of(e);
            failedBoot = guest.outcomes();
            throw e;
        }
    }

    /** Returns the machine as it is; see {@link Guest#checkpoint}. */
    Snapshot checkpoint() {
        Snapshot taken = machine().snapshot();
        synchronized (this) {
            checkpoints.add(taken);
        }
        return taken;
    }

    /** Replaces the machine; see {@link Guest#restore}. */
    void restore(Snapshot checkpoint) {
        requireAcceptedEnd();
        Machine goesOn = Machine.create(checkpoint, config.timeout());
        Machine before;
        synchronized (this) {
            before = machine;
            machine = goesOn;
        }
        dispose(before);
    }

    /**
     * Ends what still runs, and requires how it ended to be what the test may leave unsaid, or has asserted.
     *
     * @throws AssertionError if it is not
     */
    void requireAcceptedEnd() {
        for (Outcome outcome : end(true)) {
            List<Mismatch> mismatches = mismatches(outcome);
            if (!mismatches.isEmpty()) {
                throw new AssertionError(Failures.message(mismatches, outcome));
            }
        }
    }

    private static void dispose(Machine last) {
        if (last != null) {
            for (int i = 0; i < last.vcpus(); i++) {
                last.outcome(i).ifPresent(AssertedEnds::forget);
            }
            last.close();
        }
    }

    /** Returns why the guest did not come to where the test goes on; empty if it did or that was not yet tried. */
    synchronized Optional<AssertionError> notBooted() {
        return notBooted;
    }

    /** Boots the guest, unless it has been booted, and waits until every vCPU has ended. */
    List<Outcome> runToEnd() {
        // Not started here: a single vCPU then runs on this thread, which is quickest.
        List<Outcome> outcomes = loaded().runAll();
        outcomes.forEach(AssertedEnds::watch);
        return outcomes;
    }

    /** Boots the guest, unless it has been booted, and waits until this vCPU has ended. */
    Outcome await(int vcpu) {
        Outcome outcome = loaded().run(vcpu);
        AssertedEnds.watch(outcome);
        return outcome;
    }

    /** Returns how a vCPU ended; empty while it runs or if nothing was booted. */
    Optional<Outcome> outcome(int vcpu) {
        Optional<Outcome> outcome = booted().flatMap(machine -> machine.outcome(vcpu));
        outcome.ifPresent(AssertedEnds::watch);
        return outcome;
    }

    /**
     * Ends what still runs.
     *
     * @param passed whether the test's body has passed, so that how the guest ends decides; otherwise it is stopped at
     *     once
     * @return how each vCPU ended, or the guest did that never came to where the test goes on; empty if nothing was
     *     booted
     */
    List<Outcome> end(boolean passed) {
        Optional<Machine> made = booted();
        if (made.isEmpty()) {
            return failedBoot;
        }
        if (passed && made.get().isRunning()) {
            made.get().finish();
        } else {
            made.get().stop();
        }
        // The verdict must be had even if the test's thread was interrupted; now it comes soon.
        boolean interrupted = Thread.interrupted();
        try {
            return runToEnd();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Compares how a vCPU ended with what the annotations and the test's own assertions say.
     *
     * @return what differs; empty if nothing differs
     */
    List<Mismatch> mismatches(Outcome outcome) {
        List<Mismatch> mismatches = new ArrayList<>();
        if (!endIsAccepted(outcome)) {
            mismatches.addAll(expectation.compare(outcome, expectedOnConsole(outcome)));
        }
        if (annotations.settings().strictPorts().orElse(false)) {
            Expectation.unclaimedPorts(outcome).ifPresent(mismatches::add);
        }
        return mismatches;
    }

    /** Returns whether the test could have asserted this end itself, which it can't if an annotation names the end. */
    boolean endMayBeAsserted(Outcome outcome) {
        return annotations.guestTest().isEmpty()
                && !endIsAccepted(outcome)
                && !expectation.compare(outcome, expectedOnConsole(outcome)).isEmpty();
    }

    /** Takes note of what the test has awaited on a vCPU's console, and found. */
    void awaited(int vcpu, Pattern pattern) {
        awaited.computeIfAbsent(vcpu, key -> new CopyOnWriteArrayList<>()).add(pattern);
    }

    private List<Pattern> expectedOnConsole(Outcome outcome) {
        List<Pattern> expected = new ArrayList<>(AssertedEnds.console(outcome));
        expected.addAll(awaited.getOrDefault(outcome.run().vcpu(), List.of()));
        return expected;
    }

    private boolean endIsAccepted(Outcome outcome) {
        return annotations.guestTest().isEmpty()
                && (outcome instanceof Outcome.Stopped || AssertedEnds.wasAsserted(outcome));
    }

    @Override
    public void close() {
        Machine last;
        List<Snapshot> taken;
        synchronized (this) {
            closed = true;
            taken = List.copyOf(checkpoints);
            last = machine;
            machine = null;
        }
        dispose(last);
        taken.forEach(Snapshot::close);
    }
}
