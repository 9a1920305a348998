package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.maven.check.GuestCheck;
import dev.kvmguest.maven.check.Points;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.apache.maven.plugin.MojoExecutionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;

class CheckParametersTests {

    private static final CheckParameters.TestFinder NO_TESTS = id -> List.of();

    private final Guest guest = new Guest();
    private final Check check = new Check();

    @BeforeEach
    void addCheck() {
        guest.id = "kernel";
        guest.checks.add(check);
    }

    @Test
    void checkThatSaysNothingExpectsANormalEndWithExitCodeZero() throws Exception {
        GuestCheck read = CheckParameters.read(List.of(guest), EngineChoice.AUTO, NO_TESTS, false)
                .get(0);

        assertThat(read.guest()).isEqualTo("kernel");
        assertThat(read.name()).isEqualTo("kernel");
        assertThat(read.input()).isEmpty();
        assertThat(read.timeout()).isEqualTo(Duration.ofSeconds(10));
        assertThat(read.date()).isEqualTo(LocalDateTime.of(2026, 1, 1, 0, 0));
        assertThat(read.qemuArguments()).isEmpty();
        assertThat(read.engine()).isEqualTo(EngineChoice.AUTO);
        assertThat(read.expectation().mismatches(exit(0, "", 0x80))).isEmpty();
        assertThat(read.expectation().mismatches(exit(1, "", 0x80)))
                .containsExactly("expected exit code 0, but it was 1");
    }

    @Test
    void everyElementIsRead() throws Exception {
        check.name = " menu ";
        check.input = "1\\n0\\n";
        check.console = "9 x 9";
        check.pattern = "= 8\\d$";
        check.screen = "Select:";
        check.outcome = "debug-exit";
        check.exitCode = "0x21";
        check.timeout = "250ms";
        check.qemuArguments = List.of("-device", "edu");
        check.date = "1999-12-31T23:59";
        check.engine = "kvm";
        check.strictPorts = true;
        check.ports = List.of(port("0x80", "a\\n", null), port("129", null, "0D 0a"));

        GuestCheck read = CheckParameters.read(List.of(guest), EngineChoice.AUTO, NO_TESTS, false)
                .get(0);

        assertThat(read.name()).isEqualTo("menu");
        assertThat(read.input()).isEqualTo("1\n0\n");
        assertThat(read.timeout()).isEqualTo(Duration.ofMillis(250));
        assertThat(read.date()).isEqualTo(LocalDateTime.of(1999, 12, 31, 23, 59));
        assertThat(read.qemuArguments()).containsExactly("-device", "edu");
        assertThat(read.engine()).isEqualTo(EngineChoice.KVM);
        assertThat(read.expectation().mismatches(exit(0x21, "9 x 9 = 81", 0x80)))
                .containsExactly(
                        "the screen does not contain \"Select:\"; it is blank",
                        "port 0x80 was expected to be sent 61 0a and was sent nothing",
                        "port 0x81 was expected to be sent 0d 0a and was sent nothing",
                        "the guest used ports that no device has: 0x80");
        assertThat(read.expectation().mismatches(exit(2, "", 0x80)))
                .contains("expected exit code 33, but it was 2")
                .anyMatch(mismatch -> mismatch.startsWith("the console does not contain \"9 x 9\""))
                .anyMatch(mismatch -> mismatch.startsWith("the console does not match /= 8\\d$/"));
    }

    @Test
    void exceptionMustHaveLedToATripleFault() throws Exception {
        check.exception = "#UD";

        GuestCheck read = CheckParameters.read(List.of(guest), EngineChoice.AUTO, NO_TESTS, false)
                .get(0);

        assertThat(read.expectation().mismatches(exit(0, "", 0x80)))
                .containsExactly(
                        "expected the guest to end with triple-fault, but it left by the debug-exit port with 0");
    }

    @Test
    void commandLineAndModulesAreTheGuestsUnlessTheCheckHasItsOwn(@TempDir Path folder) throws Exception {
        GuestCheck silent = CheckParameters.read(List.of(guest), EngineChoice.AUTO, NO_TESTS, false)
                .get(0);
        Path module = Files.writeString(folder.resolve("one.txt"), "");
        check.commandLine = "quiet";
        check.modules = List.of(module.toFile());
        GuestCheck own = CheckParameters.read(List.of(guest), EngineChoice.AUTO, NO_TESTS, false)
                .get(0);
        check.modules = List.of(folder.resolve("two.txt").toFile());

        assertThat(silent.commandLine()).isEmpty();
        assertThat(silent.modules()).isEmpty();
        assertThat(own.commandLine()).hasValue("quiet");
        assertThat(own.modules()).hasValue(List.of(module));
        assertThatThrownBy(() -> CheckParameters.read(List.of(guest), EngineChoice.AUTO, NO_TESTS, false))
                .isInstanceOf(MojoExecutionException.class)
                .hasMessage("<guests><guest id=kernel><checks><check name=kernel><modules>: the file "
                        + folder.resolve("two.txt") + " does not exist; create it, or leave the element out");
    }

