package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

@BootsGuests
@Tag("kvm")
class LeakTests {

    private static final int RUNS = 10;

    @Test
    void testsLeaveNoDescriptorThreadOrOutcomeBehindHoweverTheyEnd() throws IOException {
        InGuestTests.write();
        Fixture.run(EveryWayToEnd.class);
        Usage before = Usage.now();

        for (int i = 0; i < RUNS; i++) {
            Fixture.run(EveryWayToEnd.class)
                    .testEvents()
                    .assertStatistics(
                            statistics -> statistics.succeeded(4).failed(7).aborted(1));
        }

        assertThat(Usage.now()).isEqualTo(before);
    }

    @KvmGuest(image = TestGuests.HI_AND_HANG)
    static class EveryWayToEnd {
        @Test
        void leavesItRunning(Guest guest) {
            guest.awaitOutput("Hi");
        }

        @Test
        @KvmGuest(image = TestGuests.EXIT_3)
        void assertsTheEnd(Outcome outcome) {
            assertThat(outcome).exitedWith(3);
        }

        @Test
        void throwsWhileItRuns(Guest guest) {
            guest.awaitOutput("Hi");
            fail("own failure");
        }

        @Test
        void abortsWhileItRuns(Guest guest) {
            guest.awaitOutput("Hi");
            abort("not today");
        }

        @Test
        @KvmGuest(image = TestGuests.UD2, boot = BootMode.PROTECTED)
        void dies(Outcome outcome) {}

        @Test
        @KvmGuest(load = "0xfffff000", entry = "0x0")
        void cannotBePlaced(Outcome outcome) {}

        @Test
        @KvmGuest(
                image = {TestGuests.HELLO, TestGuests.HANG},
                timeout = "20ms")
        void hangsOnOneVcpu(List<Outcome> outcomes) {}

        @TestFactory
        @KvmGuest(image = InGuestTests.GREEN, boot = BootMode.PROTECTED)
        Stream<DynamicTest> passesInTheGuest(GuestTests tests) {
            return tests.stream();
        }

        @TestFactory
        @KvmGuest(image = InGuestTests.EVERY_END, boot = BootMode.PROTECTED, timeout = "20ms")
        Stream<DynamicTest> failsInTheGuest(GuestTests tests) {
            return tests.named("dies", "hangs").stream();
        }

        @Nested
        class WithFailingSetUp {
            @BeforeEach
            void fails(Guest guest) {
                guest.awaitOutput("Hi");
                fail("set-up");
            }

            @Test
            void neverRuns() {}
        }
    }

    private record Usage(long descriptors, List<String> threads, int watchedOutcomes) {

        private static boolean isJarOrGone(Path descriptor) {
            try {
                return Files.readSymbolicLink(descriptor).toString().endsWith(".jar");
            } catch (IOException e) {
                // Closed since it was listed, and so not what stays open.
                return true;
            }
        }

        static Usage now() throws IOException {
            try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
                return new Usage(
                        // The JVM opens a jar whenever it first loads a class from it, also in the middle of a test.
                        descriptors
                                .filter(descriptor -> !isJarOrGone(descriptor))
                                .count(),
                        Thread.getAllStackTraces().keySet().stream()
                                .map(Thread::getName)
                                .filter(name -> name.startsWith("kvmguest"))
                                // It ends by itself when it has had nothing to do for a while.
                                .filter(name -> !name.equals("kvmguest-alarm"))
                                .sorted()
                                .toList(),
                        AssertedEnds.watched());
            }
        }
    }
}
