package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.Event;

/** Mistakes in annotations and parameters; none of these tests boots anything. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConfigurationErrorTests {

    private final Map<String, Throwable> failures = new HashMap<>();

    @BeforeAll
    void runThemAll() {
        Fixture.run(Mistakes.class).testEvents().finished().stream()
                .forEach(event -> failures.put(
                        event.getTestDescriptor().getDisplayName().replaceAll("\\(.*", ""), failureOf(event)));
    }

    private static Throwable failureOf(Event event) {
        return event.getRequiredPayload(TestExecutionResult.class)
                .getThrowable()
                .orElseThrow(() -> new AssertionError(event + " has not failed"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            noGuest         | no guest is named; set id to the id of a guest that kvm:assemble builds, or image to a file
            unknownId       | guest "nobody" is not on the class path: META-INF/kvm-guests/nobody/guest.properties was not found
            badId           | guest id "../x" may only have letters, digits
            noSuchImage     | image "no/such.bin" is neither a file,
            idAndImage      | id = [hello] and image = [x.bin] both name the guest; keep one of them
            valueAndId      | value = [hello] and id = [ud2] mean the same; keep one of them
            noSuchModule    | module "no/such.img" is neither a file,
            twoCommandLines | commandLine = [a, b] must be one value
            notMultiboot    | command line "quiet" can't be given to hello in boot mode real; only boot mode multiboot, multiboot2, limine, pvh or linux
            badLoad         | load "high" is not a number; write it as 0x1000 or 4096
            badEntry        | entry segment "0xzz" is not a number; write it as 0x1000 or 4096
            badMemory       | memory "much" is not a size; write it as 16M or 640K
            tooLittleMemory | memory of 1024 bytes can't be had; use a multiple of 4K
            badTimeout      | timeout "soon" is not a time; write it as 500ms, 5s, 2m or 1h
            twoBootModes    | boot = [real, paged] must be one value
            negativeVcpus   | vcpus = -1 must be at least 1
            vcpusDiffer     | vcpus = 3 differs from the number of guests, 2, which get a vCPU each; leave it out
            inputsDiffer    | input has 2 texts for 1 vCPU(s); give one for every vCPU, or one for each
            noSegment       | entry is not given, but several vCPUs run the image hello; give it as SEG:OFF, such as 0x200:0x0, so
            linearEntry     | entry = 0x2000, but several vCPUs run the image hello; give it as SEG:OFF, such as 0x200:0x0
            notReal         | several vCPUs with an image each must boot in real mode
            oneOutcome      | a parameter is an Outcome, but there are 2 vCPUs with one each; take a List<Outcome>
            badPattern      | pattern "(" is not a regular expression: Unclosed group
            twoOutcomes     | outcome = [HALTED, RESET] must be one value
            twoExitCodes    | exitCode has 2 values; give one
            """)
    void aMistakeNamesTestAttributeValueAndWayOut(String test, String message) {
        assertThat(failures.get(test))
                .isInstanceOf(ExtensionConfigurationException.class)
                .hasMessageStartingWith("guest of " + Mistakes.class.getName() + "." + test + ": " + message);
    }

    static class Mistakes {
        @Test
        @KvmGuest(input = "x")
        void noGuest(Outcome outcome) {}

        @Test
        @KvmGuest("nobody")
        void unknownId(Guest guest) {}

        @Test
        @KvmGuest(image = TestGuests.MULTIBOOT, boot = BootMode.MULTIBOOT, modules = "no/such.img")
        void noSuchModule() {}

        @Test
        @KvmGuest(
                value = TestGuests.MULTIBOOT_ID,
                commandLine = {"a", "b"})
        void twoCommandLines() {}

        @Test
        @KvmGuest(value = TestGuests.HELLO_ID, commandLine = "quiet")
        void notMultiboot() {}

        @Test
        @KvmGuest("../x")
        void badId() {}

        @Test
        @KvmGuest(image = "no/such.bin")
        void noSuchImage() {}

        @Test
        @KvmGuest(id = "hello", image = "x.bin")
        void idAndImage() {}

        @Test
        @KvmGuest(value = "hello", id = "ud2")
        void valueAndId() {}

        @Test
        @KvmGuest(value = "hello", load = "high")
        void badLoad() {}

        @Test
        @KvmGuest(value = "hello", entry = "0xzz:0")
        void badEntry() {}

        @Test
        @KvmGuest(value = "hello", memory = "much")
        void badMemory() {}

        @Test
        @KvmGuest(value = "hello", memory = "1K")
        void tooLittleMemory() {}

        @Test
        @KvmGuest(value = "hello", timeout = "soon")
        void badTimeout() {}

        @Test
        @KvmGuest(
                value = "hello",
                boot = {BootMode.REAL, BootMode.PAGED})
        void twoBootModes() {}

        @Test
        @KvmGuest(value = "hello", vcpus = -1)
        void negativeVcpus() {}

        @Test
        @KvmGuest(
                value = {"hello", "ud2"},
                vcpus = 3)
        void vcpusDiffer() {}

        @Test
        @KvmGuest(
                value = "hello",
                input = {"a", "b"})
        void inputsDiffer() {}

        @Test
        @KvmGuest(value = "hello", vcpus = 2)
        void noSegment() {}

        @Test
        @KvmGuest(value = "hello", vcpus = 2, entry = "0x2000")
        void linearEntry() {}

        @Test
        @KvmGuest({"hello", "ud2"})
        void notReal() {}

        @Test
        @KvmGuest(image = TestGuests.HELLO, vcpus = 2)
        void oneOutcome(Outcome outcome) {}

        @GuestTest(id = "hello", pattern = "(")
        void badPattern() {}

        @GuestTest(
                id = "hello",
                outcome = {Outcome.Kind.HALTED, Outcome.Kind.RESET})
        void twoOutcomes() {}

        @GuestTest(
                id = "hello",
                exitCode = {0, 1})
        void twoExitCodes() {}
    }

    @Test
    void aConstructorCannotTakeAGuest() {
        assertThat(Fixture.failureOf(InConstructor.class))
                .isInstanceOf(ParameterResolutionException.class)
                .hasMessageContaining(
                        "a guest lives for one test; take it in a test method, @BeforeEach or @AfterEach");
    }

    @KvmGuest(image = TestGuests.HELLO)
    static class InConstructor {
        InConstructor(Guest guest) {}

        @Test
        void neverRuns() {}
    }

    @Test
    void beforeAllCannotTakeAnOutcome() {
        Event failed = Fixture.run(InBeforeAll.class).containerEvents().failed().stream()
                .findFirst()
                .orElseThrow();

        assertThat(failureOf(failed))
                .isInstanceOf(ParameterResolutionException.class)
                .hasMessageContaining("outcome of boot: a guest lives for one test; take it in a test method");
    }

    @KvmGuest(image = TestGuests.HELLO)
    static class InBeforeAll {
        @BeforeAll
        static void boot(Outcome outcome) {}

        @Test
        void neverRuns() {}
    }
}
