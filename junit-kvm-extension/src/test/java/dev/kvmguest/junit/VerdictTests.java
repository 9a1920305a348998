package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.opentest4j.AssertionFailedError;

@BootsGuests
class VerdictTests {

    @Test
    void aGuestThatTripleFaultedFailsATestWhoseBodyPassed() {
        assertThat(Fixture.failureOf(Died.class))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith(Died.class.getName() + ".passes: expected the guest to end normally, but it"
                        + " triple-faulted\nguest ud2.bin (boot protected) triple-faulted")
                .hasMessageContaining("\n  #UD: ud2  (0f 0b)\n    -> #GP(0x33): IDT[6] at 0x558 is empty\n")
                .hasMessageContaining("  console: empty\n")
                .hasMessageContaining(
                        "\nif the test means this end: GuestAssertions.assertThat(outcome).tripleFaulted()\npage: file:");
    }

    static class Died {
        @Test
        @KvmGuest(image = TestGuests.UD2, boot = BootMode.PROTECTED)
        void passes(Outcome outcome) {}
    }

    @Test
    void aGuestThatHungFails() {
        assertThat(Fixture.failureOf(Hung.class))
                .hasMessageMatching("(?s).*it (was still running at its time limit of " + Fixture.stretched(100)
                        + "|can never end, proved after \\d+ ms of guest time).*")
                .hasMessageContaining("\n  last seen: jmp 0x")
                .hasMessageContaining("\n  interrupts: off; ")
                .hasMessageContaining("\n  advice: nothing ends jmp 0x")
                .hasMessageContaining("  | Hi\n")
                .hasMessageContaining("assertThat(outcome).timedOut()");
    }

    static class Hung {
        @Test
        @KvmGuest(image = TestGuests.HI_AND_HANG, timeout = "100ms")
        void passes(Outcome outcome) {}
    }

    @Test
    void aGuestThatPanicsFailsUnlessTheTestExpectsIt() {
        assertThat(Fixture.failureOf(Panicked.class))
                .hasMessageContaining(
                        "expected the guest to end without a panic, but it wrote \"PANIC\" to its console\n")
                .hasMessageContaining("assertThat(outcome).halted()");
        Fixture.expectPasses(ExpectsThePanic.class, 4);
    }

    @KvmGuest(image = TestGuests.PANIC)
    static class Panicked {
        @Test
        void passes(Outcome outcome) {
            assertThat(outcome.exitCode()).isEmpty();
        }
    }

    @KvmGuest(image = TestGuests.PANIC)
    static class ExpectsThePanic {
        @Test
        void byItsEnd(Outcome outcome) {
            assertThat(outcome).halted();
        }

        @Test
        void byTheConsole(Outcome outcome) {
            assertThat(outcome).consoleContains("ANI");
        }

        @Test
        void byWhatItAwaits(Guest guest) {
            guest.awaitOutput("PANIC");
        }

        @GuestTest(image = TestGuests.PANIC, pattern = "P.*")
        void byTheAnnotation() {}
    }

    @Test
    void aGuestThatWaitsForAnInterruptInVainFails() {
        assertThat(Fixture.failureOf(Waits.class))
                .hasMessageContaining("halted with interrupts on")
                .hasMessageContaining("assertThat(outcome).waitsForInterrupt()");
    }

    static class Waits {
        @Test
        @KvmGuest(image = TestGuests.WAIT)
        void passes(Outcome outcome) {}
    }

    @Test
    void aStatusThatTheGuestReportsIsForTheTestToJudge() {
        Fixture.expectPasses(ExitedWith3.class, 1);
    }

    static class ExitedWith3 {
        @Test
        @KvmGuest(image = TestGuests.EXIT_3)
        void passes(Outcome outcome) {
            assertThat(outcome.exitCode()).hasValue(3);
        }
    }

    @Test
    void exceptionsThatAGuestHandlesAreThereForTheTestThatAsked() {
        Fixture.expectPasses(WatchesExceptions.class, 1);
    }

    static class WatchesExceptions {
        @Test
        @KvmGuest(image = TestGuests.SKIPS_UD2, watchExceptions = true)
        void tookUd(Outcome outcome) {
            assertThat(outcome).halted().tookExceptions("#UD");
        }
    }

    @Test
    void anEndThatTheTestAssertsIsNoFailure() {
        Fixture.expectPasses(AssertsItsEnd.class, 6);
    }

