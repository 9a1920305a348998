package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.keyboard.Key;
import dev.kvmguest.vmm.mouse.MouseButton;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@BootsGuests
@KvmGuest(image = TestGuests.ECHO)
@Timeout(60)
@Tag("kvm")
class LiveGuestTests {

    @Test
    void awaitingReadsTheConsoleLikeAConversation(Guest guest) {
        guest.type("one two ");
        assertThat(guest.awaitOutput("one")).isEqualTo("one");
        assertThat(guest.awaitOutput(Pattern.compile("t.o "))).isEqualTo(" two ");

        guest.type("three");
        assertThat(guest.awaitOutput("ee")).isEqualTo("three");
        assertThat(guest.console()).isEqualTo("one two three");
    }

    @Test
    void nothingRunsBeforeTheFirstUse(Guest guest) {
        assertThat(guest.isRunning()).isFalse();
        assertThat(guest.outcome()).isEmpty();

        guest.type("q");

        assertThat(guest.await()).isInstanceOf(Outcome.Halted.class);
        assertThat(guest.isRunning()).isFalse();
        assertThat(guest.outcome()).hasValue(guest.await());
        assertThat(guest.awaitAll()).containsExactly(guest.await());
    }

    @Test
    @KvmGuest(image = TestGuests.UD2, boot = BootMode.PROTECTED)
    void outputThatCannotComeFailsWithTheGuestsEnd(Guest guest) {
        assertThatThrownBy(() -> guest.awaitOutput("Select:\n"))
                .isInstanceOf(AssertionError.class)
                .hasMessage("expected the guest to write \"Select:\\n\", but it triple-faulted\n"
                        + TextReport.brief(guest.await()));

        assertThat(guest).ended().tripleFaulted();
    }

    @Test
    @KvmGuest(image = TestGuests.HI_AND_HANG, timeout = "100ms")
    void outputIsAwaitedAsLongAsTheGuestMayRun(Guest guest) {
        assertThatThrownBy(() -> guest.awaitOutput(Pattern.compile("l+")))
                .isInstanceOf(AssertionError.class)
                .hasMessage("expected the guest to write /l+/, but it was still running at its time limit of "
                        + Fixture.stretched(100) + "\n" + TextReport.brief(guest.await()));

        assertThat(guest).ended().timedOut();
    }

    @Test
    @KvmGuest(image = TestGuests.SCAN_CODES)
    void keysAreTypedByTextAndByName(Guest guest) {
        guest.typeOnKeyboard("A");
        guest.press(Key.LEFT_CONTROL, Key.HOME);
        guest.type("\033");

        assertThat(guest.await().run().port(0xe9))
                .containsExactly(0x2a, 0x1e, 0x9e, 0xaa, 0x1d, 0xe0, 0x47, 0xe0, 0xc7, 0x9d, 0x01, 0x81);
    }

