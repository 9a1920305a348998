package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.report.TextReport;
import org.junit.jupiter.api.Test;

@BootsGuests
@KvmGuest(image = TestGuests.HI_AND_HANG)
class GuestAssertTests {

    private static final String STILL_RUNNING = "\nguest hi-and-hang.bin is still running\n  console:\n  | Hi\n";

    @Test
    void isRunningHoldsFromTheFirstUseToTheEnd(Guest guest) {
        assertThatThrownBy(() -> assertThat(guest).isRunning())
                .isInstanceOf(AssertionError.class)
                .hasMessage("expected the guest hi-and-hang.bin to be running, but nothing has booted it yet");

        guest.awaitOutput("Hi");
        assertThat(guest).isRunning();

        guest.stop();
        assertThat(guest).ended().stopped();
        assertThatThrownBy(() -> assertThat(guest).isRunning())
                .hasMessage("expected the guest to be running, but it was stopped while it was running\n"
                        + TextReport.brief(guest.await()));
    }

    @Test
    void hasConsoleComparesTheWholeConsoleSoFar(Guest guest) {
        guest.awaitOutput("Hi");

        assertThat(guest).hasConsole("Hi");
        assertThatThrownBy(() -> assertThat(guest).hasConsole("H"))
                .isInstanceOf(AssertionError.class)
                .hasMessage("expected the console to be \"H\", but it is \"Hi\"" + STILL_RUNNING);
    }

    @Test
    void consoleContainsFindsAPart(Guest guest) {
        guest.awaitOutput("Hi");

        assertThat(guest).consoleContains("i");
        assertThatThrownBy(() -> assertThat(guest).consoleContains("x"))
                .hasMessage("expected the console to contain \"x\", but it is \"Hi\"" + STILL_RUNNING);
    }

    @Test
    void consoleMatchesFindsAMatch(Guest guest) {
        guest.awaitOutput("Hi");

        assertThat(guest).consoleMatches("^H");
        assertThatThrownBy(() -> assertThat(guest).as("greeting").consoleMatches("^i"))
                .hasMessage("[greeting] expected the console to match /^i/, but it is \"Hi\"" + STILL_RUNNING);
    }

    @Test
    void hasMemoryComparesBytes(Guest guest) {
        guest.awaitOutput("Hi");

        assertThat(guest).hasMemory(0x1000, 0xb0, 0x48);
        assertThatThrownBy(() -> assertThat(guest).hasMemory(0x1000, 0xb0, 0x49))
                .hasMessage("expected b0 49 at guest physical address 0x1000, but there is b0 48" + STILL_RUNNING);
    }

    @Test
    @KvmGuest(image = TestGuests.EXIT_3)
    void endedWaitsAndGoesOnWithTheOutcome(Guest guest) {
        assertThat(guest).ended().debugExited(3);
        assertThatThrownBy(() -> assertThat(guest).as("exit").ended().halted())
                .hasMessage("[exit] expected the guest to halt with interrupts off, but it left by the debug-exit port"
                        + " with 3\n" + TextReport.brief(guest.await()));
    }
}