    static class AssertsItsEnd {
        @Test
        @KvmGuest(image = TestGuests.UD2, boot = BootMode.PROTECTED)
        void tripleFaulted(Outcome outcome) {
            assertThat(outcome).tripleFaulted();
        }

        @Test
        @KvmGuest(image = TestGuests.UD2, boot = BootMode.PROTECTED)
        void tripleFaultedOfAnException(Outcome outcome) {
            assertThat(outcome).fault().beganWith("#UD").isAt(0x1000).hasChain("#UD", "#GP", "#DF");
        }

        @Test
        @KvmGuest(image = TestGuests.HANG, timeout = "50ms")
        void timedOut(Outcome outcome) {
            assertThat(outcome).timedOut();
        }

        @Test
        @KvmGuest(image = TestGuests.WAIT)
        void waits(Outcome outcome) {
            assertThat(outcome).waitsForInterrupt();
        }

        @Test
        @KvmGuest(image = TestGuests.WAIT)
        void waitsLive(Guest guest) {
            assertThat(guest).ended().waitsForInterrupt();
        }

        @Test
        @KvmGuest(image = TestGuests.WAIT)
        void onAnotherThread(Outcome outcome) throws InterruptedException {
            Thread thread = new Thread(() -> assertThat(outcome).waitsForInterrupt());
            thread.start();
            thread.join();
        }
    }

    @Test
    void anAssertionThatFailedAssertsNoEnd() {
        assertThat(Fixture.failureOf(SwallowsItsAssertion.class)).hasMessageContaining("triple-faulted");
    }

    static class SwallowsItsAssertion {
        @Test
        @KvmGuest(image = TestGuests.UD2, boot = BootMode.PROTECTED)
        void swallows(Outcome outcome) {
            try {
                assertThat(outcome).halted();
            } catch (AssertionError e) {
                assertThat(e).hasMessageContaining("halt with interrupts off");
            }
        }
    }

    @Test
    void anAssertionOnTheConsoleAssertsNoEnd() {
        assertThat(Fixture.failureOf(LooksAtTheConsole.class)).hasMessageContaining("halted with interrupts on");
    }

    static class LooksAtTheConsole {
        @Test
        @KvmGuest(image = TestGuests.WAIT, engine = EngineChoice.EMULATOR)
        void looks(Outcome outcome) {
            assertThat(outcome).hasConsole("").ranOn("emulator");
        }
    }

    @Test
    void anAssertionInAfterEachCounts() {
        Fixture.expectPasses(AssertsAfterwards.class, 1);
    }

    @KvmGuest(image = TestGuests.WAIT)
    static class AssertsAfterwards {
        @Test
        void runs(Outcome outcome) {}

        @AfterEach
        void asserts(Outcome outcome) {
            assertThat(outcome).waitsForInterrupt();
        }
    }

    @Test
    void aLiveGuestThatStillRunsIsStoppedWithoutAFailure() {
        Fixture.expectPasses(LeavesItRunning.class, 2);
    }

    @KvmGuest(image = TestGuests.HI_AND_HANG)
    static class LeavesItRunning {
        @Test
        void leaves(Guest guest) {
            guest.awaitOutput("Hi");
        }

        @Test
        void stops(Guest guest) {
            guest.awaitOutput("Hi");
            guest.stop();
            assertThat(guest.await().kind()).isEqualTo(Outcome.Kind.STOPPED);
        }
    }

    @Test
    void aLiveGuestThatDiedFails() {
        assertThat(Fixture.failureOf(DiesLive.class)).hasMessageContaining("triple-faulted");
    }

    static class DiesLive {
        @Test
        @KvmGuest(image = TestGuests.UD2, boot = BootMode.PROTECTED)
        void awaitsTheEnd(Guest guest) {
            guest.await();
        }
    }

    @Test
    void aGuestThatWasNeverUsedFails() {
        assertThat(Fixture.failureOf(NeverUses.class))
                .hasMessage(NeverUses.class.getName() + ".ignores: the test takes a Guest and never uses it, so that"
                        + " nothing was booted and there is no verdict; use the Guest, or take an Outcome to have it run"
                        + " to its end");
    }

    static class NeverUses {
        @Test
        @KvmGuest(image = TestGuests.HELLO)
        void ignores(Guest guest) {
            assertThat(guest.isRunning()).isFalse();
            assertThat(guest.outcome()).isEmpty();
            guest.stop();
        }
    }

