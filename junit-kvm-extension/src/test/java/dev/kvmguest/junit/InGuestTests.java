package dev.kvmguest.junit;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.FilePosition;
import org.junit.platform.engine.support.descriptor.FileSource;
import org.junit.platform.testkit.engine.Event;

/** Tests inside guests as dynamic tests; the guests are made here, without a compiler. */
@Tag("kvm")
class InGuestTests {

    /** A guest with a test for every way to end, the last of them defined in a file that there is. */
    static final String EVERY_END = "target/test-guests/every-end.elf";
    /** The file that one of the tests of {@link #EVERY_END} says it is in. */
    private static final String SOURCE = "target/test-guests/sources.c";

    /** A guest that passes both its tests, {@code adds} and {@code subtracts}. */
    static final String GREEN = "target/test-guests/green.elf";

    private static final String WITHOUT_TESTS = "target/test-guests/without-tests.elf";
    private static final String TWICE = "target/test-guests/twice.elf";

    @TempDir
    private Path published;

    static {
        new InGuestElf()
                .test("passes", "kernel.c", 1, "Spasses\0P", InGuestElf.EXIT_0)
                .test("fails", "kernel.c", 2, "Sfails\0Flib.c\00042\0assertion failed: 1 > 2\0", InGuestElf.EXIT_1)
                // ud2
                .test("dies", "kernel.c", 3, "Sdies\0", "0f0b")
                // mov al, '!'; out 0xe9, al; here: jmp here
                .test("hangs", "kernel.c", 4, "Shangs\0", "b021 e6e9 ebfe")
                // mov ecx, 0x1b; xor edx, edx; mov eax, 0xfee00900; wrmsr: a local APIC, which the emulator lacks
                .test("is_unsupported", "kernel.c", 5, "Sis_unsupported\0", "b91b000000 31d2 b80009e0fe 0f30")
                .test("leaves_without_a_verdict", "kernel.c", 6, "Sleaves_without_a_verdict\0", InGuestElf.EXIT_0)
                // hlt
                .test("is_never_started", "kernel.c", 7, "", "f4")
                .test("sends_garbage", "kernel.c", 8, "hello", InGuestElf.EXIT_0)
                .test("dies_after_it_passed", "kernel.c", 9, "Sdies_after_it_passed\0P", "0f0b")
                .test("passes_with_status_1", "kernel.c", 10, "Spasses_with_status_1\0P", InGuestElf.EXIT_1)
                .test("has_a_source", SOURCE, 3, "Shas_a_source\0P", InGuestElf.EXIT_0)
                .write(EVERY_END);
        try {
            Files.writeString(Path.of(SOURCE), "\n\nKVMGUEST_TEST(has_a_source)\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        new InGuestElf()
                .test("subtracts", "sum.c", 2, "Ssubtracts\0P", InGuestElf.EXIT_0)
                .test("adds", "sum.c", 1, "Sadds\0P", InGuestElf.EXIT_0)
                .write(GREEN);
        new InGuestElf().write(WITHOUT_TESTS);
        new InGuestElf()
                .test("adds", "sum.c", 1, "Sadds\0P", InGuestElf.EXIT_0)
                .test("adds", "sub.c", 9, "Sadds\0P", InGuestElf.EXIT_0)
                .write(TWICE);
    }

    /** Makes sure that the files are there, for tests of other classes. The first call writes them. */
    static void write() {}

    @Test
    void eachTestInTheGuestIsATestOfItsNameAndFailsAlone() {
        Map<String, Optional<String>> ends = Fixture.run(EveryEnd.class).testEvents().finished().stream()
                .collect(toMap(event -> event.getTestDescriptor().getDisplayName(), InGuestTests::failure));

        assertThat(ends)
                .hasSize(11)
                .containsEntry("passes", Optional.empty())
                .containsEntry("has_a_source", Optional.empty());
        assertThat(ends.get("fails")).get().asString().startsWith("""
                        lib.c:42: assertion failed: 1 > 2
                        guest every-end.elf (boot protected) left by the debug-exit port with 1 at 0x8:0x""");
        assertThat(ends.get("dies")).get().asString().startsWith("""
                        test dies was started, and the guest ended without a verdict
                        expected the guest to end normally, but it triple-faulted
                        guest every-end.elf (boot protected) triple-faulted at 0x8:0x1592""");
        assertThat(ends.get("hangs"))
                .get()
                .asString()
                .matches("(?s)test hangs was started, and the guest ended without a verdict\n"
                        + "expected the guest to end normally, but it (was still running at its time limit of "
                        + Fixture.stretched(500) + "|can never end, proved after \\d+ ms of guest time).*")
                .contains("in-guest test hangs, kernel.c:4: unfinished", "  | !\n");
        assertThat(ends.get("is_unsupported"))
                .get()
                .asString()
                .contains("but it met an instruction that the engine does not support, 0f 30");
        assertThat(ends.get("leaves_without_a_verdict"))
                .get()
                .asString()
                .startsWith("test leaves_without_a_verdict was started, and the guest ended without a verdict\nguest");
        assertThat(ends.get("is_never_started"))
                .get()
                .asString()
                .startsWith("test is_never_started was never started; does the guest call kvmguest_run_tests()?\n");
        assertThat(ends.get("sends_garbage"))
                .get()
                .asString()
                .startsWith("the guest sent the byte 0x68 to the test port where a report of the test's start must");
        assertThat(ends.get("dies_after_it_passed"))
                .get()
                .asString()
                .startsWith("expected the guest to end normally, but it triple-faulted\n");
        assertThat(ends.get("passes_with_status_1"))
                .get()
                .asString()
                .startsWith("expected exit code 0, but it was 1\n");
    }

    private static Optional<String> failure(Event event) {
        return event.getRequiredPayload(TestExecutionResult.class)
                .getThrowable()
                .map(Throwable::getMessage);
    }

    @KvmGuest(image = EVERY_END, boot = BootMode.PROTECTED, timeout = "500ms", engine = EngineChoice.EMULATOR)
    static class EveryEnd {
        @TestFactory
        Stream<DynamicTest> inGuest(GuestTests tests) {
            return tests.stream();
        }
    }

    @Test
    void testLeadsToItsSourceWhereThatIsFound() {
        Map<String, Event> started = Fixture.run(EveryEnd.class).testEvents().started().stream()
                .collect(toMap(event -> event.getTestDescriptor().getDisplayName(), event -> event));

        assertThat(started.get("has_a_source").getTestDescriptor().getSource())
                .get()
                .isEqualTo(FileSource.from(Path.of(SOURCE).toAbsolutePath().toFile(), FilePosition.from(3)));
        assertThat(started.get("passes").getTestDescriptor().getSource()).get().isNotInstanceOf(FileSource.class);
    }

    @Test
    void testsComeInTheOrderOfTheirLines() {
        assertThat(Fixture.run(Green.class).testEvents().succeeded().stream()
                        .map(event -> event.getTestDescriptor().getDisplayName()))
                .containsExactly("adds", "subtracts");
    }

    static class Green {
        @TestFactory
        @KvmGuest(image = GREEN, boot = BootMode.PROTECTED, strictPorts = true)
        Stream<DynamicTest> inGuest(GuestTests tests) {
            return tests.stream();
        }
    }

    @Test
    void failingTestsPublishTheirFilesUnderTheirNames() throws IOException {
        Fixture.run(EveryEnd.class, Map.of(), new Fixture.Folder(published));

        try (Stream<Path> files = Files.walk(published)) {
            assertThat(files.filter(Files::isRegularFile))
                    .extracting(file -> file.getFileName().toString())
                    .hasSize(36)
                    .contains("hangs-console.txt", "hangs-guest.json", "hangs-guest.html", "hangs-guest.txt")
                    .doesNotContain("passes-guest.json");
        }
    }

    @Test
    void namesPickTests() {
        Fixture.expectPasses(Named.class, 1);
    }

    @KvmGuest(image = EVERY_END, boot = BootMode.PROTECTED)
    static class Named {
        @TestFactory
        Stream<DynamicTest> inGuest(GuestTests tests) {
            assertThat(tests.names()).startsWith("passes", "fails").hasSize(11);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> tests.named("passes").named("fails"))
                    .withMessage("there is no in-guest test \"fails\"; there are passes");
            return tests.named("passes").stream();
        }
    }

    @Test
    void factoryThatReturnsNoneOfTheTestsFails() {
        assertThat(containerFailure(ReturnsNone.class))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining(".inGuest: the factory takes GuestTests and returns none of them");
    }

    @KvmGuest(image = GREEN, boot = BootMode.PROTECTED)
    static class ReturnsNone {
        @TestFactory
        Stream<DynamicTest> inGuest(GuestTests tests) {
            return Stream.of();
        }
    }

    @Test
    void guestThatCannotBeRunFailsEachOfItsTests() {
        List<Throwable> failures = Fixture.failuresOf(Fixture.run(DoesNotFit.class));

        assertThat(failures).hasSize(2).allSatisfy(failure -> assertThat(failure)
                .isInstanceOf(ExtensionConfigurationException.class)
                .hasMessageContaining("does not fit into RAM"));
    }

    @KvmGuest(image = GREEN, boot = BootMode.PROTECTED, memory = "64K", load = "0xf000", entry = "0xf000")
    static class DoesNotFit {
        @TestFactory
        Stream<DynamicTest> inGuest(GuestTests tests) {
            return tests.stream();
        }
    }

    @Test
    void imageWithoutTestsIsAnError() {
        assertThat(containerFailure(HasNone.class))
                .hasMessage("guest of " + HasNone.class.getName() + ".inGuest: image without-tests.elf has no tests;"
                        + " define some with KVMGUEST_TEST of kvmguest.h, call kvmguest_run_tests(), and don't strip the"
                        + " file of its symbols");
        assertThat(containerFailure(Flat.class))
                .hasMessageEndingWith(
                        "image hello.bin has no tests; a flat image has no table of them, name the ELF file");
    }

    @KvmGuest(image = WITHOUT_TESTS)
    static class HasNone {
        @TestFactory
        Stream<DynamicTest> inGuest(GuestTests tests) {
            return tests.stream();
        }
    }

    @KvmGuest(image = TestGuests.HELLO)
    static class Flat {
        @TestFactory
        Stream<DynamicTest> inGuest(GuestTests tests) {
            return tests.stream();
        }
    }

    @Test
    void twoTestsOfOneNameAreAnError() {
        assertThat(containerFailure(Twice.class))
                .hasMessageEndingWith(
                        "image twice.elf has two tests called adds, sum.c:1 and sub.c:9; rename one of them");
    }

    @KvmGuest(image = TWICE)
    static class Twice {
        @TestFactory
        Stream<DynamicTest> inGuest(GuestTests tests) {
            return tests.stream();
        }
    }

    @Test
    void severalVcpusAreAnError() {
        assertThat(containerFailure(TwoVcpus.class))
                .hasMessageEndingWith(
                        ": its tests run on one vCPU, but there are 2; name one guest, and leave vcpus out");
    }

    @KvmGuest(image = {GREEN, GREEN})
    static class TwoVcpus {
        @TestFactory
        Stream<DynamicTest> inGuest(GuestTests tests) {
            return tests.stream();
        }
    }

    @Test
    void onlyATestFactoryCanTakeTests() {
        assertThat(Fixture.failureOf(OnAMethodOfAnotherKind.class))
                .isInstanceOf(ExtensionConfigurationException.class)
                .hasMessageEndingWith(".test: GuestTests are for a @TestFactory method, which returns their stream()");
        assertThat(Fixture.failureOf(InSetUp.class))
                .isInstanceOf(ParameterResolutionException.class)
                .hasMessageContaining("of setUp: the tests inside a guest are for the @TestFactory method");
    }

    @KvmGuest(image = GREEN)
    static class OnAMethodOfAnotherKind {
        @Test
        void test(GuestTests tests) {}
    }

    @KvmGuest(image = GREEN)
    static class InSetUp {
        @BeforeEach
        void setUp(GuestTests tests) {}

        @Test
        void test() {}
    }

    @Test
    void testsAndAnOutcomeDoNotGoTogether() {
        assertThat(containerFailure(WithOutcome.class))
                .isInstanceOf(ExtensionConfigurationException.class)
                .hasMessageContaining("can't take a Guest or an Outcome too");
    }

    @KvmGuest(image = GREEN)
    static class WithOutcome {
        @TestFactory
        Stream<DynamicTest> inGuest(GuestTests tests, Outcome outcome) {
            return tests.stream();
        }
    }

    /** Returns how the only factory of a class failed, which JUnit counts as a container. */
    private static Throwable containerFailure(Class<?> testClass) {
        List<Event> failed =
                Fixture.run(testClass).containerEvents().failed().stream().toList();
        assertThat(failed).hasSize(1);
        return failed.get(0)
                .getRequiredPayload(TestExecutionResult.class)
                .getThrowable()
                .orElseThrow();
    }
}
