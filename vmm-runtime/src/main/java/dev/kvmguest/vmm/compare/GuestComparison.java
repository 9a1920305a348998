package dev.kvmguest.vmm.compare;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a guest does on each engine that this host has: the emulator, KVM and an installed QEMU, one after the other, in
 * one or several boot modes.
 *
 * <pre>{@code
 * GuestComparison comparison = GuestComparison.of(config);
 * if (!comparison.enginesAgree()) {
 *     System.out.println(comparison.table());
 * }
 * }</pre>
 *
 * <p>Engines agree if the guest ends alike: the same outcome, exit code and console. The low seven bits of a value that
 * was written to the debug-exit port are compared where one of them is QEMU, which doesn't have more. A run on KVM is
 * replayed on the emulator, so that the first place at which they part is known; of a run in QEMU the first exception
 * that differs is. A run that a KVM ended because it can't page counts as one that was not to be had.
 */
public final class GuestComparison {

    private static final List<EngineChoice> ENGINES =
            List.of(EngineChoice.EMULATOR, EngineChoice.KVM, EngineChoice.QEMU);

    private final String guest;
    private final List<ComparedRun> runs;
    private final List<Parting> differences;

    private GuestComparison(String guest, List<ComparedRun> runs) {
        this.guest = guest;
        this.runs = List.copyOf(runs);
        this.differences = findDifferences();
    }

    /**
     * Runs a guest on each engine, in its own boot mode.
     *
     * @param config the guest; its engine is of no importance
     * @throws IllegalArgumentException if the image can't be placed as the configuration says, or there are several
     *     vCPUs
     */
    public static GuestComparison of(MachineConfig config) {
        return of(config, List.of(config.vcpus().get(0).boot()));
    }

    /**
     * Runs a guest on each engine in each of some boot modes.
     *
     * @param modes at least one, each once
     * @throws IllegalArgumentException as {@link #of(MachineConfig)}, or if there is no mode
     */
    public static GuestComparison of(MachineConfig config, List<BootMode> modes) {
        if (config.vcpus().size() > 1) {
            throw new IllegalArgumentException("engines are compared by a guest on one vCPU, and there are "
                    + config.vcpus().size());
        }
        if (modes.isEmpty()) {
            throw new IllegalArgumentException("engines are compared in a boot mode, and none is given");
        }
        List<ComparedRun> runs = new ArrayList<>();
        for (BootMode mode : new LinkedHashSet<>(modes)) {
            Machine.layout(on(config, EngineChoice.EMULATOR, mode));
            ENGINES.forEach(engine -> runs.add(run(on(config, engine, mode), mode)));
        }
        return new GuestComparison(config.vcpus().get(0).image().name(), runs);
    }

    private static MachineConfig on(MachineConfig config, EngineChoice engine, BootMode mode) {
        VcpuConfig guest = config.vcpus().get(0).withBoot(mode);
        return MachineConfig.builder()
                .vcpu(guest)
                .memory(config.memorySize())
                .timeout(config.timeout())
                .date(config.date())
                .engine(engine)
                .watchExceptions(true)
                .qemuArguments(engine == EngineChoice.QEMU ? config.qemuArguments() : List.of())
                .build();
    }

    private static ComparedRun run(MachineConfig config, BootMode mode) {
        try (Machine machine = Machine.create(config)) {
            return run(config.engine(), mode, machine.run());
        } catch (VmmException e) {
            if (Thread.currentThread().isInterrupted()) {
                throw e;
            }
            return new ComparedRun(config.engine(), mode, Optional.empty(), Optional.of(e.getMessage()));
        }
    }

    /** An end that is the host's doing says nothing of the guest: it counts as a run that was not to be had. */
    static ComparedRun run(EngineChoice engine, BootMode mode, Outcome outcome) {
        return outcome instanceof Outcome.Unsupported unsupported && unsupported.isOfHost()
                ? new ComparedRun(engine, mode, Optional.empty(), Optional.of("the guest " + outcome.describe()))
                : new ComparedRun(engine, mode, Optional.of(outcome), Optional.empty());
    }

    /** Returns a comparison of runs that have been made, for tests of reports. */
    static GuestComparison ofRuns(String guest, List<ComparedRun> runs) {
        return new GuestComparison(guest, runs);
    }

    /** Returns the guest's name. */
    public String guest() {
        return guest;
    }

    /** Returns each run, and each that was not to be had, by boot mode and then engine; not changeable. */
    public List<ComparedRun> runs() {
        return runs;
    }

    /** Returns the outcomes of the runs that were made. */
    public List<Outcome> outcomes() {
        return runs.stream().flatMap(run -> run.outcome().stream()).toList();
    }

    /**
     * Returns whether at least two engines ran the guest, and it ended alike in all runs. One opinion is no agreement.
     */
    public boolean enginesAgree() {
        return differences.isEmpty();
    }

    /**
     * Returns in what the runs differ, and first that there is nothing to compare if fewer than two engines ran the
     * guest: sentences without a full stop, not changeable; empty if the engines agree.
     */
    public List<String> disagreements() {
        return differences.stream().map(Parting::sentence).toList();
    }

    /**
     * Returns the same with the instruction at which two engines part, where that is known; not changeable. A sentence
     * that isn't about one instruction has none.
     */
    public List<Parting> differences() {
        return differences;
    }

    private List<Parting> findDifferences() {
        long engines = runs.stream()
                .filter(run -> run.outcome().isPresent())
                .map(ComparedRun::engine)
                .distinct()
                .count();
        Stream<Parting> tooFew = engines > 1 ? Stream.of() : Stream.of(Parting.of(tooFew()));
        return Stream.concat(tooFew, new Differences(runs).found().stream()).toList();
    }

    private String tooFew() {
        List<String> reasons = runs.stream()
                .flatMap(run -> run.refusal().map(why -> run.name() + ": " + why).stream())
                .toList();
        return "fewer than two engines ran the guest; " + String.join("; ", reasons);
    }

    /** Returns the runs as a table, and what differs below it; lines ended by LF. */
    public String table() {
        return ComparisonReport.text(this);
    }

    /** Returns the comparison as a JSON object; docs/compare.md describes it. */
    public String toJson() {
        return ComparisonReport.json(this);
    }

    /** Returns the comparison as one page of HTML, with the report of each run. */
    public String toHtml() {
        return ComparisonReport.html(this);
    }
}
