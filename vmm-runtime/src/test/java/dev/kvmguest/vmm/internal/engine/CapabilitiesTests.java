package dev.kvmguest.vmm.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.internal.engine.Capabilities.Finding;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CapabilitiesTests {

    private final Capabilities capabilities = new Capabilities(Map.of(
            Feature.REAL_MODE, new Finding(true, ""),
            Feature.PAGING_4M, new Finding(false, "the probe guest shut down")));

    @Test
    void featureWorksOrSaysWhyNot() {
        assertThat(capabilities.has(Feature.REAL_MODE)).isTrue();
        assertThat(capabilities.whyNot(Feature.REAL_MODE)).isEmpty();
        assertThat(capabilities.has(Feature.PAGING_4M)).isFalse();
        assertThat(capabilities.whyNot(Feature.PAGING_4M)).contains("the probe guest shut down");
        assertThat(capabilities.finding(Feature.PAGING_4M)).isEqualTo(new Finding(false, "the probe guest shut down"));
    }

    @Test
    void featureThatWasNotTriedDoesNotWork() {
        assertThat(capabilities.has(Feature.SINGLE_STEP)).isFalse();
        assertThat(capabilities.whyNot(Feature.SINGLE_STEP)).contains("not tried");
    }

    @Test
    void descriptionHasALineForEveryFeature() {
        assertThat(capabilities.describe()).isEqualTo("""
                        real mode                             yes
                        INT and IRET in real mode             no, not tried
                        protected mode without paging         no, not tried
                        INT and IRET in protected mode        no, not tried
                        32-bit paging with 4 MiB pages        no, the probe guest shut down
                        32-bit paging with 4 KiB pages        no, not tried
                        long mode                             no, not tried
                        exceptions in long mode               no, not tried
                        INT and IRET in long mode             no, not tried
                        SYSCALL and SYSRET in long mode       no, not tried
                        real mode at a processor's speed      no, not tried
                        protected mode at a processor's speed no, not tried
                        long mode at a processor's speed      no, not tried
                        single-stepping                       no, not tried
                        several vCPUs in parallel             no, not tried
                        """);
    }

    @ParameterizedTest
    @CsvSource({
        "REAL, REAL_MODE",
        "PROTECTED, PROTECTED_MODE",
        "PAGED, PAGING_4M",
        "PAGED_4K, PAGING_4K",
        "LONG, LONG_MODE"
    })
    void bootModeNeedsItsFeature(BootMode mode, Feature feature) {
        assertThat(Feature.neededBy(mode)).isEqualTo(feature);
    }

    @ParameterizedTest
    @CsvSource({"REAL, REAL_MODE_INTERRUPTS", "PROTECTED, PROTECTED_MODE_INTERRUPTS", "PAGED, PROTECTED_MODE_INTERRUPTS"
    })
    void interruptsAreAFeatureOfTheirOwn(BootMode mode, Feature feature) {
        assertThat(Feature.interruptsIn(mode)).isEqualTo(feature);
    }

    @ParameterizedTest
    @CsvSource({
        "REAL, REAL_MODE_SPEED",
        "PROTECTED, PROTECTED_MODE_SPEED",
        "PAGED, PROTECTED_MODE_SPEED",
        "LONG, LONG_MODE_SPEED"
    })
    void speedIsAFeatureOfItsOwn(BootMode mode, Feature feature) {
        assertThat(Feature.speedIn(mode)).isEqualTo(feature);
    }
}
