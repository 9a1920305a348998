package dev.kvmguest.vmm.internal.doctor;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.host.HostProbe;
import dev.kvmguest.vmm.internal.kvm.KvmEngine;
import dev.kvmguest.vmm.internal.kvm.KvmSurvey;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * Where what is found out about a host comes from. KVM and JNA are touched only if there is a device.
 *
 * @param files the host's files
 * @param environment its environment variables
 * @param java the JVM and what it says of its host
 * @param cpuid what executes CPUID on the host's processor
 * @param device looks at /dev/kvm; empty if there is none
 * @param survey asks KVM, as {@link KvmSurvey#ofThisHost} does
 * @param kvm gives the KVM engine
 * @param emulator gives the emulator
 * @param speedometer measures an engine
 */
public record HostSources(
        HostFiles files,
        Map<String, String> environment,
        JavaHost java,
        CpuidReader cpuid,
        Supplier<Optional<KvmDevice>> device,
        Supplier<KvmSurvey> survey,
        Supplier<Engine> kvm,
        Supplier<Engine> emulator,
        Speedometer speedometer) {

    /** Enough for the emulator's hot loop to be compiled; there are six measurements at most. */
    private static final long MEASURED_NANOS = 100_000_000;

    /** Measures how fast an engine is. */
    @FunctionalInterface
    public interface Speedometer {

        /** Returns how many instructions a second it executes; empty if it can't run the boot mode. */
        OptionalLong instructionsPerSecond(Engine engine, BootMode mode);
    }

    /** Returns those of the host that this JVM runs on. */
    public static HostSources ofThisHost() {
        HostFiles files = new HostFiles(Path.of("/"));
        return new HostSources(
                files,
                System.getenv(),
                JavaHost.current(),
                new CpuidDevice(files),
                () -> KvmDevice.in(files, System.getProperty("user.name")),
                // No method references, since making one loads the class that it names.
                () -> KvmSurvey.ofThisHost(),
                () -> KvmEngine.instance(),
                () -> EmulatorEngine.instance(),
                (engine, mode) -> new HostProbe(engine).instructionsPerSecond(mode, MEASURED_NANOS));
    }
}
