package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InputScannerTests {

    @TempDir
    Path basedir;

    private InputScanner scanner;

    @BeforeEach
    void createScanner() throws IOException {
        scanner = new InputScanner(basedir, List.of(Files.createDirectories(basedir.resolve("include"))));
    }

    private Path write(String name, String text) throws IOException {
        Path file = basedir.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }

    @Test
    void makeRulesHaveEscapedBlanksAndContinuedLines() {
        assertThat(InputScanner.prerequisites("""
                        target/main.c.o: src/main\\ file.c src/a.h \\
                          ../shared/b#c.h \\
                          src/$$d.h
                        """))
                .containsExactly("src/main file.c", "src/a.h", "../shared/b#c.h", "src/$d.h");
        assertThat(InputScanner.prerequisites("C:/target/main.o: C:/src/main.c\n"))
                .containsExactly("C:/src/main.c");
        assertThat(InputScanner.prerequisites("")).isEmpty();
    }

    @Test
    void aDependencyRulesFilesAreInputs() throws IOException {
        Path header = write("include/a.h", "");

        scanner.addDependencies(write("target/main.c.d", "main.o: include/a.h gone.h\n"));
        scanner.addDependencies(basedir.resolve("target/no-rule.d"));

        assertThat(scanner.files()).containsExactly(header);
    }

    @Test
    void whatAnAssemblerIncludesIsFoundFromFileToFile() throws IOException {
        Path font = write("font.bin", "\u0000\u00ff");
        Path logo = write("include/logo.bin", "");
        Path macros = write("src/macros.inc", ".incbin \"logo.bin\"\n");
        Path boot = write("src/boot.S", "    .include \"macros.inc\"\nfont: .incbin \"font.bin\"\n");
        Path main = write("src/main.c", "__asm__(\".incbin \\\"font.bin\\\"\");");

        scanner.add(boot);
        assertThat(scanner.files()).containsExactlyInAnyOrder(boot, macros, logo, font);
        scanner.add(main);
        assertThat(scanner.files()).containsExactlyInAnyOrder(boot, macros, logo, font, main);
    }

    @Test
    void whatNasmIncludesIsFound() throws IOException {
        Path macros = write("src/macros.inc", "");
        Path font = write("src/font.bin", "");
        Path boot = write("src/boot.asm", "%include 'macros.inc'\nfont: incbin \"font.bin\", 4\n");

        scanner.add(boot);

        assertThat(scanner.files()).containsExactlyInAnyOrder(boot, macros, font);
    }

    @Test
    void whatALinkerScriptIncludesIsFound() throws IOException {
        Path memory = write("memory.ld", "");
        Path script = write("src/kernel.ld", "INCLUDE memory.ld\nSECTIONS { }\n");

        scanner.add(script);

        assertThat(scanner.files()).containsExactlyInAnyOrder(script, memory);
    }

    @Test
    void filesThatIncludeEachOtherAreEachAnInputOnce() throws IOException {
        Path one = write("one.inc", ".include \"two.inc\"\n");
        Path two = write("two.inc", ".include \"one.inc\"\n");

        scanner.add(one);

        assertThat(scanner.files()).containsExactly(one, two);
    }

    @Test
    void anArgumentThatNamesAFileIsAnInput() throws IOException {
        Path library = write("lib/start.o", "");
        Path syms = write("other.ld", "");

        scanner.addArgument("lib/start.o");
        scanner.addArgument("--just-symbols=other.ld");
        scanner.addArgument("-O2");
        scanner.addArgument("include");

        assertThat(scanner.files()).containsExactly(library, syms);
    }
}
