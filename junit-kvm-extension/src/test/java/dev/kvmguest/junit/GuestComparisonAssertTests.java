package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.compare.GuestComparison;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** One guest, on whatever engines this host has: the emulator is always one. */
class GuestComparisonAssertTests {

    private static GuestComparison halts;

    @BeforeAll
    static void compare() {
        halts = GuestComparison.of(MachineConfig.builder()
                .vcpu(VcpuConfig.of(GuestImage.flat("halts", new byte[] {(byte) 0xfa, (byte) 0xf4}))) // cli; hlt
                .timeout(Duration.ofSeconds(20))
                .build());
    }

    @Test
    void enginesThatAgreeDoAndOneAloneDoesNot() {
        if (halts.outcomes().size() > 1) {
            assertThat(assertThat(halts).enginesAgree()).isNotNull();
        } else {
            assertThatThrownBy(() -> assertThat(halts).enginesAgree())
                    .isInstanceOf(AssertionError.class)
                    .hasMessageStartingWith("expected the engines to agree about guest halts\nengine ")
                    .hasMessageContaining("fewer than two engines ran the guest");
        }
    }

    @Test
    void engineThatRanTheGuestIsKnown() {
        assertThat(halts).ranOn("emulator");
        assertThatThrownBy(() -> assertThat(halts).ranOn("bochs"))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("expected engine bochs to have run guest halts\nengine ");
    }

    @Test
    void endIsComparedInAllRuns() {
        assertThat(halts).allEnded(Outcome.Kind.HALTED);
        assertThatThrownBy(() -> assertThat(halts).allEnded(Outcome.Kind.RESET))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("expected guest halts to end by reset on every engine\nengine ");
    }

    @Test
    void softFailuresAreCollected() {
        GuestSoftAssertions softly = new GuestSoftAssertions();
        softly.assertThat(halts).ranOn("bochs").allEnded(Outcome.Kind.RESET);

        assertThat(softly.assertionErrorsCollected()).hasSize(2);
    }
}
