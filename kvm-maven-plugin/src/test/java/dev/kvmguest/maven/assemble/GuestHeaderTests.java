package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.maven.toolchain.SystemPrograms;
import dev.kvmguest.maven.toolchain.Toolchain;
import dev.kvmguest.maven.toolchain.ToolchainException;
import dev.kvmguest.maven.toolchain.ToolchainKind;
import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.Architecture;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.outcome.GuestTestResult;
import dev.kvmguest.vmm.outcome.GuestTestResult.Failure;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Guests that include {@code kvmguest.h}, built by the host's compilers and run on the emulator; the pinned toolchain
 * builds those of the invoker projects.
 */
class GuestHeaderTests {

    private static final List<String> STRICT = List.of("-march=i386", "-Wall", "-Wextra", "-Wpedantic", "-Werror");

    @TempDir
    private Path basedir;

    private final List<String> compilerArgs = new ArrayList<>(STRICT);
    private final List<String> linkerArgs = new ArrayList<>();
    private Optional<Path> linkerScript = Optional.empty();

    @BeforeEach
    void writeSources() throws IOException {
        assumeTrue(Set.of("amd64", "x86_64").contains(System.getProperty("os.arch")), "the host's compiler is for x86");
        write("start.S", """
                        .globl  _start
                _start: movl    $0x90000, %esp
                        call    test_main
                        .section .note.GNU-stack, "", @progbits
                """);
        write("main.c", """
                #include <kvmguest.h>
                void test_main(void);
                void test_main(void) { kvmguest_run_tests(); }
                """);
    }

    private void writeTests() throws IOException {
        write("a.c", """
                #include <kvmguest.h>
                KVMGUEST_TEST(passes)
                {
                    int value = 2;
                    KVMGUEST_ASSERT(1 + 1 == value);
                    KVMGUEST_ASSERT_EQUAL(value, 2u);
                    KVMGUEST_ASSERT_EQUAL(sizeof value, 4);
                    KVMGUEST_ASSERT_EQUAL(&value, &value);
                    KVMGUEST_ASSERT_EQUAL((unsigned char)0xff, 0xffLL);
                }
                static void check_below_3(int i)
                {
                    KVMGUEST_ASSERT(i < 3);
                }
                KVMGUEST_TEST(fails_in_a_loop)
                {
                    for (int i = 0;; i++)
                        check_below_3(i);
                }
                """);
        write("b.c", """
                #include <kvmguest.h>
                KVMGUEST_TEST(fails_with_values)
                {
                    volatile int count = -3;
                    KVMGUEST_ASSERT_EQUAL(count, 0x123456789abcLL);
                }
                KVMGUEST_TEST(fails_by_hand)
                {
                    KVMGUEST_FAIL("not yet");
                }
                """);
    }

    private void write(String name, String text) throws IOException {
        Files.createDirectories(basedir.resolve("src"));
        Files.writeString(basedir.resolve("src").resolve(name), text);
    }

    private GuestImage build(ToolchainKind kind) throws Exception {
        Toolchain toolchain;
        try {
            SystemPrograms programs = SystemPrograms.ofPath(System.getenv());
            toolchain = kind == ToolchainKind.GCC ? programs.gcc() : programs.clang();
        } catch (ToolchainException e) {
            assumeTrue(false, e.getMessage());
            return null;
        }
        GuestSpec spec = new GuestSpec(
                "tests",
                SourceTree.find(basedir.resolve("src")),
                linkerScript,
                BootMode.PROTECTED,
                OptionalLong.empty(),
                Optional.empty(),
                OptionalLong.empty(),
                compilerArgs,
                linkerArgs,
                List.of(),
                kind,
                Architecture.I386,
                "",
                List.of());
        GuestAssembler.Result result = new GuestAssembler(
                        basedir, basedir.resolve("target/guests"), basedir.resolve("target/classes"))
                .assemble(spec, toolchain);
        assertThat(result.warnings()).isEmpty();
        return GuestImage.read(result.folder().resolve("tests.elf"));
    }

    @ParameterizedTest
    @CsvSource({"GCC, -O0, c99", "GCC, -O2, c11", "GCC, -Os, gnu17", "CLANG, -O0, c99", "CLANG, -O2, c11"})
    void testsAreFoundAndReportTheirVerdicts(ToolchainKind compiler, String optimization, String standard)
            throws Exception {
        writeTests();
        compilerArgs.addAll(List.of(optimization, "-std=" + standard));

        GuestImage image = build(compiler);

        List<GuestTestCase> tests = image.guestTests();
        assertThat(tests)
                .extracting(test -> test.name() + " " + test.file() + ":" + test.line())
                .containsExactly(
                        "passes src/a.c:2",
                        "fails_in_a_loop src/a.c:15",
                        "fails_with_values src/b.c:2",
                        "fails_by_hand src/b.c:7");
        assertThat(tests)
                .extracting(test -> result(image, test).failure().map(Failure::toString))
                .containsExactly(
                        Optional.empty(),
                        Optional.of("src/a.c:13: assertion failed: i < 3"),
                        Optional.of("src/b.c:5: assertion failed: count == 0x123456789abcLL: -3 (0xfffffffd) and"
                                + " 0x123456789abc"),
                        Optional.of("src/b.c:9: not yet"));
        assertThat(result(image, tests.get(0)).passed()).isTrue();
    }

