package dev.kvmguest.vmm.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.engine.Capabilities;
import dev.kvmguest.vmm.engine.Feature;
import dev.kvmguest.vmm.kvm.KvmEngine;
import org.junit.jupiter.api.Test;

@NeedsKvm
class HostProbeTests {

    @Test
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
    void answerIsFoundOnceAJvm() {
        assertThat(KvmEngine.instance().capabilities())
                .isSameAs(KvmEngine.instance().capabilities());
    }
}
