package dev.kvmguest.vmm;

import dev.kvmguest.vmm.engine.Engine;
import dev.kvmguest.vmm.engine.Feature;
import dev.kvmguest.vmm.kvm.KvmEngine;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The engine for a machine, and why it.
 *
 * @param engine the engine
 * @param reason why, in words
 */
record EngineSelection(Engine engine, String reason) {

    /**
     * Chooses the engine.
     *
     * @throws VmmException if none on this host can run the guests, saying what it can't
     */
    static EngineSelection choose(MachineConfig config) {
        EngineChoice choice = config.engine();
        String reason = "asked for";
        if (choice == EngineChoice.AUTO) {
            String property = System.getProperty(EngineChoice.PROPERTY);
            if (property != null) {
                choice = EngineChoice.parse(property);
                reason = EngineChoice.PROPERTY + "=" + property;
            }
            if (choice == EngineChoice.AUTO) {
                reason = "the host's KVM can run it";
            }
        }
        Engine engine = KvmEngine.instance();
        Set<Feature> needed = neededBy(config);
        for (Feature feature : needed) {
            engine.capabilities().whyNot(feature).ifPresent(why -> {
                throw new VmmException("engine " + engine.name() + " can't run " + names(config.vcpus())
                        + " on this host: " + feature.words() + " does not work here: " + why);
            });
        }
        return new EngineSelection(engine, reason);
    }

    private static Set<Feature> neededBy(MachineConfig config) {
        Set<Feature> needed = EnumSet.noneOf(Feature.class);
        config.vcpus().forEach(vcpu -> needed.add(Feature.neededBy(vcpu.boot())));
        if (config.vcpus().size() > 1) {
            needed.add(Feature.PARALLEL_VCPUS);
        }
        return needed;
    }

    private static String names(Collection<VcpuConfig> vcpus) {
        return vcpus.stream()
                .map(vcpu -> vcpu.image().name() + " (boot " + vcpu.boot() + ")")
                .collect(Collectors.joining(", "));
    }
}
