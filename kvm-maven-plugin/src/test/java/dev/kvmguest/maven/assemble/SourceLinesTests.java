package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.maven.toolchain.PinnedToolchain;
import dev.kvmguest.maven.toolchain.SystemPrograms;
import dev.kvmguest.maven.toolchain.Toolchain;
import dev.kvmguest.maven.toolchain.ToolchainException;
import dev.kvmguest.maven.toolchain.ToolchainKind;
import dev.kvmguest.vmm.config.Architecture;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The lines that guests' instructions have, by what compilers and assemblers really write. */
class SourceLinesTests {

    /** Who compiles and links. */
    enum Builder {
        PINNED(ToolchainKind.LLVM),
        CLANG(ToolchainKind.CLANG),
        GCC(ToolchainKind.GCC);

        private final ToolchainKind kind;

        Builder(ToolchainKind kind) {
            this.kind = kind;
        }

        private Toolchain find() throws IOException {
            try {
                SystemPrograms programs = SystemPrograms.ofPath(System.getenv());
                return switch (this) {
                    case PINNED -> PinnedToolchain.find();
                    case CLANG -> programs.clang();
                    case GCC -> programs.gcc();
                };
            } catch (ToolchainException e) {
                assumeTrue(false, e.getMessage());
                throw new AssertionError(e);
            }
        }
    }

    @TempDir
    private Path basedir;

    private final List<String> compilerArgs = new ArrayList<>();
    private final List<String> linkerArgs = new ArrayList<>();

    @BeforeEach
    void writeSources() throws IOException {
        assumeTrue(Set.of("amd64", "x86_64").contains(System.getProperty("os.arch")), "the host's compiler is for x86");
        write("boot.S", """
                        .globl  _start
                _start: movl    $0x9000, %esp   # 5 bytes
                        call    kernel_main     # 5 bytes

                stop:   hlt
                        jmp     stop
                """);
        write("main.c", """
                #include "lib/number.h"
                volatile int value;
                __attribute__((noinline)) static int twice(int x) { return x + x; }
                void kernel_main(void);
                void kernel_main(void)
                {
                    value = twice(value);
                    value = thrice(value);
                    for (;;)
                        value = 7;
                }
                """);
        write("lib/number.h", """
                __attribute__((noinline)) static int thrice(int x) { return 3 * x; }
                """);
        write("lib/other.c", """


                int other(int x); int other(int x) { return x - 1; }
                """);
    }

    private void write(String name, String text) throws IOException {
        Path file = basedir.resolve("src/kernel").resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private Path build(Builder builder, BootMode boot) throws Exception {
        Toolchain toolchain = builder.find();
        GuestSpec spec = new GuestSpec(
                "kernel",
                SourceTree.find(basedir.resolve("src/kernel")),
                Optional.empty(),
                boot,
                OptionalLong.empty(),
                Optional.empty(),
                OptionalLong.empty(),
                compilerArgs,
                linkerArgs,
                List.of(),
                builder.kind,
                Architecture.of(boot),
                "",
                List.of());
        GuestAssembler.Result result = new GuestAssembler(
                        basedir, basedir.resolve("target/guests"), basedir.resolve("target/classes"))
                .assemble(spec, toolchain);
        assertThat(result.warnings()).isEmpty();
        return result.folder();
    }

    static Stream<Arguments> compilations() {
        return Stream.of(Builder.values()).flatMap(builder -> Stream.of("-O0", "-O2")
                .flatMap(optimization -> Stream.of("-g", "-gdwarf-2", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5")
                        .map(debug -> Arguments.of(builder, optimization, debug))));
    }

    @ParameterizedTest
    @MethodSource("compilations")
    void instructionsHaveTheLinesOfTheirSource(Builder builder, String optimization, String debug) throws Exception {
        compilerArgs.addAll(List.of(optimization, debug));

        GuestImage image = GuestImage.read(build(builder, BootMode.PAGED).resolve("kernel.elf"));

        assertThat(lines(image, "twice")).containsExactly("src/kernel/main.c:3");
        assertThat(lines(image, "thrice")).containsExactly("src/kernel/lib/number.h:1");
        assertThat(lines(image, "other")).containsExactly("src/kernel/lib/other.c:3");
        assertThat(lines(image, "kernel_main"))
                .contains("src/kernel/main.c:7", "src/kernel/main.c:8", "src/kernel/main.c:10")
                .allMatch(line -> line.matches("src/kernel/main.c:([56789]|10)"));
        long start = symbol(image, "_start").address();
        assertThat(Stream.of(0, 4, 5, 9, 10, 11, 12)
                        .map(offset -> image.sourceAt(start + offset).orElse("")))
                .containsExactly(
                        "src/kernel/boot.S:2",
                        "src/kernel/boot.S:2",
                        "src/kernel/boot.S:3",
                        "src/kernel/boot.S:3",
                        "src/kernel/boot.S:5",
                        "src/kernel/boot.S:6",
                        "src/kernel/boot.S:6");
        assertThat(image.symbolWithOffset(start + 11)).hasValue("stop+0x1");
        assertThat(image.sourceAt(symbol(image, "value").address())).isEmpty();
    }

    private static Set<String> lines(GuestImage image, String function) {
        Symbol symbol = symbol(image, function);
        Set<String> lines = new TreeSet<>();
        for (long address = symbol.address(); address < symbol.address() + symbol.size(); address++) {
            image.sourceAt(address).ifPresent(lines::add);
        }
        return lines;
    }

    private static Symbol symbol(GuestImage image, String name) {
        return image.symbols().stream()
                .filter(symbol -> symbol.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @EnumSource(Builder.class)
    void flatImageHasTheLinesOfTheElfFileBesideItAndTheSameBytesWithoutThem(Builder builder) throws Exception {
        compilerArgs.add("-g0");
        byte[] without = Files.readAllBytes(build(builder, BootMode.PROTECTED).resolve("kernel.bin"));
        compilerArgs.clear();

        Path folder = build(builder, BootMode.PROTECTED);

        assertThat(folder.resolve("kernel.bin")).hasBinaryContent(without);
        GuestImage image = GuestManifest.read(folder).image();
        long start = symbol(image, "_start").address();
        assertThat(image.sourceAt(start)).hasValue("src/kernel/boot.S:2");
        assertThat(image.sourceAt(symbol(image, "twice").address())).hasValue("src/kernel/main.c:3");
    }

    @ParameterizedTest
    @EnumSource(Builder.class)
    void compressedLinesAreReadToo(Builder builder) throws Exception {
        long size = Files.size(build(builder, BootMode.PROTECTED).resolve("kernel.elf"));
        linkerArgs.add("--compress-debug-sections=zlib");

        Path elf = build(builder, BootMode.PROTECTED).resolve("kernel.elf");

        assertThat(Files.size(elf)).as("of the compressed file").isLessThan(size);
        GuestImage image = GuestImage.read(elf);
        assertThat(lines(image, "other")).containsExactly("src/kernel/lib/other.c:3");
    }
}
