package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.maven.toolchain.PinnedToolchain;
import dev.kvmguest.maven.toolchain.SystemPrograms;
import dev.kvmguest.maven.toolchain.Toolchain;
import dev.kvmguest.maven.toolchain.ToolchainException;
import dev.kvmguest.maven.toolchain.ToolchainKind;
import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.Architecture;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.GuestManifest;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Guests of 64 bits, built by the pinned toolchain and by the host's gcc, and run on the emulator. */
class Guests64Tests {

    private static final long HIGH = 0xffff_ffff_8010_0000L;

    private static final String START = """
                    .globl  _start
            _start: movq    $stack_end, %rsp
                    call    kernel_main
                    hlt
                    .bss
                    .balign 16
                    .skip   4096
            stack_end:
                    .section .note.GNU-stack, "", @progbits
            """;

    /** Calls by a table of addresses, arithmetic of 64 bits, variables of each kind of section. */
    private static final String MAIN = """
            #include <kvmguest.h>
            static long counter = 40;
            static char buffer[16];
            static void letter(char c) { buffer[0] = c; kvmguest_print(buffer); }
            static void add(char c) { (void)c; counter++; }
            static void (*const actions[])(char) = {letter, add, add, letter};
            void kernel_main(void);
            void kernel_main(void)
            {
                unsigned long long wide = 0x123456789abcdef0ULL;
                for (unsigned i = 0; i < 4; i++)
                    actions[i]((char)('a' + i));
                if ((wide / (unsigned long)counter) >> 56 == 0 && (wide >> 60) == 1)
                    kvmguest_exit((unsigned)counter);
                kvmguest_exit(1);
            }
            """;

    private static final String SCRIPT = """
            ENTRY(_start)
            PHDRS { code PT_LOAD FLAGS(5); data PT_LOAD FLAGS(6); }
            SECTIONS {
                . = VIRTUAL;
                .text : AT(0x100000) { *(.text .text.*) } :code
                .rodata : { *(.rodata .rodata.*) }
                .data : { *(.data .data.*) } :data
                .bss : { *(.bss .bss.* COMMON) }
                /DISCARD/ : { *(.comment) *(.note*) }
            }
            """;

    private enum Builder {
        LLVM,
        GCC
    }

    @TempDir
    private Path temp;

    private Path basedir;
    private BootMode boot = BootMode.LONG;
    private ToolchainKind kind;
    private Optional<Path> linkerScript = Optional.empty();
    private final List<String> compilerArgs = new ArrayList<>(List.of("-Wextra", "-Wpedantic", "-Werror"));

    private void write(String name, String text) throws IOException {
        Path sources = Files.createDirectories(basedir().resolve("src"));
        Files.writeString(sources.resolve(name), text);
    }

    private Path basedir() {
        basedir = basedir == null ? temp.resolve("project") : basedir;
        return basedir;
    }

    private void linkAt(long address) throws IOException {
        write("kernel.ld", SCRIPT.replace("VIRTUAL", "0x" + Long.toHexString(address)));
        linkerScript = Optional.of(basedir.resolve("src/kernel.ld"));
    }

    private Toolchain toolchain(Builder builder) throws Exception {
        assumeTrue(Set.of("amd64", "x86_64").contains(System.getProperty("os.arch")), "an x86 host");
        kind = builder == Builder.LLVM ? ToolchainKind.LLVM : ToolchainKind.GCC;
        try {
            return builder == Builder.LLVM
                    ? PinnedToolchain.find()
                    : SystemPrograms.ofPath(System.getenv()).gcc();
        } catch (ToolchainException e) {
            assumeTrue(false, e.getMessage());
            throw new AssertionError(e);
        }
    }

    private GuestAssembler.Result build(Builder builder) throws Exception {
        return build(toolchain(builder));
    }

    private GuestAssembler.Result build(Toolchain toolchain) throws Exception {
        GuestSpec spec = new GuestSpec(
                "kernel",
                SourceTree.find(basedir.resolve("src")),
                linkerScript,
                boot,
                OptionalLong.empty(),
                Optional.empty(),
                OptionalLong.empty(),
                compilerArgs,
                List.of(),
                List.of(),
                kind,
                Architecture.X86_64,
                "",
                List.of());
        GuestAssembler.Result result = new GuestAssembler(
                        basedir, basedir.resolve("target/guests"), basedir.resolve("target/classes"))
                .assemble(spec, toolchain);
        assertThat(result.warnings()).isEmpty();
        assertThat(result.layout().warnings()).isEmpty();
        return result;
    }

