package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Host;
import dev.kvmguest.vmm.config.BootMode;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.platform.testkit.engine.EngineExecutionResults;

@Tag("kvm")
class EnabledIfKvmTests {

    @Test
    void theAnnotationAsksThisHostOnClassesAndMethods() {
        assertSkippedOrPassed(Fixture.run(OnClass.class), BootMode.REAL);
        assertSkippedOrPassed(Fixture.run(OnMethod.class), BootMode.PAGED);
    }

    @EnabledIfKvm
    static class OnClass {
        @Test
        void runs() {}
    }

    static class OnMethod {
        @Test
        @EnabledIfKvm(BootMode.PAGED)
        void runs() {}
    }

    private static void assertSkippedOrPassed(EngineExecutionResults results, BootMode mode) {
        Optional<String> whyNot = Host.whyNoKvm(mode);

        List<String> reasons = results.allEvents()
                .skipped()
                .map(event -> event.getRequiredPayload(String.class))
                .toList();
        assertThat(reasons).isEqualTo(whyNot.stream().toList());
        assertThat(results.testEvents().succeeded().count()).isEqualTo(whyNot.isPresent() ? 0 : 1);
    }
}
