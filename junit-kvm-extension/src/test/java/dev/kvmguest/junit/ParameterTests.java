package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.outcome.Outcome;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@BootsGuests
@KvmGuest(image = TestGuests.ECHO)
class ParameterTests {

    @Test
    void anOutcomeIsThatOfAGuestThatRanToItsEnd() {
        Fixture.expectPasses(TakesOutcome.class, 2);
    }

    @KvmGuest(image = TestGuests.ECHO, input = "abq")
    static class TakesOutcome {
        @Test
        void one(Outcome outcome) {
            assertThat(outcome).halted().hasConsole("abq");
        }

        @Test
        void list(List<Outcome> outcomes) {
            assertThat(outcomes).singleElement().satisfies(outcome -> assertThat(outcome)
                    .hasConsole("abq"));
        }
    }

    @RepeatedTest(3)
    void eachRepetitionHasAMachineOfItsOwn(Guest guest) {
        guest.type("x");
        guest.awaitOutput("x");

        assertThat(guest).hasConsole("x");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "b"})
    void parametersOfOtherResolversMixWithAGuest(String text, Guest guest, TestInfo info) {
        guest.type(text);
        guest.awaitOutput(text);

        assertThat(guest).hasConsole(text);
        assertThat(info.getTestMethod()).isPresent();
    }

    @Nested
    class AGuestOfTheEnclosingClass {

        private Guest before;

        @BeforeEach
        void typeFirst(Guest guest) {
            before = guest;
            guest.type("first ");
        }

        @Test
        void isTheSameThroughoutATest(Guest guest) {
            guest.type("second");
            guest.awaitOutput("second");

            assertThat(before.console()).isEqualTo("first second");
        }

        @Test
        @KvmGuest(input = "zeroth ")
        void isLiveIfOnlyTheSetUpTakesIt() {
            before.awaitOutput("first ");

            assertThat(before).isRunning().hasConsole("zeroth first ");
        }

        @AfterEach
        void isStillThere(Guest guest) {
            assertThat(guest).isRunning().consoleContains("first ");
        }
    }

    @Nested
    class AnOutcome {

        @BeforeEach
        void typeFirst(Guest guest) {
            guest.type("bye q");
        }

        @Test
        void comesAfterWhatTheSetUpTyped(Outcome outcome) {
            assertThat(outcome).halted().hasConsole("bye q");
        }

        @AfterEach
        void isTheSameAfterwards(Outcome outcome) {
            assertThat(outcome).hasConsole("bye q");
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class OneInstanceForAllTests {

        @RepeatedTest(2)
        void stillHasAMachinePerTest(Guest guest) {
            guest.type("y");
            guest.awaitOutput("y");

            assertThat(guest).hasConsole("y");
        }
    }

    @TestFactory
    Stream<DynamicTest> dynamicTestsTalkToTheGuestOfTheirFactory(Guest guest) {
        guest.type("12");
        return Stream.of("1", "2")
                .map(digit -> DynamicTest.dynamicTest("awaits " + digit, () -> guest.awaitOutput(digit)));
    }
}