    @Test
    @KvmGuest(image = TestGuests.SCAN_CODES)
    void textThatIsNotOnTheKeyboardIsRefused(Guest guest) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> guest.typeOnKeyboard("na\u00efve"))
                .withMessageStartingWith("character U+00EF at index 2 is not on a US keyboard");

        guest.press(Key.ESCAPE);
    }

    @Test
    @KvmGuest(image = TestGuests.MOUSE)
    void mouseIsMovedClickedAndItsWheelTurned(Guest guest) {
        guest.moveMouse(5, -3);
        guest.click(MouseButton.RIGHT);
        guest.turnMouseWheel(1);

        assertThat(guest.await().run().port(0xe9))
                .containsExactly(0xfa, 0x28, 0x05, 0xfd, 0x0a, 0x00, 0x00, 0x08, 0x00, 0x00, 0x08, 0x00, 0x00);
    }

    @Test
    @KvmGuest(image = TestGuests.MOUSE)
    void movementThatNobodyMeansIsRefused(Guest guest) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> guest.moveMouse(40_000, 0))
                .withMessage("mouse movement dx = 40000 is not between -32767 and 32767");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> guest.click())
                .withMessage("a click needs at least one button");

        guest.moveMouse(1000, 0);
        assertThat(guest.await()).halted();
    }

    @Test
    void outputThatDoesNotComeInTimeFailsWithTheConsole(Guest guest) {
        guest.type("abc");
        guest.awaitOutput("c");

        assertThatThrownBy(() -> guest.awaitOutput("abc", Duration.ofMillis(50)))
                .isInstanceOf(AssertionError.class)
                .hasMessage("expected the guest to write \"abc\" after \"abc\" within " + Fixture.stretched(50)
                        + ", but it has not\n" + "guest echo.bin is still running\n  console:\n  | abc\n");
        assertThatThrownBy(() -> guest.awaitOutput(Pattern.compile("b"), Duration.ofMillis(50)))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith(
                        "expected the guest to write /b/ after \"abc\" within " + Fixture.stretched(50));
    }

    @Test
    void searchForAPatternThatTakesTooLongIsGivenUp(Guest guest) {
        guest.type("!" + "a".repeat(60));
        guest.awaitOutput("!");

        assertThatThrownBy(() -> guest.awaitOutput(Pattern.compile("(.*a){30}b")))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("the search for /(.*a){30}b/ in ")
                .hasMessageContaining(" characters was given up after " + Fixture.stretched(1000))
                .hasMessageContaining("is still running");
    }

    @Test
    void memoryCanBeReadAndWrittenWhileTheGuestRuns(Guest guest) {
        guest.memory().writeByte(0x8000, 0x5a);

        assertThat(guest.memory().readByte(0x8000)).isEqualTo(0x5a);
        assertThat(guest).isRunning().hasMemory(0x1000, 0xba, 0xfd, 0x03);
    }

    @Test
    @KvmGuest(image = {TestGuests.ECHO, TestGuests.HI_AND_HANG, TestGuests.HELLO})
    void eachVcpuHasItsOwnConsoleInputAndEnd(Guest guest) {
        assertThat(guest.vcpus()).isEqualTo(3);
        guest.vcpu(0).type("first");
        guest.vcpu(0).awaitOutput("first");
        guest.vcpu(1).awaitOutput("Hi");

        assertThat(guest.vcpu(2)).ended().halted().hasConsole("Hello");
        assertThat(guest.vcpu(1)).isRunning().hasConsole("Hi");
        assertThat(guest).isRunning().hasConsole("first");
        assertThat(guest.vcpu(1)).hasToString("hi-and-hang.bin (vCPU 1)");

        guest.stop();

        assertThat(guest.awaitAll())
                .extracting(Outcome::kind)
                .containsExactly(Outcome.Kind.STOPPED, Outcome.Kind.STOPPED, Outcome.Kind.HALTED);
    }

    @Test
    void aVcpuThatDoesNotExistIsRefused(Guest guest) {
        guest.type("q");

        assertThatIllegalArgumentException()
                .isThrownBy(() -> guest.vcpu(1))
                .withMessage("vcpu 1 does not exist; this guest's are 0 to 0");
    }

    @Test
    void aGuestIsGoneAfterItsTest() {
        Fixture.expectPasses(KeepsItsGuest.class, 1);

        assertThatIllegalStateException()
                .isThrownBy(() -> KeepsItsGuest.kept.console())
                .withMessage("the guest is gone: " + KeepsItsGuest.class.getName()
                        + ".keeps has ended, and every test has a guest of its own");
        assertThat(KeepsItsGuest.kept.isRunning()).isFalse();
    }

    static class KeepsItsGuest {
        static Guest kept;

        @Test
        @KvmGuest(image = TestGuests.HI_AND_HANG)
        void keeps(Guest guest) {
            guest.awaitOutput("Hi");
            kept = guest;
        }
    }

    @Test
    void aTestThatIsTimedOutStopsItsGuest() {
        List<Throwable> failures = Fixture.failuresOf(Fixture.run(TimedOut.class));

        assertThat(failures).hasSize(3).allSatisfy(failure -> {
            assertThat(failure).isInstanceOf(TimeoutException.class);
            assertThat(failure.getSuppressed()).anySatisfy(suppressed -> assertThat(suppressed)
                    .isInstanceOf(GuestReport.class)
                    .hasMessageContaining("was stopped while it was running"));
        });
        assertThat(failures).filteredOn(failure -> hasInterruptedWait(failure)).hasSize(3);
    }

    private static boolean hasInterruptedWait(Throwable failure) {
        return List.of(failure.getSuppressed()).stream()
                .anyMatch(suppressed -> suppressed instanceof VmmException
                        && suppressed.getMessage().startsWith("interrupted while "));
    }

    @KvmGuest(image = TestGuests.COUNT, timeout = "60s")
    static class TimedOut {
        @Test
        @Timeout(value = 100, unit = TimeUnit.MILLISECONDS)
        void inAwait(Guest guest) {
            guest.await();
        }

        @Test
        @Timeout(value = 100, unit = TimeUnit.MILLISECONDS)
        void inAwaitOutput(Guest guest) {
            guest.awaitOutput("never");
        }

        @Test
        @Timeout(value = 100, unit = TimeUnit.MILLISECONDS)
        void inAwaitAll(Guest guest) {
            guest.awaitAll();
        }
    }

    @Test
    void anInterruptedThreadKeepsItsInterruptStatus(Guest guest) {
        guest.type("x");
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> guest.awaitOutput("never"))
                .isInstanceOf(VmmException.class)
                .hasMessage("interrupted while awaiting output \"never\"; the guest has been stopped");
        assertThat(Thread.interrupted()).isTrue();
        assertThat(guest).ended().stopped();
    }

    @Test
    void anInterruptThatTheTestLeavesBehindDoesNotHideTheVerdict() {
        assertThat(Fixture.failureOf(LeavesAnInterrupt.class))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("triple-faulted");
    }

    static class LeavesAnInterrupt {
        @Test
        @KvmGuest(image = TestGuests.UD2, boot = BootMode.PROTECTED)
        void interruptsItself(Guest guest) {
            guest.await();
            Thread.currentThread().interrupt();
        }
    }
}
