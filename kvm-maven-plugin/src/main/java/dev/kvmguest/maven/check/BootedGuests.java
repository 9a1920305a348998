package dev.kvmguest.maven.check;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.Snapshot;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.report.TextReport;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The guests that have been booted for several checks, each by the first check that needs it. Any thread may call. */
final class BootedGuests implements AutoCloseable {

    private final Map<Key, BootedGuest> guests = new ConcurrentHashMap<>();

    /** What checks must have in common to share a guest. */
    private record Key(
            String guest,
            String input,
            Duration timeout,
            Milestone milestone,
            LocalDateTime date,
            EngineChoice engine,
            Optional<String> commandLine,
            Optional<List<Path>> modules) {}

    /** A guest that is booted on first use. */
    private static final class BootedGuest {

        private Optional<Snapshot> snapshot;
        /** Why there is none. */
        private String reason;

        /** Returns where to go on from; empty if the guest didn't come there, or can't be paused. */
        synchronized Optional<Snapshot> snapshot(MachineConfig config, Milestone milestone) {
            if (snapshot == null) {
                try (Machine machine = Machine.create(config)) {
                    snapshot = boot(machine, milestone);
                }
            }
            return snapshot;
        }

        private Optional<Snapshot> boot(Machine machine, Milestone milestone) {
            if (!machine.canBePaused()) {
                reason = "a guest in QEMU can't be booted once for several checks; leave bootedUntil out, or use engine"
                        + " emulator or kvm";
                return Optional.empty();
            }
            if (machine.runUntil(milestone)) {
                return Optional.of(machine.snapshot());
            }
            reason = machine.outcome(0)
                    .map(end -> "the guest was to be booted until " + milestone.inWords() + ", but it " + end.describe()
                            + "\n" + TextReport.brief(end))
                    .orElseThrow();
            return Optional.empty();
        }

        synchronized void close() {
            if (snapshot != null) {
                snapshot.ifPresent(Snapshot::close);
            }
        }
    }

    /**
     * Makes the machine of a check, which is yet to be run.
     *
     * @param config its configuration, with the check's input
     * @throws VmmException if the guest doesn't come to where the check goes on, or this host can't run it
     */
    Machine machine(GuestCheck check, MachineConfig config) {
        if (check.bootedUntil().isEmpty()) {
            return Machine.create(config);
        }
        Milestone milestone = check.bootedUntil().get();
        BootedGuest guest = guests.computeIfAbsent(
                new Key(
                        check.guest(),
                        check.guestTest().map(test -> check.input()).orElse(""),
                        check.timeout(),
                        milestone,
                        check.date(),
                        check.engine(),
                        check.commandLine(),
                        check.modules()),
                absent -> new BootedGuest());
        if (check.guestTest().isPresent()) {
            // One that never asks for a test boots for each: what it does instead is the verdict.
            return guest.snapshot(config, milestone)
                    .map(snapshot -> Machine.create(snapshot, check.guestTest().get()))
                    .orElseGet(() -> Machine.create(config));
        }
        MachineConfig withoutInput = config.withVcpu(config.vcpus().get(0).withInput(""));
        Snapshot snapshot = guest.snapshot(withoutInput, milestone).orElseThrow(() -> new VmmException(guest.reason));
        Machine machine = Machine.create(snapshot);
        machine.type(check.input());
        return machine;
    }

    @Override
    public void close() {
        guests.values().forEach(BootedGuest::close);
    }
}