    private static GuestTestResult result(GuestImage image, GuestTestCase test) {
        Outcome outcome = run(guest(image).withGuestTest(test));
        GuestTestResult result = outcome.run().guestTest().orElseThrow();
        assertThat(outcome.exitCode()).hasValue(result.passed() ? 0 : 1);
        assertThat(outcome.console()).isEmpty();
        return result;
    }

    @ParameterizedTest
    @CsvSource({"GCC, -O0", "GCC, -O2", "CLANG, -O0", "CLANG, -O2"})
    void allTestsRunWhereNoHostAsksForOne(ToolchainKind compiler, String optimization) throws Exception {
        writeTests();
        compilerArgs.add(optimization);

        Outcome outcome = run(guest(build(compiler)));

        assertThat(outcome.exitCode()).hasValue(1);
        // A compiler may put the tests of a file into the table in any order.
        assertThat(outcome.console().lines().map(line -> line.replaceAll("ok \\d+ -", "ok -")))
                .hasSize(8)
                .startsWith("1..4")
                .contains("ok - passes")
                .containsSequence("not ok - fails_in_a_loop", "# src/a.c:13: assertion failed: i < 3")
                .containsSequence("not ok - fails_by_hand", "# src/b.c:9: not yet");
    }

    @Test
    void allTestsThatPassEndTheRunWithZero() throws Exception {
        write("a.c", "#include <kvmguest.h>\nKVMGUEST_TEST(one) {}\n");

        Outcome outcome = run(guest(build(ToolchainKind.GCC)));

        assertThat(outcome.console()).isEqualTo("1..1\nok 1 - one\n");
        assertThat(outcome.exitCode()).hasValue(0);
    }

    @Test
    void guestWithoutATestCanBeLinkedAndFails() throws Exception {
        GuestImage image = build(ToolchainKind.GCC);

        Outcome outcome = run(guest(image));

        assertThat(image.guestTests()).isEmpty();
        assertThat(outcome.console()).isEqualTo("1..0\n");
        assertThat(outcome.exitCode()).hasValue(1);
    }

    @Test
    void assertionOutsideOfATestEndsTheRunToo() throws Exception {
        write("main.c", """
                #include <kvmguest.h>
                void test_main(void);
                void test_main(void) { KVMGUEST_ASSERT(0 > 1); }
                """);

        Outcome outcome = run(guest(build(ToolchainKind.GCC)));

        assertThat(outcome.console()).isEqualTo("Bail out! src/main.c:3: assertion failed: 0 > 1\n");
        assertThat(outcome.exitCode()).hasValue(1);
    }

    @Test
    void numberWithoutATestIsAFailure() throws Exception {
        writeTests();
        GuestImage image = build(ToolchainKind.GCC);

        assertThat(result(image, new GuestTestCase(4, "fifth", "c.c", 1)).describe())
                .matches(".*kvmguest.h:\\d+: this guest has no test of the number that the host asks for");
    }

    @ParameterizedTest
    @CsvSource({"GCC", "CLANG"})
    void linkerScriptNeedNotKnowOfTheTests(ToolchainKind compiler) throws Exception {
        writeTests();
        write("own.ld", """
                ENTRY(_start)
                PHDRS { code PT_LOAD FLAGS(5); data PT_LOAD FLAGS(6); }
                SECTIONS {
                    . = 0x1000;
                    .text : { *(.text .text.*) } :code
                    .rodata : { *(.rodata .rodata.*) }
                    .data : { *(.data .data.*) } :data
                    .bss : { *(.bss .bss.* COMMON) }
                    /DISCARD/ : { *(.eh_frame) *(.comment) *(.note*) }
                }
                """);
        linkerScript = Optional.of(basedir.resolve("src/own.ld"));

        GuestImage image = build(compiler);

        assertThat(image.guestTests()).hasSize(4);
        assertThat(result(image, image.guestTests().get(0)).passed()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"GCC", "CLANG"})
    void unusedSectionsCanBeRemoved(ToolchainKind compiler) throws Exception {
        writeTests();
        compilerArgs.addAll(List.of("-ffunction-sections", "-fdata-sections"));
        linkerArgs.add("--gc-sections");

        assertThat(build(compiler).guestTests()).hasSize(4);
    }

    @Test
    void guestsOwnFileOfTheNameIsPreferred() throws Exception {
        write("kvmguest.h", "static inline void kvmguest_run_tests(void) { __asm__(\"cli; hlt\"); }\n");

        assertThat(run(guest(build(ToolchainKind.GCC)))).isInstanceOf(Outcome.Halted.class);
    }

    private static VcpuConfig guest(GuestImage image) {
        return VcpuConfig.of(image).withBoot(BootMode.PROTECTED);
    }

    private static Outcome run(VcpuConfig guest) {
        MachineConfig config = MachineConfig.builder()
                .vcpu(guest)
                .engine(EngineChoice.EMULATOR)
                .build();
        try (Machine machine = Machine.create(config)) {
            return machine.run();
        }
    }
}
