package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;

/**
 * The engine that was asked for.
 *
 * @param choice the engine
 * @param reason who asked for it
 */
public record EngineRequest(EngineChoice choice, String reason) {

    /** Returns what a machine's configuration asks for, or else the system property. */
    public static EngineRequest of(MachineConfig config) {
        String property = System.getProperty(EngineChoice.PROPERTY);
        return config.engine() == EngineChoice.AUTO && property != null
                ? new EngineRequest(EngineChoice.parse(property), EngineChoice.PROPERTY + "=" + property)
                : new EngineRequest(config.engine(), "asked for");
    }
}
