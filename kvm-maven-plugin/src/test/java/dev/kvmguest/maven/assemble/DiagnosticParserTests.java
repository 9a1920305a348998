package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.kvmguest.maven.assemble.Diagnostic.Severity;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class DiagnosticParserTests {

    private static final Path BASEDIR = Path.of("project").toAbsolutePath();

    private static List<Diagnostic> compiler(int exitCode, String output) {
        return DiagnosticParser.ofCompiler(BASEDIR, "compiler", new Tool.Result(exitCode, output));
    }

    private static List<Diagnostic> linker(int exitCode, String output) {
        return DiagnosticParser.ofLinker(BASEDIR, "linker", new Tool.Result(exitCode, output));
    }

    @Test
    void clangsErrorsKeepTheirExcerptsAndNotes() {
        String output = """
                In file included from src/main.c:1:
                src/value.h:2:14: error: unknown type name 'u8'
                    2 | static const u8 value;
                      |              ^
                src/main.c:7:9: warning: unused variable 'x' [-Wunused-variable]
                    7 |     int x;
                      |         ^
                src/main.c:3:5: note: declared here
                1 warning and 1 error generated.
                """;

        assertThat(compiler(1, output))
                .containsExactly(
                        new Diagnostic(Severity.ERROR, "src/value.h:2", "unknown type name 'u8'", """
                                In file included from src/main.c:1:
                                src/value.h:2:14: error: unknown type name 'u8'
                                    2 | static const u8 value;
                                      |              ^"""),
                        new Diagnostic(
                                Severity.WARNING, "src/main.c:7", "unused variable 'x' [-Wunused-variable]", """
                                src/main.c:7:9: warning: unused variable 'x' [-Wunused-variable]
                                    7 |     int x;
                                      |         ^
                                src/main.c:3:5: note: declared here"""));
    }

    @Test
    void aMissingHeaderIsAnError() {
        assertThat(compiler(1, "src/main.c:1:10: fatal error: 'missing.h' file not found\n"))
                .extracting(Diagnostic::summary)
                .containsExactly("src/main.c:1: 'missing.h' file not found");
    }

    @Test
    void gnuAsHasNoColumns() {
        String output = """
                src/boot.S: Assembler messages:
                src/boot.S:3: Error: no such instruction: `mvo %eax,%ebx'
                src/boot.S:9: Warning: partial line at end of file ignored
                """;

        assertThat(compiler(1, output))
                .extracting(Diagnostic::severity, Diagnostic::summary)
                .containsExactly(
                        tuple(Severity.ERROR, "src/boot.S:3: no such instruction: `mvo %eax,%ebx'"),
                        tuple(Severity.WARNING, "src/boot.S:9: partial line at end of file ignored"));
    }

    @Test
    void nasmHasNoColumnsEither() {
        assertThat(compiler(1, "src/boot.asm:4: error: symbol `VALUE' not defined\n"))
                .extracting(Diagnostic::summary)
                .containsExactly("src/boot.asm:4: symbol `VALUE' not defined");
    }

    @Test
    void lldsUndefinedSymbolIsWhereItIsReferenced() {
        String output = """
                lld: error: undefined symbol: kernel_main
                >>> referenced by start.S:5 (./src/kernel/start.S:5)
                >>>               target/kvm-guests/kernel/obj/start.S.o:(.text+0x6)
                """;

        assertThat(linker(1, output))
                .containsExactly(new Diagnostic(
                        Severity.ERROR, "src/kernel/start.S:5", "undefined symbol: kernel_main", output.strip()));
    }

    @Test
    void lldsLinkerScriptErrorIsInTheScript() {
        assertThat(linker(1, "lld: error: src/kernel.ld:3: unknown directive: SECTION\n>>> SECTION\n>>> ^\n"))
                .extracting(Diagnostic::where, Diagnostic::message)
                .containsExactly(tuple("src/kernel.ld:3", "unknown directive: SECTION"));
    }

    @Test
    void gnuLdsUndefinedReferenceHasNoSeverity() {
        String output = """
                /usr/bin/ld: target/kvm-guests/kernel/obj/start.S.o: in function `_start':
                ./src/kernel/start.S:5: undefined reference to `kernel_main'
                """;

        assertThat(linker(1, output))
                .containsExactly(new Diagnostic(
                        Severity.ERROR,
                        "src/kernel/start.S:5",
                        "undefined reference to `kernel_main'",
                        output.strip()));
        assertThat(linker(1, "/usr/bin/ld:src/kernel.ld:3: syntax error\n"))
                .extracting(Diagnostic::summary)
                .containsExactly("src/kernel.ld:3: syntax error");
    }

    @Test
    void pathsInTheProjectBecomeRelative() {
        assertThat(linker(1, "lld: error: " + BASEDIR.resolve("kernel.ld") + ":3: unexpected EOF\n"))
                .extracting(Diagnostic::where)
                .containsExactly("kernel.ld:3");
    }

    @Test
    void aProgramsOwnErrorIsUnderItsName() {
        assertThat(compiler(1, "clang: error: unknown argument: '-mno-such-thing'\n"))
                .extracting(Diagnostic::summary)
                .containsExactly("compiler: unknown argument: '-mno-such-thing'");
    }

    @Test
    void aFailureIsNeverSilent() {
        assertThat(compiler(139, ""))
                .containsExactly(new Diagnostic(
                        Severity.ERROR,
                        "compiler",
                        "failed with exit code 139",
                        "compiler: failed with exit code 139"));
        assertThat(compiler(1, "Stack dump:\nsomething\n"))
                .extracting(Diagnostic::isError, Diagnostic::message)
                .containsExactly(tuple(true, "failed with exit code 1: Stack dump:\nsomething"));
    }

    @Test
    void aSuccessWithoutWordsHasNoDiagnostics() {
        assertThat(compiler(0, "")).isEmpty();
    }

    @Test
    void wordsThatAreNotUnderstoodAreAWarning() {
        assertThat(linker(0, "something odd\n"))
                .containsExactly(new Diagnostic(Severity.WARNING, "linker", "something odd", "linker: something odd"));
    }
}
