package dev.kvmguest.vmm.internal.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.kvm.KvmEngine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HostProbeTests {

    @Test
    @NeedsKvm
    void everyFeatureIsTriedAndWhatFailsIsSaidInWords() {
        Capabilities capabilities = KvmEngine.instance().capabilities();

        for (Feature feature : Feature.values()) {
            assertThat(capabilities.finding(feature).seen()).as(feature.words()).isNotEqualTo("not tried");
            assertThat(capabilities.whyNot(feature).isEmpty()).isEqualTo(capabilities.has(feature));
            assertThat(capabilities.describe()).contains(feature.words());
        }
        assertThat(capabilities.has(Feature.REAL_MODE)).isTrue();
    }

    @Test
    @NeedsKvm
    void answerIsFoundOnceAJvm() {
        assertThat(KvmEngine.instance().capabilities())
                .isSameAs(KvmEngine.instance().capabilities());
    }

    @Test
    void emulatorCanDoAllThatItSaysOnAnyHost() {
        // How fast it is before the JVM has compiled it is no matter: nobody asks.
        Capabilities capabilities = new HostProbe(EmulatorEngine.instance(), 10_000, () -> 0).probe();

        for (Feature feature : Feature.values()) {
            assertThat(capabilities.whyNot(feature)).as(feature.words()).isEmpty();
            assertThat(EmulatorEngine.instance().capabilities().has(feature)).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"REAL", "PROTECTED", "PAGED"})
    void speedOfTheEmulatorIsMeasuredInEachMode(BootMode mode) {
        HostProbe probe = new HostProbe(EmulatorEngine.instance(), 10_000, System::nanoTime);

        assertThat(probe.instructionsPerSecond(mode, 1_000_000)).isPresent();
    }
}