    @Test
    void checksWithoutANameAreNumberedWhenThereAreSeveral() throws Exception {
        Check named = new Check();
        named.name = "menu";
        guest.checks.addAll(List.of(named, new Check()));
        Guest other = new Guest();
        other.id = "hello";
        other.checks.add(new Check());

        assertThat(CheckParameters.read(List.of(guest, other), EngineChoice.AUTO, NO_TESTS, false))
                .extracting(GuestCheck::toString)
                .containsExactly("kernel / kernel-1", "kernel / menu", "kernel / kernel-3", "hello / hello");
    }

    @Test
    void checksWhoseReportsWouldBeOneFileAreRefused() {
        check.name = "first line";
        Check other = new Check();
        other.name = "First_Line";
        guest.checks.add(other);

        assertThatThrownBy(() -> CheckParameters.read(List.of(guest), EngineChoice.AUTO, NO_TESTS, false))
                .isInstanceOf(MojoExecutionException.class)
                .hasMessage("<guests><guest id=kernel><checks><check name=First_Line><name>: the reports of \"kernel /"
                        + " first line\" and \"kernel / First_Line\" would be the same file, kernel-First_Line.json;"
                        + " give one of them another <name>");
    }

    @Test
    void testsInsideTheGuestAreChecksOfTheirOwn() throws Exception {
        GuestTestCase adds = new GuestTestCase(0, "adds", "sum.c", 1);
        GuestTestCase divides = new GuestTestCase(1, "divides", "sum.c", 9);
        check.guestTests = true;
        check.timeout = "250ms";
        guest.checks.add(new Check());

        List<GuestCheck> read =
                CheckParameters.read(List.of(guest), EngineChoice.AUTO, id -> List.of(adds, divides), false);

        assertThat(read)
                .extracting(GuestCheck::toString)
                .containsExactly("kernel / kernel-1: adds", "kernel / kernel-1: divides", "kernel / kernel-2");
        assertThat(read)
                .extracting(GuestCheck::guestTest)
                .containsExactly(Optional.of(adds), Optional.of(divides), Optional.empty());
        assertThat(read.get(1).timeout()).isEqualTo(Duration.ofMillis(250));
    }

    @Test
    void guestWithoutTheTestsItShouldHaveIsRefused() {
        check.guestTests = true;

        assertThatThrownBy(() -> CheckParameters.read(
                        List.of(guest),
                        EngineChoice.AUTO,
                        id -> {
                            throw new IllegalArgumentException("guest \"" + id + "\" has no tests");
                        },
                        false))
                .isInstanceOf(MojoExecutionException.class)
                .hasMessage("<guests><guest id=kernel><checks><check name=kernel><guestTests>: guest \"kernel\" has no"
                        + " tests");
    }

    @Test
    void guestWithoutTheTestsItShouldHaveIsAnErrorOfItsCheckIfTheBuildKeepsGoing() throws Exception {
        check.guestTests = true;

        List<GuestCheck> read = CheckParameters.read(
                List.of(guest),
                EngineChoice.AUTO,
                id -> {
                    throw new IllegalArgumentException("no tests");
                },
                true);

        assertThat(read).singleElement().satisfies(one -> assertThat(one.obstacle())
                .contains("no tests"));
    }

    @Test
    void testsInsideTheGuestShareThePointsOfTheirCheck() throws Exception {
        check.guestTests = true;
        check.points = "10";
        List<GuestTestCase> tests = List.of(
                new GuestTestCase(0, "a", "a.c", 1),
                new GuestTestCase(1, "b", "a.c", 2),
                new GuestTestCase(2, "c", "a.c", 3));

        assertThat(CheckParameters.read(List.of(guest), EngineChoice.AUTO, id -> tests, false))
                .extracting(one -> Points.text(one.points().orElseThrow()))
                .containsExactly("3.34", "3.33", "3.33");
        check.guestTests = false;
        assertThat(CheckParameters.read(List.of(guest), EngineChoice.AUTO, NO_TESTS, false)
                        .get(0)
                        .points())
                .contains(new BigDecimal("10"));
    }

    @Test
    void guestsWithOneIdAreRefused() {
        Guest other = new Guest();
        other.id = "kernel";

        assertThatThrownBy(() -> CheckParameters.read(List.of(guest, other), EngineChoice.AUTO, NO_TESTS, false))
                .isInstanceOf(MojoExecutionException.class)
                .hasMessageContaining("the id \"kernel\" is taken by an earlier guest");
    }

