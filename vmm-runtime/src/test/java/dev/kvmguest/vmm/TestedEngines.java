package dev.kvmguest.vmm;

import dev.kvmguest.vmm.config.EngineChoice;
import java.util.stream.Stream;

/**
 * The engines on which the tests of {@link OnEachEngine} run: both, or where only one is what a machine is there for, as
 * in the kvm-lab, that which the system property {@code kvmguest.test.engine} names.
 */
public final class TestedEngines {

    private TestedEngines() {}

    /** Returns the engines. */
    public static Stream<EngineChoice> all() {
        EngineChoice only = EngineChoice.parse(System.getProperty("kvmguest.test.engine", EngineChoice.AUTO.id()));
        return Stream.of(EngineChoice.KVM, EngineChoice.EMULATOR)
                .filter(engine -> only == EngineChoice.AUTO || engine == only);
    }
}
