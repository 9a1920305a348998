package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.Snapshot;
import dev.kvmguest.vmm.config.BootMode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@BootsGuests
@KvmGuest(image = TestGuests.PROMPT)
@Timeout(60)
@Tag("kvm")
class CheckpointTests {

    @Test
    void guestGoesOnFromACheckpointAsOftenAsWanted(Guest guest) {
        guest.type("a");
        guest.awaitOutput("a1");
        Snapshot checkpoint = guest.checkpoint();
        guest.type("b");
        guest.awaitOutput("b2");

        for (String letter : List.of("c", "d")) {
            guest.restore(checkpoint);
            assertThat(guest.console()).isEqualTo(">a1");
            guest.type(letter);
            assertThat(guest.awaitOutput("2")).isEqualTo(letter + "2");
        }
        guest.type("q");
        assertThat(guest).ended().hasConsole(">a1d2");
    }

    @Test
    void eachInputIsTriedFromHere(Guest guest) {
        guest.type("a");
        guest.awaitOutput("a1");
        List<String> tried = new ArrayList<>();

        guest.forEach(List.of("x", "yz", "q"), input -> {
            guest.type(input);
            if (input.equals("q")) {
                assertThat(guest).ended().halted();
            } else {
                guest.awaitOutput(String.valueOf(1 + input.length()));
            }
            tried.add(guest.console());
        });

        assertThat(tried).containsExactly(">a1x2", ">a1y2z3", ">a1");
        guest.type("w");
        assertThat(guest.awaitOutput("2")).isEqualTo("w2");
    }

    @Test
    void inputThatFailsIsNamed(Guest guest) {
        guest.awaitOutput(">");

        assertThatThrownBy(() -> guest.forEach(List.of("x", "q"), input -> {
                    guest.type(input);
                    guest.awaitOutput("1");
                }))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith(
                        "with input \"q\": expected the guest to write \"1\" after \">\", but it halted");

        assertThat(guest).ended().halted();
    }

    @Test
    @KvmGuest(image = TestGuests.DIES_OF_INPUT, boot = BootMode.PROTECTED)
    void deathThatIsNotAssertedFailsItsInput(Guest guest) {
        assertThatThrownBy(() -> guest.forEach(List.of("x"), guest::type))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("with input \"x\": expected the guest to end normally, but it triple-faulted");
        guest.await();
        assertThat(guest).ended().tripleFaulted();
    }

    @Test
    @KvmGuest(image = TestGuests.DIES_OF_INPUT, boot = BootMode.PROTECTED)
    void deathThatIsAssertedDoesNot(Guest guest) {
        guest.forEach(List.of("x", "y"), input -> {
            guest.type(input);
            guest.await();
            assertThat(guest).ended().tripleFaulted();
        });
    }

    @Test
    void deathBeforeARestoreMustBeAsserted() {
        assertThat(Fixture.failureOf(DiesBefore.class))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("expected the guest to end normally, but it triple-faulted");
    }

    static class DiesBefore {

        @Test
        @KvmGuest(image = TestGuests.DIES_OF_INPUT, boot = BootMode.PROTECTED)
        void restores(Guest guest) {
            Snapshot checkpoint = guest.checkpoint();
            guest.type("x");
            guest.await();
            guest.restore(checkpoint);
        }
    }

    @Test
    void guestThatHasEndedHasNone(Guest guest) {
        guest.type("q");
        guest.await();

        assertThatIllegalStateException().isThrownBy(guest::checkpoint).withMessage("the guest has come to its end");
    }
}
