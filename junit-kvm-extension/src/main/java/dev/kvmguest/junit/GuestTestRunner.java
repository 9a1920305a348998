package dev.kvmguest.junit;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.Snapshot;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.outcome.Expectation;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.function.Executable;

/**
 * Runs tests inside a guest for one test factory, each in a machine of its own. The guest boots once, until it asks
 * which test to run; a guest that never asks boots for each of them.
 *
 * <p>JUnit closes it with the factory's store: as an AutoCloseable from 5.13 on, as a CloseableResource before.
 */
final class GuestTestRunner implements AutoCloseable, ExtensionContext.Store.CloseableResource {

    private final ExtensionContext factory;
    private final GuestAnnotations annotations;
    private final MachineConfig config;
    private final Expectation expectation;
    private final List<GuestTestCase> tests;
    private final SourceFolders sources;
    private final AtomicBoolean used = new AtomicBoolean();

    /** The guest as it asks which test to run; empty if it doesn't, null if that was not tried yet. */
    private Optional<Snapshot> asking;

    /**
     * Creates a runner.
     *
     * @throws ExtensionConfigurationException if the annotations describe no machine, or one with several vCPUs, or a
     *     guest without tests
     */
    GuestTestRunner(ExtensionContext factory) {
        this.factory = factory;
        this.annotations = GuestAnnotations.of(factory);
        this.config = annotations.machine();
        this.expectation = Expectation.builder()
                .strictPorts(annotations.settings().strictPorts().orElse(false))
                .build();
        if (config.vcpus().size() > 1) {
            throw new ExtensionConfigurationException("guest of " + annotations.test() + ": its tests run on one vCPU,"
                    + " but there are " + config.vcpus().size() + "; name one guest, and leave vcpus out");
        }
        this.tests = annotations.guestTests();
        this.sources = annotations.sources();
    }

    /** Returns the guest's tests. */
    GuestTests tests() {
        return new GuestTests(this, tests);
    }

    /** Returns where the guest's source files are. */
    SourceFolders sources() {
        return sources;
    }

    /** Returns whether the factory has made a JUnit test of any of the guest's tests. */
    boolean isUsed() {
        return used.get();
    }

    Executable executable(GuestTestCase test) {
        used.set(true);
        return () -> run(test);
    }

    private void run(GuestTestCase test) {
        Outcome outcome;
        Machine ended;
        try (Machine machine = machine(test)) {
            outcome = machine.run();
            ended = machine;
        } catch (VmmException e) {
            throw files(test, Optional.of(e), List.of(), List.of(), Screen.BLANK, Optional.empty())
                    .failure(factory, describe(test) + " could not be run: " + e.getMessage(), e);
        } catch (IllegalArgumentException e) {
            throw GuestAnnotations.refused(annotations.test(), e);
        }
        List<Mismatch> mismatches = expectation.compare(outcome);
        if (!mismatches.isEmpty()) {
            throw files(
                            test,
                            Optional.empty(),
                            List.of(outcome),
                            mismatches,
                            outcome.run().screen(),
                            Optional.of(ended))
                    .failure(factory, Failures.message(mismatches, outcome), null);
        }
    }

    private Machine machine(GuestTestCase test) {
        return asking().map(snapshot -> Machine.create(snapshot, test))
                .orElseGet(() -> Machine.create(config.withGuestTest(test)));
    }

    private synchronized Optional<Snapshot> asking() {
        if (asking == null) {
            try (Machine machine = Machine.create(config.withGuestTest(tests.get(0)))) {
                asking = machine.canBePaused() && machine.runUntil(Milestone.testQuestion())
                        ? Optional.of(machine.snapshot())
                        : Optional.empty();
            }
        }
        return asking;
    }

    @Override
    public synchronized void close() {
        if (asking != null) {
            asking.ifPresent(Snapshot::close);
        }
    }

    private static String describe(GuestTestCase test) {
        return "in-guest test " + test.name() + ", " + test.file() + ":" + test.line() + ",";
    }

    /** Dynamic tests have no context to publish with but the factory's; the test's name tells their files apart. */
    private GuestFiles files(
            GuestTestCase test,
            Optional<VmmException> refusal,
            List<Outcome> outcomes,
            List<Mismatch> mismatches,
            Screen screen,
            Optional<Machine> machine) {
        String prefix = test.name().replaceAll("[^A-Za-z0-9._-]", "_") + "-";
        return new GuestFiles(
                prefix,
                "in-guest test " + test.name(),
                config.vcpus().get(0).image().name(),
                refusal,
                outcomes,
                outcome -> mismatches,
                screen,
                sources,
                machine);
    }
}
