package dev.kvmguest.vmm;

import dev.kvmguest.vmm.internal.run.EngineSelection;
import dev.kvmguest.vmm.internal.run.SavedMachine;
import java.util.HashMap;
import java.util.Map;

/**
 * A machine as it was at a moment, from which others go on: a guest is booted once, and each test starts where it had
 * booted.
 *
 * <pre>{@code
 * Snapshot booted;
 * try (Machine machine = Machine.create(config)) {
 *     if (!machine.runUntil(Milestone.console("Select:"))) {
 *         throw new AssertionError(machine.run());
 *     }
 *     booted = machine.snapshot();
 * }
 * try (Machine machine = Machine.create(booted)) {
 *     machine.type("1\n");
 *     Outcome outcome = machine.run();
 * }
 * }</pre>
 *
 * <p>It has all of RAM that isn't zero, vCPU, devices, guest time, input that waits, console, and what was recorded
 * since boot. It doesn't change, doesn't need the machine that it was taken of, and may be used by several threads.
 */
public final class Snapshot implements AutoCloseable {

    private volatile SavedMachine saved;
    /** The same for other engines, by their names. */
    private final Map<String, SavedMachine> carried = new HashMap<>();

    Snapshot(SavedMachine saved) {
        this.saved = saved;
    }

    SavedMachine saved() {
        SavedMachine present = saved;
        if (present == null) {
            throw new IllegalStateException("the snapshot is closed");
        }
        return present;
    }

    /** Returns the machine for an engine. */
    synchronized SavedMachine saved(EngineSelection engine) {
        SavedMachine original = saved();
        return engine.engine() == original.engine().engine()
                ? original
                : carried.computeIfAbsent(engine.engine().name(), name -> original.on(engine));
    }

    /** Returns the bytes of RAM that it keeps: of those pages that aren't all zero. */
    public long usedBytes() {
        return saved().usedBytes();
    }

    /** Gives up what it keeps. Machines that were made of it go on. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (saved != null) {
            saved.memory().close();
            carried.values().forEach(other -> other.memory().close());
            carried.clear();
            saved = null;
        }
    }
}
