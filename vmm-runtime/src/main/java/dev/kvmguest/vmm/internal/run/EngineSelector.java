package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.host.KvmFitness;
import dev.kvmguest.vmm.internal.kvm.KvmEngine;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Chooses engines for machines: the one asked for, or else KVM where it will do, or else the emulator.
 *
 * <p>An engine that isn't wanted is not touched: the emulator must run where neither KVM nor native code can be had.
 */
public final class EngineSelector {

    /** The engines of this host, and its log. */
    public static final EngineSelector OF_THIS_HOST = new EngineSelector(
            Path.of("/dev/kvm"),
            // No method reference, since making one loads the class that it names.
            () -> KvmEngine.instance(),
            () -> EmulatorEngine.instance(),
            EngineSelector::inform);

    private final Path device;
    private final Supplier<Engine> kvm;
    private final Supplier<Engine> emulator;
    private final Consumer<String> log;
    private final Set<String> told = ConcurrentHashMap.newKeySet();
    private Optional<String> whyNoKvm;

    /**
     * Creates a selector.
     *
     * @param device the file without which there is no KVM
     * @param kvm gives the KVM engine; asked only if that is what is wanted and the device exists
     * @param emulator gives the emulator
     * @param log takes a sentence when guests are run on the emulator though nobody asked for it, one for each reason
     */
    EngineSelector(Path device, Supplier<Engine> kvm, Supplier<Engine> emulator, Consumer<String> log) {
        this.device = device;
        this.kvm = kvm;
        this.emulator = emulator;
        this.log = log;
    }

    private static void inform(String message) {
        System.getLogger(EngineSelector.class.getName()).log(Level.INFO, message);
    }

    /**
     * Chooses the engine.
     *
     * @throws VmmException if the engine asked for can't run the guests on this host, saying what it can't
     */
    public EngineSelection choose(MachineConfig config) {
        EngineRequest request = EngineRequest.of(config);
        String reason = request.reason();
        return switch (request.choice()) {
            case AUTO -> best(config);
            case KVM -> {
                requireKvmFor(config);
                yield new EngineSelection(kvm.get(), reason);
            }
            case EMULATOR -> new EngineSelection(emulator.get(), reason);
            case QEMU -> throw new IllegalArgumentException("QEMU is a machine and no engine for vCPUs");
        };
    }

    private void requireKvmFor(MachineConfig config) {
        Capabilities capabilities = kvm.get().capabilities();
        for (VcpuConfig vcpu : config.vcpus()) {
            require(capabilities, Feature.neededBy(Feature.modeOf(vcpu)), config.vcpus());
        }
        if (config.vcpus().size() > 1) {
            require(capabilities, Feature.PARALLEL_VCPUS, config.vcpus());
        }
    }

    private static void require(Capabilities capabilities, Feature feature, Collection<VcpuConfig> vcpus) {
        capabilities.whyNot(feature).ifPresent(why -> {
            throw new VmmException("engine kvm can't run " + names(vcpus) + " on this host: " + feature.words()
                    + " does not work here: " + why + "; engine " + EngineChoice.EMULATOR + " runs it anywhere");
        });
    }

    private EngineSelection best(MachineConfig config) {
        Optional<String> whyNot = whyNoKvm().or(() -> whyNotOnKvm(config));
        if (whyNot.isEmpty()) {
            return new EngineSelection(kvm.get(), "this host's KVM can run it");
        }
        String reason = whyNot.get();
        if (told.add(reason)) {
            log.accept("guests run on the emulator: " + reason);
        }
        return new EngineSelection(emulator.get(), reason);
    }

    /**
     * Returns why this host has no usable KVM at all; found out once, so that all guests of a JVM are treated alike.
     */
    private synchronized Optional<String> whyNoKvm() {
        if (whyNoKvm == null) {
            whyNoKvm = findWhyNoKvm();
        }
        return whyNoKvm;
    }

    private Optional<String> findWhyNoKvm() {
        if (!Files.exists(device)) {
            return Optional.of("this host has no " + device);
        }
        try {
            kvm.get().capabilities();
            return Optional.empty();
        } catch (VmmException e) {
            if (Thread.currentThread().isInterrupted()) {
                // That says nothing about the host.
                throw e;
            }
            return Optional.of("this host has no usable KVM: " + e.getMessage());
        }
    }

    private Optional<String> whyNotOnKvm(MachineConfig config) {
        Capabilities capabilities = kvm.get().capabilities();
        for (VcpuConfig vcpu : config.vcpus()) {
            Optional<String> whyNot = KvmFitness.whyEmulator(capabilities, Feature.modeOf(vcpu));
            if (whyNot.isPresent()) {
                return whyNot;
            }
        }
        return config.vcpus().size() > 1
                ? KvmFitness.whyNot(capabilities, Feature.PARALLEL_VCPUS, "a machine of several vCPUs")
                : Optional.empty();
    }

    private static String names(Collection<VcpuConfig> vcpus) {
        return vcpus.stream()
                .map(vcpu -> vcpu.image().name() + " (boot " + vcpu.boot() + ")")
                .collect(Collectors.joining(", "));
    }
}
