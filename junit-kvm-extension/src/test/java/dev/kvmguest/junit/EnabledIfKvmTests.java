package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.kvm.KvmEngine;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.platform.testkit.engine.EngineExecutionResults;

class EnabledIfKvmTests {

    private static final Capabilities REAL_MODE_ONLY = new Capabilities(Map.of(
            Feature.REAL_MODE, new Capabilities.Finding(true, ""),
            Feature.PAGING_4M, new Capabilities.Finding(false, "the probe guest shut down")));

    @Test
    void aModeThatKvmRunsIsEnabled() {
        ConditionEvaluationResult result = KvmCondition.evaluate(engine(() -> REAL_MODE_ONLY), BootMode.REAL);

        assertThat(result.isDisabled()).isFalse();
    }

    @Test
    void aModeThatKvmCannotRunIsSkippedWithWhatWasSeen() {
        ConditionEvaluationResult result = KvmCondition.evaluate(engine(() -> REAL_MODE_ONLY), BootMode.PAGED);

        assertThat(result.isDisabled()).isTrue();
        assertThat(result.getReason())
                .hasValue(
                        "this host's KVM can't run boot mode paged: 32-bit paging with 4 MiB pages: the probe guest shut"
                                + " down");
    }

    @Test
    void aHostWithoutKvmSkipsWithTheWayOut() {
        ConditionEvaluationResult result = KvmCondition.evaluate(
                engine(() -> {
                    throw new VmmException("open of the device failed; load kvm-intel");
                }),
                BootMode.REAL);

        assertThat(result.isDisabled()).isTrue();
        assertThat(result.getReason())
                .hasValue("this host has no usable KVM: open of the device failed; load kvm-intel");
    }

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
        boolean disabled = KvmCondition.evaluate(KvmEngine.instance(), mode).isDisabled();

        assertThat(results.allEvents().skipped().count()).isEqualTo(disabled ? 1 : 0);
        assertThat(results.testEvents().succeeded().count()).isEqualTo(disabled ? 0 : 1);
    }

    private static Engine engine(Supplier<Capabilities> capabilities) {
        return new Engine() {
            @Override
            public String name() {
                return "kvm";
            }

            @Override
            public Capabilities capabilities() {
                return capabilities.get();
            }

            @Override
            public VirtualMachine createMachine(long memorySize, int vcpus) {
                throw new AssertionError("a condition makes no machine");
            }
        };
    }
}
