package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.outcome.Outcome;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

@BootsGuests
@Tag("kvm")
class ParallelTests {

    private static final Map<String, String> CONCURRENTLY = Map.of(
            "junit.jupiter.execution.parallel.enabled", "true",
            "junit.jupiter.execution.parallel.mode.default", "concurrent",
            "junit.jupiter.execution.parallel.config.strategy", "fixed",
            "junit.jupiter.execution.parallel.config.fixed.parallelism", "4");

    @Test
    void testsOfOneInstanceEachTalkToTheirOwnGuestAtTheSameTime() {
        Fixture.expectPasses(Fixture.run(PerClass.class, CONCURRENTLY), 10);
    }

    @Test
    void testsWithAnInstanceEachDoToo() {
        Fixture.expectPasses(Fixture.run(PerMethod.class, CONCURRENTLY), 10);
    }

    @Test
    void anEndAssertedInOneTestIsNotAssertedInAnother() {
        Fixture.run(HalfAssert.class, CONCURRENTLY)
                .testEvents()
                .assertStatistics(statistics -> statistics.succeeded(10).failed(10));
    }

    /** JUnit runs the tests of one instance one after another unless the class says otherwise. */
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    @Execution(ExecutionMode.CONCURRENT)
    static class PerClass extends Conversation {
        private static final CountDownLatch BOTH = new CountDownLatch(2);

        PerClass() {
            super(BOTH);
        }
    }

    @TestInstance(TestInstance.Lifecycle.PER_METHOD)
    static class PerMethod extends Conversation {
        private static final CountDownLatch BOTH = new CountDownLatch(2);

        PerMethod() {
            super(BOTH);
        }
    }

    @KvmGuest(image = TestGuests.ECHO, timeout = "2m")
    abstract static class Conversation {

        /** Opens when a second guest has been booted beside the first, so that this fails unless they run in parallel. */
        private final CountDownLatch twoGuests;

        Conversation(CountDownLatch twoGuests) {
            this.twoGuests = twoGuests;
        }

        @RepeatedTest(10)
        void talks(RepetitionInfo repetition, Guest guest) throws Exception {
            String text = "repetition " + repetition.getCurrentRepetition() + ".";
            guest.type(text);
            twoGuests.countDown();
            assertThat(twoGuests.await(60, TimeUnit.SECONDS)).isTrue();
            guest.awaitOutput(text);

            assertThat(guest).hasConsole(text);
            guest.type("q");
            assertThat(guest).ended().halted();
        }
    }

    @KvmGuest(image = TestGuests.WAIT)
    static class HalfAssert {
        @RepeatedTest(20)
        void everySecondAsserts(RepetitionInfo repetition, Outcome outcome) {
            if (repetition.getCurrentRepetition() % 2 == 0) {
                assertThat(outcome).waitsForInterrupt();
            }
        }
    }
}
