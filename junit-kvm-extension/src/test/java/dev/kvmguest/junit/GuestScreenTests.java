package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.report.TextReport;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Live guests that say what they have to say on the screen only. */
@BootsGuests
@KvmGuest(image = TestGuests.SHOW_AND_HANG)
@Tag("kvm")
class GuestScreenTests {

    private static final String SHOWN = "  screen:\n  +------+\n  |      |\n  |   Hi |\n  +------+\n";

    @Test
    void awaitScreenBootsTheGuestAndReturnsTheScreenWithTheText(Guest guest) {
        assertThat(guest.awaitScreen("Hi")).hasLine(1, "  Hi").hasColors(1, 3, 14, 1);
        assertThat(guest).isRunning();
        assertThat(guest.console()).isEmpty();
        assertThat(guest.awaitScreen("\n  Hi").text()).isEqualTo("\n  Hi");
    }

    @Test
    void screenAssertionsLookAtThisMoment(Guest guest) {
        guest.awaitScreen("Hi");
        guest.stop();
        guest.await();

        assertThat(guest).screen().hasText("\n  Hi").hasCursorAt(1, 4);
        assertThat(guest.screen()).isEqualTo(guest.await().screen());
        assertThatThrownBy(() -> assertThat(guest).as("menu").screen().contains("Bye"))
                .isInstanceOf(AssertionError.class)
                .hasMessage("[menu] expected the screen to contain \"Bye\", but it doesn't\n" + SHOWN);
    }

    @Test
    void textThatDoesNotComeInTimeFailsWithTheScreen(Guest guest) {
        guest.awaitScreen("Hi");

        assertThatThrownBy(() -> guest.awaitScreen("Bye", Duration.ofMillis(20)))
                .isInstanceOf(AssertionError.class)
                .hasMessage("expected the guest to show \"Bye\" on its screen within " + Fixture.stretched(20)
                        + ", but it has not\n" + "guest show-and-hang.bin is still running\n  console: empty\n"
                        + SHOWN);
    }

    @Test
    @KvmGuest(image = TestGuests.HANG)
    void blankScreenIsSaidToBeSo(Guest guest) {
        assertThatThrownBy(() -> guest.awaitScreen("Hi", Duration.ofMillis(20)))
                .hasMessage("expected the guest to show \"Hi\" on its screen within " + Fixture.stretched(20)
                        + ", but it is blank\n" + "guest hang.bin is still running\n  console: empty\n");
    }

    @Test
    @KvmGuest(image = TestGuests.SHOW)
    void guestThatEndsWithoutTheTextFailsAtOnceAndWithItTheTextIsFound(Guest guest) {
        guest.await();

        assertThat(guest.awaitScreen("Hi")).hasText("Hi");
        assertThatThrownBy(() -> guest.awaitScreen("Bye"))
                .isInstanceOf(AssertionError.class)
                .hasMessage("expected the guest to show \"Bye\" on its screen, but it halted with interrupts off\n"
                        + TextReport.brief(guest.await()))
                .hasMessageContaining("  | Hi |\n");
    }

    @Test
    void interruptedWaitStopsTheGuest(Guest guest) {
        guest.awaitScreen("Hi");
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> guest.awaitScreen("Bye"))
                .isInstanceOf(VmmException.class)
                .hasMessage("interrupted while awaiting screen \"Bye\"; the guest has been stopped");
        assertThat(Thread.interrupted()).isTrue();
        assertThat(guest).ended().stopped();
    }
}