    static final List<Arguments> BAD_VALUES = List.of(
            bad("input", check -> check.input = "\\q", "\"\\q\" has a backslash that starts no known escape"),
            bad("points", check -> check.points = "-1", "\"-1\" is not a number from 0 to 999999.99"),
            bad("pattern", check -> check.pattern = "(", "\"(\" is not a regular expression of java.util.regex: "),
            bad("outcome", check -> check.outcome = "dead", "outcome \"dead\" is unknown; use one of halted, "),
            bad("exception", check -> check.exception = "UD", "exception \"UD\" is unknown; use one of #DE, "),
            bad(
                    "exception",
                    check -> {
                        check.exception = "#UD";
                        check.outcome = "halted";
                    },
                    "exception #UD is expected to lead to a triple fault, and the end to be halted"),
            bad("exitCode", check -> check.exitCode = "one", "exit code \"one\" is not a number"),
            bad(
                    "date",
                    check -> check.date = "today",
                    "date \"today\" is not a date; write it as 2026-12-31 or 2026-12-31T23:59:58"),
            bad(
                    "timeout",
                    check -> check.timeout = "5",
                    "timeout \"5\" is not a time; write it as 500ms, 5s, 2m or 1h"),
            bad(
                    "engine",
                    check -> check.engine = "xen",
                    "engine \"xen\" is unknown; use one of auto, kvm, emulator, qemu"),
            bad(
                    "ports><port><number",
                    check -> check.ports.add(port(null, "a", null)),
                    "the number is missing; add <number>0xe9</number>"),
            bad(
                    "ports><port><number",
                    check -> check.ports.add(port("0x10000", "a", null)),
                    "port 0x10000 is not between 0 and 0xffff"),
            bad(
                    "ports><port><number",
                    check -> check.ports.addAll(List.of(port("0x80", "a", null), port("128", "b", null))),
                    "port 0x80 is there already"),
            bad(
                    "ports><port",
                    check -> check.ports.add(port("0x80", "a", "61")),
                    "port 0x80 needs what it must be sent as <text>abc</text> or as <hex>61 62 63</hex>"),
            bad("ports><port", check -> check.ports.add(port("0x80", null, null)), "port 0x80 needs what it must be"),
            bad(
                    "ports><port",
                    check -> check.ports.add(port("0x80", null, "6 1 6")),
                    "hex \"6 1 6\" of port 0x80 is not made of bytes of two hexadecimal digits each"));

    @ParameterizedTest
    @FieldSource("BAD_VALUES")
    void badValueIsNamedByItsElement(String element, Consumer<Check> setting, String message) {
        check.name = "menu";
        setting.accept(check);

        assertThatThrownBy(() -> CheckParameters.read(List.of(guest), EngineChoice.AUTO, NO_TESTS, false))
                .isInstanceOf(MojoExecutionException.class)
                .hasMessageStartingWith(
                        "<guests><guest id=kernel><checks><check name=menu><" + element + ">: " + message);
    }

    @Test
    void engineOfACheckWinsOverThatOfTheGoal() throws Exception {
        Check other = new Check();
        other.engine = "kvm";
        guest.checks.add(other);

        assertThat(CheckParameters.read(List.of(guest), CheckParameters.engine("emulator"), NO_TESTS, false))
                .extracting(GuestCheck::engine)
                .containsExactly(EngineChoice.EMULATOR, EngineChoice.KVM);
    }

    @Test
    void unknownEngineOfTheGoalIsRefused() {
        assertThatThrownBy(() -> CheckParameters.engine("xen"))
                .isInstanceOf(MojoExecutionException.class)
                .hasMessage("kvm.engine: engine \"xen\" is unknown; use one of auto, kvm, emulator, qemu");
    }

    @Test
    void parallelismIsAPositiveNumber() throws Exception {
        assertThat(CheckParameters.parallelism(null)).isPositive();
        assertThat(CheckParameters.parallelism(" 3 ")).isEqualTo(3);
        for (String text : List.of("0", "-1", "two", "", "10000000000")) {
            assertThatThrownBy(() -> CheckParameters.parallelism(text))
                    .isInstanceOf(MojoExecutionException.class)
                    .hasMessage("kvm.parallelism: \"" + text
                            + "\" is not a number from 1 to 9999; leave it out for the number of processors");
        }
    }

    private static Arguments bad(String element, Consumer<Check> setting, String message) {
        return Arguments.of(element, setting, message);
    }

    private static Check.Port port(String number, String text, String hex) {
        Check.Port port = new Check.Port();
        port.number = number;
        port.text = text;
        port.hex = hex;
        return port;
    }

    private static Outcome exit(int code, String console, int unclaimedPort) {
        return new Outcome.DebugExit(
                code,
                new GuestRun(
                        "kernel",
                        BootMode.REAL,
                        0,
                        "kvm",
                        "asked for",
                        console.getBytes(StandardCharsets.UTF_8),
                        Map.of(),
                        new TreeSet<>(List.of(unclaimedPort)),
                        new TreeSet<>(),
                        OptionalLong.empty(),
                        Duration.ofMillis(1),
                        Optional.empty(),
                        MemoryLayout.UNKNOWN,
                        Screen.BLANK,
                        Optional.empty(),
                        Diagnosis.NONE));
    }
}
