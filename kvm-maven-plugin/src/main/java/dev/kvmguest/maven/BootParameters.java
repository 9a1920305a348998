package dev.kvmguest.maven;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.outcome.Expectation;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.text.Notation;
import dev.kvmguest.vmm.text.Reasons;
import java.io.File;
import java.io.IOException;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import org.apache.maven.plugin.MojoExecutionException;

/**
 * The parameters of kvm:boot, except for the guest to boot. An empty one comes from the guest's manifest, or is the
 * default of the boot mode.
 */
record BootParameters(
        Optional<BootMode> boot,
        OptionalLong load,
        Optional<EntryPoint> entry,
        OptionalLong memory,
        Optional<String> commandLine,
        Optional<List<BootModule>> modules,
        String input,
        Optional<Duration> timeout,
        Optional<LocalDateTime> date,
        EngineChoice engine,
        List<String> qemuArguments,
        boolean watchExceptions,
        Expectation expectation,
        boolean expectsAnEnd) {

    /** The values as they were written; null if there is no value. */
    static final class Text {

        String boot;
        String load;
        String entry;
        String memory;
        String commandLine;
        List<File> modules;
        String input;
        String timeout;
        String date;
        String engine;
        String qemuArguments;
        String expect;
        String exitCode;
        String console;
        String panics;
        boolean strictPorts;
        boolean watchExceptions;
    }

    /**
     * Reads the values.
     *
     * @throws MojoExecutionException if one is bad; the message names its property
     */
    static BootParameters read(Text text) throws MojoExecutionException {
        return new BootParameters(
                bootMode(text.boot),
                number("load", text.load, load -> Notation.parseAddress("load", load)),
                value("entry", text.entry, EntryPoint::parse),
                number("memory", text.memory, memory -> Notation.parseSize("memory", memory)),
                Optional.ofNullable(text.commandLine),
                modules(text.modules),
                value("input", text.input, Escapes::resolve).orElse(""),
                value("timeout", text.timeout, timeout -> Notation.parseDuration("timeout", timeout)),
                value("date", text.date, date -> Notation.parseDate("date", date)),
                value("engine", text.engine, EngineChoice::parse).orElse(EngineChoice.AUTO),
                text.qemuArguments == null
                        ? List.of()
                        : List.of(text.qemuArguments.trim().split("\\s+")),
                text.watchExceptions,
                expectation(text),
                text.expect != null || text.exitCode != null || text.console != null);
    }

    /**
     * Reads {@code kvm.boot}.
     *
     * @throws MojoExecutionException if there is no such mode
     */
    static Optional<BootMode> bootMode(String text) throws MojoExecutionException {
        return value("boot", text, BootMode::parse);
    }

    private static Expectation expectation(Text text) throws MojoExecutionException {
        Expectation.Builder expectation = Expectation.builder().strictPorts(text.strictPorts);
        value("expect", text.expect, Outcome.Kind::parse).ifPresent(expectation::outcome);
        value("exitCode", text.exitCode, CheckParameters::exitCode).ifPresent(expectation::exitCode);
        if (text.console != null) {
            expectation.console(text.console);
        }
        value(
                "panics",
                text.panics == null ? "none" : text.panics,
                panics -> CheckParameters.panics(expectation, panics));
        return expectation.build();
    }

    /** Returns the machine for a guest. Values given here replace those of its manifest. */
    MachineConfig machine(VcpuConfig guest, OptionalLong guestMemory, Duration defaultTimeout) {
        VcpuConfig vcpu = guest.withInput(input);
        if (boot.isPresent()) {
            vcpu = vcpu.withBoot(boot.get());
        }
        if (load.isPresent()) {
            vcpu = vcpu.withLoad(load.getAsLong());
        }
        if (entry.isPresent()) {
            vcpu = vcpu.withEntry(entry.get());
        }
        if (commandLine.isPresent()) {
            vcpu = vcpu.withCommandLine(commandLine.get());
        }
        if (modules.isPresent()) {
            vcpu = vcpu.withModules(modules.get());
        }
        MachineConfig.Builder machine = MachineConfig.builder()
                .vcpu(vcpu)
                .timeout(timeout.orElse(defaultTimeout))
                .engine(engine)
                .qemuArguments(qemuArguments)
                .watchExceptions(watchExceptions);
        date.ifPresent(machine::date);
        (memory.isPresent() ? memory : guestMemory).ifPresent(machine::memory);
        return machine.build();
    }

    /**
     * Compares a run with what is expected of it. If the user at the keyboard ends it, that is not a failure, unless
     * the parameters name an end.
     */
    List<Mismatch> mismatches(Outcome outcome, boolean keyboard) {
        boolean endedByUser = keyboard && outcome.kind() == Outcome.Kind.STOPPED;
        return endedByUser && !expectsAnEnd ? List.of() : expectation.compare(outcome);
    }

    private static Optional<List<BootModule>> modules(List<File> files) throws MojoExecutionException {
        if (files == null) {
            return Optional.empty();
        }
        List<BootModule> modules = new ArrayList<>();
        for (File file : files) {
            try {
                modules.add(BootModule.read(file.toPath()));
            } catch (IOException e) {
                throw new MojoExecutionException("kvm.modules can't be read: " + Reasons.of(file.toPath(), e), e);
            }
        }
        return Optional.of(modules);
    }

    private static OptionalLong number(String name, String text, Function<String, Long> reading)
            throws MojoExecutionException {
        return value(name, text, reading).map(OptionalLong::of).orElse(OptionalLong.empty());
    }

    /**
     * Reads a property; empty if it isn't given.
     *
     * @throws MojoExecutionException if it is bad; the message names it
     */
    static <T> Optional<T> value(String name, String text, Function<String, T> reading) throws MojoExecutionException {
        try {
            return Optional.ofNullable(text).map(reading);
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException("kvm." + name + ": " + e.getMessage(), e);
        }
    }
}