    private static Outcome run(GuestAssembler.Result built) throws IOException {
        return run(VcpuConfig.of(GuestManifest.read(built.folder())));
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

    @ParameterizedTest
    @EnumSource
    void guestRunsAt1MiBByTheBuiltInScript(Builder builder) throws Exception {
        write("start.S", START);
        write("main.c", MAIN);

        GuestAssembler.Result built = build(builder);

        assertThat(built.manifest().toText()).isEqualTo("id=kernel\nimage=kernel.elf\nboot=long\narch=x86_64\n");
        GuestImage elf = GuestImage.read(built.folder().resolve("kernel.elf"));
        assertThat(elf.format()).isEqualTo(GuestImage.Format.ELF64);
        assertThat(elf.physicalStart()).isEqualTo(0x10_0000);
        assertThat(elf.sourceAt(elf.entry().getAsLong())).hasValue("src/start.S:2");
        assertEndsWell(run(built));
    }

    @ParameterizedTest
    @CsvSource({"LLVM, -O2", "LLVM, -O0", "GCC, -O2", "GCC, -O0"})
    void guestRunsInTheLast2GiB(Builder builder, String optimization) throws Exception {
        write("start.S", START);
        write("main.c", MAIN);
        linkAt(HIGH);
        compilerArgs.add(optimization);

        GuestAssembler.Result built = build(builder);

        GuestImage elf = GuestImage.read(built.folder().resolve("kernel.elf"));
        assertThat(elf.physicalStart()).isEqualTo(0x10_0000);
        assertThat(elf.symbolAt(HIGH)).isPresent();
        assertEndsWell(run(built));
    }

    @ParameterizedTest
    @EnumSource
    void guestWithAScriptOfItsOwnMayRunInTheFirst2GiB(Builder builder) throws Exception {
        write("start.S", START);
        write("main.c", MAIN);
        linkAt(0x10_0000);

        assertEndsWell(run(build(builder)));
    }

    @Test
    void partsAtBothEndsOfMemoryNeedPhysicalAddresses() throws Exception {
        write("start.S", START);
        write("main.c", MAIN);
        write("kernel.ld", """
                ENTRY(_start)
                PHDRS { boot PT_LOAD FLAGS(5); kernel PT_LOAD FLAGS(7); }
                SECTIONS {
                    .boot 0x100000 : { *start.S.o(.text) } :boot
                    .text 0xffffffff80110000 : { *(.text .rodata .rodata.* .data .bss) } :kernel
                    /DISCARD/ : { *(.comment) *(.note*) }
                }
                """);
        linkerScript = Optional.of(basedir.resolve("src/kernel.ld"));

        assertThatThrownBy(() -> build(Builder.LLVM))
                .isInstanceOf(GuestBuildException.class)
                .hasMessageContaining(" bytes of physical memory, from 0x100000 to 0xffffffff8011")
                .hasMessageContaining(
                        "give the sections that the linker script puts high a physical address with AT(...)");
    }

    private static void assertEndsWell(Outcome outcome) {
        assertThat(outcome.console()).isEqualTo("ad");
        assertThat(outcome.exitCode()).hasValue(42);
    }

    @Test
    void functionKeepsNothingBelowItsStackPointer() throws Exception {
        write("start.S", START);
        write("main.c", """
                #include <kvmguest.h>
                __attribute__((noinline)) static unsigned leaf(unsigned value)
                {
                    volatile unsigned kept = value;
                    // What an interrupt's frame would overwrite.
                    __asm__ volatile("pushq $0\\n\\tpopq %%rax" : : : "rax", "memory");
                    return kept;
                }
                void kernel_main(void);
                void kernel_main(void) { kvmguest_exit(leaf(7)); }
                """);

        assertThat(run(build(Builder.LLVM)).exitCode()).hasValue(7);
    }

    @Test
    void sameBytesInAnyFolder() throws Exception {
        write("start.S", START);
        write("main.c", MAIN);
        Path here = build(Builder.LLVM).folder().resolve("kernel.elf");
        basedir = temp.resolve("another place");
        write("start.S", START);
        write("main.c", MAIN);

        assertThat(build(Builder.LLVM).folder().resolve("kernel.elf")).hasSameBinaryContentAs(here);
    }

    @ParameterizedTest
    @EnumSource(names = {"PROTECTED", "MULTIBOOT", "MULTIBOOT2"})
    void fileOf64BitsIsEnteredIn32BitMode(BootMode mode) throws Exception {
        boot = mode;
        write("boot.S", """
                        .section .multiboot
                        .long   0x1badb002, 0, -0x1badb002
                        .section .multiboot2
                        .balign 8
                        .long   0xe85250d6, 0, 24, 0x17adaf12, 0, 8
                        .text
                        .code32
                        .globl  _start
                _start: movl    $0x33, %eax
                        outl    %eax, $0xf4
                """);

        GuestAssembler.Result built = build(Builder.LLVM);

        assertThat(built.manifest().arch()).isEqualTo(Architecture.X86_64);
        assertThat(run(built).exitCode()).hasValue(0x33);
    }

    @Test
    void nasmAssembles64BitCode() throws Exception {
        write("boot.asm", """
                        bits    64
                        global  _start
                _start: mov     rax, 0x123456789abcdef0
                        shr     rax, 60
                        out     0xf4, al
                """);
        Toolchain toolchain = SystemPrograms.ofPath(System.getenv()).withNasm(toolchain(Builder.LLVM), "boot.asm");

        assertThat(run(build(toolchain)).exitCode()).hasValue(1);
    }

    private void writeTests() throws IOException {
        write("start.S", START);
        write("main.c", """
                #include <kvmguest.h>
                void kernel_main(void);
                void kernel_main(void) { kvmguest_run_tests(); }
                """);
        write("a.c", """
                #include <kvmguest.h>
                KVMGUEST_TEST(passes)
                {
                    int value = 2;
                    struct { unsigned three : 2; } bits = {3};
                    KVMGUEST_ASSERT(1 + 1 == value);
                    KVMGUEST_ASSERT_EQUAL(value, 2ul);
                    KVMGUEST_ASSERT_EQUAL(sizeof(void *), 8);
                    KVMGUEST_ASSERT_EQUAL(&value, &value);
                    KVMGUEST_ASSERT_EQUAL(bits.three, 3);
                    KVMGUEST_ASSERT_EQUAL(0xfedcba9876543210ul, 0xfedcba9876543210ul);
                }
                KVMGUEST_TEST(fails_with_addresses)
                {
                    KVMGUEST_ASSERT_EQUAL((void *)0xffffffff80100000ul, (void *)0xffff800000000000ul);
                }
                KVMGUEST_TEST(fails_with_numbers)
                {
                    volatile long count = -3;
                    KVMGUEST_ASSERT_EQUAL(count, 0xffffffff80100000ul);
                }
                """);
    }

    @ParameterizedTest
    @CsvSource({"LLVM, -O0, false", "LLVM, -O2, true", "GCC, -O0, true", "GCC, -O2, false"})
    void testsInsideTheGuestReportTheirVerdicts(Builder builder, String optimization, boolean high) throws Exception {
        writeTests();
        compilerArgs.addAll(List.of(optimization, "-std=c99"));
        if (high) {
            linkAt(HIGH);
        }

        GuestAssembler.Result built = build(builder);
        GuestImage image = GuestImage.read(built.folder().resolve("kernel.elf"));

        List<GuestTestCase> tests = image.guestTests();
        assertThat(tests)
                .extracting(test -> test.name() + " " + test.file() + ":" + test.line())
                .containsExactly(
                        "passes src/a.c:2", "fails_with_addresses src/a.c:13", "fails_with_numbers src/a.c:17");
        assertThat(tests)
                .extracting(test -> result(image, test).failure().map(Failure::toString))
                .containsExactly(
                        Optional.empty(),
                        Optional.of("src/a.c:15: assertion failed: (void *)0xffffffff80100000ul == (void"
                                + " *)0xffff800000000000ul: 0xffffffff80100000 and 0xffff800000000000"),
                        Optional.of("src/a.c:20: assertion failed: count == 0xffffffff80100000ul: -3 (0xfffffffd) and"
                                + " 0xffffffff80100000"));
    }

    @ParameterizedTest
    @CsvSource({"LLVM, -O2", "GCC, -O0", "GCC, -O2"})
    void allTestsRunWhereNoHostAsksForOne(Builder builder, String optimization) throws Exception {
        writeTests();
        compilerArgs.add(optimization);

        Outcome outcome = run(build(builder));

        assertThat(outcome.exitCode()).hasValue(1);
        // A compiler may put the tests of a file into the table in any order.
        assertThat(outcome.console().lines().map(line -> line.replaceAll("ok \\d+ -", "ok -")))
                .startsWith("1..3")
                .contains("ok - passes", "not ok - fails_with_addresses", "not ok - fails_with_numbers");
    }

    private static GuestTestResult result(GuestImage image, GuestTestCase test) {
        return run(VcpuConfig.of(image).withBoot(BootMode.LONG).withGuestTest(test))
                .run()
                .guestTest()
                .orElseThrow();
    }
}
