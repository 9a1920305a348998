package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.assertj.core.api.SoftAssertions;
import org.assertj.core.error.AssertJMultipleFailuresError;
import org.junit.jupiter.api.Test;

@BootsGuests
class SoftAssertionTests {

    private static final Outcome HALTED = Runs.halted("Hello\n");
    private static final Outcome FAULT = Runs.tripleFault(Optional.of("memset+0x1f"), Optional.empty());

    /** Returns the first lines of what was collected, which are followed by the run. */
    private static List<String> collected(Consumer<GuestSoftAssertions> assertions) {
        GuestSoftAssertions softly = new GuestSoftAssertions();
        assertions.accept(softly);
        return softly.errorsCollected().stream()
                .map(error -> error.getMessage().lines().findFirst().orElseThrow())
                .toList();
    }

    @Test
    void whatHoldsPasses() {
        GuestSoftAssertions.assertSoftly(softly -> {
            softly.assertThat(HALTED).halted().hasConsole("Hello\n").hasRegister(Register.RAX, 0x1234);
            softly.assertThat(HALTED).screen().isBlank();
            softly.assertThat(HALTED.run().screen()).isBlank();
            softly.assertThat(FAULT).fault().beganWith("#UD").isIn("memset");
            softly.assertThat(1 + 1).isEqualTo(2);
        });
    }

    @Test
    void allFailuresAreToldTogether() {
        assertThatThrownBy(() -> GuestSoftAssertions.assertSoftly(softly -> softly.assertThat(HALTED)
                        .as("the kernel")
                        .debugExited(0)
                        .consoleContains("81")))
                .isInstanceOf(AssertJMultipleFailuresError.class)
                .hasMessageContainingAll(
                        "(2 failures)",
                        "[the kernel] expected the guest to leave by the debug-exit port with 0, but it halted with"
                                + " interrupts off\n",
                        "[the kernel] expected the console to contain \"81\"",
                        "guest.bin");
    }

    @Test
    void aFailureOfOneAssertionLeavesTheOthersTheirSay() {
        assertThat(collected(softly -> {
                    softly.assertThat(HALTED)
                            .timedOut()
                            .hasRegister(Register.RAX, 1)
                            .halted();
                    softly.assertThat(1).isEqualTo(1);
                }))
                .containsExactly(
                        "expected the guest to still run at its time limit, but it halted with interrupts off",
                        "expected eax to be 0x1, but it is 0x1234");
    }

    @Test
    void screensThatOutcomesLeadToAreSoft() {
        assertThat(collected(softly ->
                        softly.assertThat(HALTED).screen().contains("PANIC").lineContains(0, "Hello")))
                .containsExactly(
                        "expected the screen to contain \"PANIC\", but it doesn't",
                        "expected row 0 of the screen to contain \"Hello\", but it is \"\"");
    }

    @Test
    void faultsThatOutcomesLeadToAreSoft() {
        assertThat(collected(softly -> softly.assertThat(FAULT)
                        .fault()
                        .beganWith("#GP")
                        .isIn("memcpy")
                        .isAt(1)))
                .containsExactly(
                        "expected the fault to begin with #GP, but it began with #UD",
                        "expected the fault to begin in memcpy, but it began in memset+0x1f",
                        "expected the fault to begin at 0x1, but it began at 0x80001d3f");
    }

    @Test
    void faultThatIsNotThereIsOneFailure() {
        assertThat(collected(softly ->
                        softly.assertThat(HALTED).fault().beganWith("#UD").isIn("memset")))
                .containsExactly("expected the guest to triple-fault, but it halted with interrupts off");
        Outcome unexplained = new Outcome.TripleFault(Runs.run(""));
        assertThat(collected(softly -> softly.assertThat(unexplained).fault().beganWith("#UD")))
                .containsExactly("expected it to be known what led to the triple fault, but it isn't");
    }

    @Test
    @KvmGuest(image = TestGuests.HELLO)
    void liveGuestsAndTheirEndsAreSoft(Guest guest) {
        assertThat(collected(softly -> {
                    softly.assertThat(guest).ended().debugExited(1).halted();
                    softly.assertThat(guest).consoleContains("x").consoleContains("y");
                }))
                .containsExactly(
                        "expected the guest to leave by the debug-exit port with 1, but it halted with interrupts off",
                        "expected the console to contain \"x\", but it is \"Hello\"",
                        "expected the console to contain \"y\", but it is \"Hello\"");
    }

    @Test
    void plainSoftAssertionsCanProxyThem() {
        SoftAssertions softly = new SoftAssertions();

        softly.proxy(OutcomeAssert.class, Outcome.class, HALTED).timedOut().consoleContains("81");

        assertThat(softly.errorsCollected()).hasSize(2);
    }
}
