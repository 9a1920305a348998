package dev.kvmguest.vmm.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Isolated("sets a system property that all guests' limits depend on")
class TimeFactorTests {

    @Test
    void limitStaysWithoutTheProperty() {
        String before = System.clearProperty(TimeFactor.PROPERTY);
        try {
            assertThat(TimeFactor.stretch(Duration.ofMillis(1234))).isEqualTo(Duration.ofMillis(1234));
        } finally {
            restore(before);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, PT1.234S", "10, PT12.34S", "' 1.5 ', PT1.851S", "1000, PT20M34S"})
    void limitIsMultiplied(String factor, Duration expected) {
        assertThat(stretched(factor, Duration.ofMillis(1234))).isEqualTo(expected);
    }

    @Test
    void limitThatIsNoneStaysNone() {
        assertThat(stretched("2", Duration.ofSeconds(Long.MAX_VALUE, 5))).isEqualTo(Duration.ofSeconds(Long.MAX_VALUE));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0.5", "-3", "fast", "1001", "NaN"})
    void anythingElseIsRefused(String factor) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> stretched(factor, Duration.ofSeconds(1)))
                .withMessage(
                        "kvmguest.timeout.factor \"" + factor + "\" is not a number from 1 to 1000, such as 10 or 1.5");
    }

    @Test
    void guestRunsAsLongAsTheStretchedLimit() {
        String before = System.setProperty(TimeFactor.PROPERTY, "3");
        try {
            // again: rdtsc; jmp again: a loop that looks at the time may end
            VcpuConfig guest = TestGuest.real("0f 31 eb fc");
            MachineConfig config = MachineConfig.builder()
                    .vcpu(guest)
                    .engine(EngineChoice.EMULATOR)
                    .timeout(Duration.ofMillis(20))
                    .build();
            try (Machine machine = Machine.create(config)) {
                Outcome outcome = machine.run();

                assertThat(outcome).isInstanceOf(Outcome.TimedOut.class);
                assertThat(outcome.run().wallTime()).isGreaterThanOrEqualTo(Duration.ofMillis(60));
                assertThat(outcome.describe()).contains("60 ms");
            }
        } finally {
            restore(before);
        }
    }

    private static Duration stretched(String factor, Duration limit) {
        String before = System.setProperty(TimeFactor.PROPERTY, factor);
        try {
            return TimeFactor.stretch(limit);
        } finally {
            restore(before);
        }
    }

    private static void restore(String before) {
        if (before == null) {
            System.clearProperty(TimeFactor.PROPERTY);
        } else {
            System.setProperty(TimeFactor.PROPERTY, before);
        }
    }
}
