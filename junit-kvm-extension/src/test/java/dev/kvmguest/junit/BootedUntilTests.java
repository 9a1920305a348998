package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.testkit.engine.EventConditions.finishedWithFailure;

import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.platform.engine.TestExecutionResult;

@BootsGuests
@Tag("kvm")
class BootedUntilTests {

    @Test
    void eachTestGoesOnFromTheSameMomentWithAMachineOfItsOwn() {
        Fixture.expectPasses(
                Fixture.run(
                        FromThePrompt.class,
                        Map.of(
                                "junit.jupiter.execution.parallel.enabled",
                                "true",
                                "junit.jupiter.execution.parallel.mode.default",
                                "concurrent")),
                23);
    }

    @KvmGuest(image = TestGuests.PROMPT)
    @BootedUntil(">")
    @Execution(ExecutionMode.CONCURRENT)
    static class FromThePrompt {

        @RepeatedTest(20)
        void countsFromNothing(Guest guest) {
            assertThat(guest.console()).isEqualTo(">");
            guest.type("xy");
            assertThat(guest.awaitOutput("y2")).isEqualTo("x1y2");
        }

        @Test
        @KvmGuest(input = "abq", timeout = "5s")
        void inputIsOfTheTest(Outcome outcome) {
            assertThat(outcome).halted().hasConsole(">a1b2");
        }

        @Nested
        @BootedUntil(value = "b2", input = "ab")
        class Further {

            @Test
            void goesOnFromThere(Guest guest) {
                guest.type("c");
                assertThat(guest.awaitOutput("c3")).isEqualTo("c3");
                assertThat(guest.console()).isEqualTo(">a1b2c3");
            }

            @Test
            @KvmGuest(image = TestGuests.HELLO)
            void anotherGuestBootsAnew(Outcome outcome) {
                assertThat(outcome).halted().hasConsole("Hello");
            }
        }
    }

    @Test
    void guestIsBootedOnce() throws IOException {
        TestGuests.write();
        Files.copy(Path.of(TestGuests.PROMPT), Path.of(BootsOnce.IMAGE), StandardCopyOption.REPLACE_EXISTING);

        Fixture.expectPasses(BootsOnce.class, 2);
    }

    @KvmGuest(image = BootsOnce.IMAGE)
    @BootedUntil(">")
    @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
    static class BootsOnce {

        static final String IMAGE = "target/test-guests/boots-once.bin";

        @Test
        @Order(1)
        void first(Guest guest) throws IOException {
            assertThat(guest.console()).isEqualTo(">");
            // A boot from now on would be of a guest that has no prompt.
            Files.copy(Path.of(TestGuests.HELLO), Path.of(IMAGE), StandardCopyOption.REPLACE_EXISTING);
        }

        @Test
        @Order(2)
        void second(Guest guest) {
            guest.type("x");
            guest.awaitOutput("x1");
        }
    }

    @Test
    void methodsAndComposedAnnotationsHaveMomentsToo() {
        Fixture.expectPasses(Composed.class, 2);
    }

    @Retention(RetentionPolicy.RUNTIME)
    @KvmGuest(image = TestGuests.PROMPT)
    @BootedUntil(">")
    @interface AtThePrompt {}

    static class Composed {

        @BeforeEach
        void types(Guest guest) {
            guest.type("x");
        }

        @Test
        @AtThePrompt
        void onAMethod(Guest guest) {
            guest.awaitOutput("x1");
        }

        @Test
        @KvmGuest(image = TestGuests.PROMPT)
        @BootedUntil(port = 0xe9)
        void byAPort(Guest guest) {
            assertThat(guest.awaitOutput("x1")).isEqualTo(">x1");
        }
    }

    @Test
    void guestThatDoesNotComeThereFailsAllOfItsTestsAndIsToldOnceInFull(@TempDir Path root) throws IOException {
        List<Throwable> failures =
                Fixture.failuresOf(Fixture.run(NeverThere.class, Map.of(), new Fixture.Folder(root)));

        assertThat(failures).hasSize(3).allSatisfy(failure -> assertThat(failure)
                .hasMessageContaining("the guest was to be booted until its console has \"Select:\", but it halted"));
        assertThat(failures.get(0)).hasMessageContaining("Hello").hasMessageContaining("\n");
        assertThat(failures.get(1))
                .hasMessageEndingWith("; the failure of " + NeverThere.class.getName() + ".first tells it in full");
        assertThat(failures.get(2)).hasMessageStartingWith(NeverThere.class.getName() + ".third: ");
        try (Stream<Path> files = Files.walk(root)) {
            assertThat(files).anySatisfy(file -> assertThat(file).hasFileName("guest.html"));
        }
    }

    @KvmGuest(image = TestGuests.HELLO)
    @BootedUntil("Select:")
    @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
    static class NeverThere {

        @Test
        @Order(1)
        void first(Guest guest) {
            guest.type("x");
        }

        @Test
        @Order(2)
        @BootedUntil("further")
        void second(Guest guest) {
            guest.type("x");
        }

        @Test
        @Order(3)
        void third(Guest guest) {
            try {
                guest.type("x");
            } catch (AssertionError e) {
                return;
            }
            throw new IllegalStateException("there is no guest to type for");
        }
    }

    @Test
    void mistakesAreNamed() {
        List<Throwable> failures = Fixture.run(Mistakes.class).allEvents().list().stream()
                .filter(finishedWithFailure()::matches)
                .map(event -> event.getRequiredPayload(TestExecutionResult.class)
                        .getThrowable()
                        .orElseThrow())
                .toList();

        assertThat(failures).hasSize(5).allSatisfy(failure -> assertThat(failure)
                .isInstanceOf(ExtensionConfigurationException.class));
        assertThat(failures)
                .extracting(Throwable::getMessage)
                .anySatisfy(message -> assertThat(message).contains("@BootedUntil names 0 moments; give it one"))
                .anySatisfy(message -> assertThat(message).contains("@BootedUntil names 2 moments; give it one"))
                .anySatisfy(message -> assertThat(message).contains("image prompt.bin has no symbol \"kernel_ready\""))
                .anySatisfy(message ->
                        assertThat(message).contains("@BootedUntil is for a guest with one vCPU, and there are 2"))
                .anySatisfy(message -> assertThat(message)
                        .contains("GuestTests boot once by themselves, until the guest asks which test"));
    }

    static class Mistakes {

        @Test
        @KvmGuest(image = TestGuests.PROMPT)
        @BootedUntil
        void none(Guest guest) {}

        @Test
        @KvmGuest(image = TestGuests.PROMPT)
        @BootedUntil(value = ">", screen = ">")
        void two(Guest guest) {}

        @Test
        @KvmGuest(image = TestGuests.PROMPT)
        @BootedUntil(symbol = "kernel_ready")
        void noSymbol(Guest guest) {
            guest.await();
        }

        @Test
        @KvmGuest(image = {TestGuests.HELLO, TestGuests.HELLO})
        @BootedUntil("H")
        void twoVcpus(Guest guest) {}

        @TestFactory
        @KvmGuest(image = TestGuests.PROMPT)
        @BootedUntil(">")
        Stream<DynamicTest> inGuest(GuestTests tests) {
            return tests.stream();
        }
    }
}
