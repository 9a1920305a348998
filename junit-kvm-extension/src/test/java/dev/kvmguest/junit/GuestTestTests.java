package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.TestExecutionResult;

@BootsGuests
class GuestTestTests {

    @GuestTest(id = TestGuests.HELLO_ID, console = "Hello")
    void aBodyCanBeEmpty() {}

    @GuestTest(
            image = TestGuests.HELLO,
            pattern = "^H.*o$",
            exitCode = {},
            outcome = Outcome.Kind.HALTED,
            engine = EngineChoice.EMULATOR)
    void aBodyCanSayMore(Outcome outcome) {
        assertThat(outcome).ranOn("emulator").hasConsole("Hello");
    }

    @GuestTest(image = TestGuests.EXIT_3, exitCode = 3)
    void anExitCodeCanBeExpected() {}

    @GuestTest(image = TestGuests.UD2, boot = BootMode.PROTECTED, outcome = Outcome.Kind.TRIPLE_FAULT)
    void aDeathCanBeExpected() {}

    @GuestTest(image = TestGuests.ECHO, console = "bye q")
    void aLiveGuestRunsToItsEndAfterTheBody(Guest guest) {
        guest.type("bye q");
    }

    @GuestTest(image = TestGuests.HELLO, console = "Hello")
    void aGuestThatTheBodyTakesAndLeavesAloneRunsToo(Guest guest) {}

    @GuestTest(image = TestGuests.HELLO, vcpus = 2, console = "Hello")
    void whatIsExpectedHoldsForEveryVcpu() {}

    @Test
    void aGuestThatDoesNotDoWhatIsExpectedFails() {
        Map<String, String> failures = Fixture.run(Unexpected.class).testEvents().failed().stream()
                .collect(Collectors.toMap(
                        event -> event.getTestDescriptor().getDisplayName().replaceAll("\\(.*", ""),
                        event -> event.getRequiredPayload(TestExecutionResult.class)
                                .getThrowable()
                                .orElseThrow()
                                .getMessage()));

        Function<String, String> start = test -> Unexpected.class.getName() + "." + test + ": ";
        assertThat(failures)
                .containsOnlyKeys(
                        "console", "pattern", "outcome", "exitCode", "normalEnd", "asserted", "stopped", "strict");
        assertThat(failures.get("console"))
                .startsWith(start.apply("console")
                        + "the console does not contain \"Bye\"; it has \"Hello\"\nguest hello.bin (boot real)");
        assertThat(failures.get("pattern")).startsWith(start.apply("pattern") + "the console does not match /^B/");
        assertThat(failures.get("outcome"))
                .startsWith(start.apply("outcome") + "expected the guest to end with reset, but it halted");
        assertThat(failures.get("exitCode")).startsWith(start.apply("exitCode") + "expected exit code 4, but it was 3");
        assertThat(failures.get("normalEnd"))
                .startsWith(start.apply("normalEnd") + "expected the guest to end normally, but it triple-faulted");
        assertThat(failures.get("asserted"))
                .startsWith(start.apply("asserted") + "expected exit code 0, but it was 3")
                .doesNotContain("if the test means this end");
        assertThat(failures.get("stopped"))
                .startsWith(start.apply("stopped") + "expected the guest to end normally, but it was stopped");
        assertThat(failures.get("strict"))
                .startsWith(start.apply("strict") + "the guest used ports that no device has: 0xe0");
    }

    static class Unexpected {
        @GuestTest(image = TestGuests.HELLO, console = "Bye")
        void console() {}

        @GuestTest(image = TestGuests.HELLO, pattern = "^B")
        void pattern() {}

        @GuestTest(image = TestGuests.HELLO, outcome = Outcome.Kind.RESET)
        void outcome() {}

        @GuestTest(image = TestGuests.EXIT_3, exitCode = 4)
        void exitCode() {}

        @GuestTest(image = TestGuests.UD2, boot = BootMode.PROTECTED)
        void normalEnd() {}

        @GuestTest(image = TestGuests.EXIT_3)
        void asserted(Outcome outcome) {
            assertThat(outcome).exitedWith(3);
        }

        @GuestTest(image = TestGuests.HI_AND_HANG)
        void stopped(Guest guest) {
            guest.awaitOutput("Hi");
            guest.stop();
        }

        @GuestTest(image = TestGuests.STRAY_PORT, strictPorts = true)
        void strict() {}
    }
}