    @Test
    void aMethodThatAsksForAGuestAndTakesNoneHasItJudged() {
        assertThat(Fixture.failureOf(TakesNone.class)).hasMessageContaining("triple-faulted");
    }

    static class TakesNone {
        @Test
        @KvmGuest(image = TestGuests.UD2, boot = BootMode.PROTECTED)
        void dies() {}
    }

    @Test
    void aTestOfTheClassThatTakesNoGuestBootsNone() {
        Fixture.expectPasses(Ordinary.class, 1);
    }

    @KvmGuest(image = "there/is/no/such.bin")
    static class Ordinary {
        @Test
        void isOrdinary() {}
    }

    @Test
    void theBodysOwnFailureStaysAndCarriesTheGuestsReport() {
        Throwable failure = Fixture.failureOf(FailsItself.class);

        assertThat(failure).isInstanceOf(AssertionFailedError.class).hasMessage("own failure");
        assertThat(failure.getSuppressed()).singleElement().satisfies(report -> assertThat(report)
                .hasMessageStartingWith("expected the guest to end normally, but it triple-faulted\nguest ud2.bin"));
    }

    static class FailsItself {
        @Test
        @KvmGuest(image = TestGuests.UD2, boot = BootMode.PROTECTED)
        void fails(Outcome outcome) {
            fail("own failure");
        }
    }

    @Test
    void aFailureCarriesTheReportOfAGuestThatStillRan() {
        assertThat(Fixture.failureOf(FailsWhileItRuns.class).getSuppressed())
                .singleElement()
                .satisfies(report -> assertThat(report)
                        .hasMessageContaining("was stopped while it was running")
                        .hasMessageContaining("eax=")
                        .hasMessageContaining("  | Hi\n"));
    }

    static class FailsWhileItRuns {
        @Test
        @KvmGuest(image = TestGuests.HI_AND_HANG)
        void fails(Guest guest) {
            guest.awaitOutput("Hi");
            fail("own failure");
        }
    }

    @Test
    void aFailureThatShowsTheReportDoesNotCarryItTwice() {
        Throwable failure = Fixture.failureOf(FailsByAssertion.class);

        assertThat(failure).hasMessageStartingWith("expected the guest to triple-fault, but it halted");
        assertThat(failure.getSuppressed()).singleElement().satisfies(line -> assertThat(line.getMessage())
                .matches("page: file:/.*/guest\\.html"));
    }

    static class FailsByAssertion {
        @Test
        @KvmGuest(image = TestGuests.HELLO)
        void fails(Outcome outcome) {
            assertThat(outcome).tripleFaulted();
        }
    }

    @Test
    void anAbortedTestStaysAborted() {
        Fixture.run(Aborts.class)
                .testEvents()
                .assertStatistics(statistics -> statistics.started(1).aborted(1).failed(0));
    }

    static class Aborts {
        @Test
        @KvmGuest(image = TestGuests.UD2, boot = BootMode.PROTECTED)
        void aborts(Outcome outcome) {
            abort("not today");
        }
    }

    @Test
    void strictPortsFailATestWhoseGuestUsedAPortWithoutADevice() {
        List<Throwable> failures = Fixture.failuresOf(Fixture.run(Strict.class));

        assertThat(failures).singleElement().satisfies(failure -> assertThat(failure)
                .hasMessageStartingWith(
                        Strict.class.getName() + ".fails: the guest used ports that no device has: 0xe0\n"));
    }

    @KvmGuest(image = TestGuests.STRAY_PORT, strictPorts = true)
    static class Strict {
        @Test
        void fails(Outcome outcome) {
            assertThat(outcome).halted();
        }

        @Test
        @KvmGuest(strictPorts = false)
        void passesWhereTheMethodAllowsIt(Outcome outcome) {}
    }

    @Test
    void eachOfSeveralVcpusIsJudged() {
        assertThat(Fixture.failureOf(OneOfTwoFails.class))
                .hasMessageContaining("guest wait.bin")
                .hasMessageNotContainingAny("guest hello.bin");
    }

    static class OneOfTwoFails {
        @Test
        @KvmGuest(image = {TestGuests.HELLO, TestGuests.WAIT})
        void runs(List<Outcome> outcomes) {
            assertThat(outcomes).extracting(Outcome::console).containsExactly("Hello", "");
        }
    }
}
