package dev.kvmguest.vmm.internal.kvm.abi;

import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The host's C compiler, asked for the values of expressions. */
final class CCompiler {

    private record Result(int status, String output) {}

    private final String command;
    private final Path folder;

    private CCompiler(String command, Path folder) {
        this.command = command;
        this.folder = folder;
    }

    /** Returns the compiler; aborts the test, naming what is missing, if it can't speak for x86-64 Linux. */
    static CCompiler orSkip(Path folder) throws IOException, InterruptedException {
        for (String command : List.of("cc", "gcc", "clang")) {
            try {
                String target = run(folder, command, "-dumpmachine").output().strip();
                assumeTrue(
                        target.startsWith("x86_64") && target.contains("linux"),
                        command + " compiles for " + target + ", and the numbers are those of x86-64 Linux");
                return new CCompiler(command, folder);
            } catch (IOException e) {
                // Not installed; the next may be.
            }
        }
        return abort("no C compiler: neither cc nor gcc nor clang is installed");
    }

    /** Aborts the test if a header is missing. */
    void requireHeader(String header, String debianPackage) throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("header.c"), "#include <" + header + ">\n");
        assumeTrue(
                run(folder, command, "-fsyntax-only", source.toString()).status() == 0,
                command + " finds no <" + header + ">; Debian has it in " + debianPackage);
    }

    /**
     * Returns the values of expressions, 64 bits each.
     *
     * @param headers what to include
     * @param expressions the expressions by the names under which their values are returned
     */
    Map<String, Long> evaluate(List<String> headers, Map<String, String> expressions)
            throws IOException, InterruptedException {
        StringBuilder source = new StringBuilder("#define _GNU_SOURCE\n#include <stdio.h>\n#include <stddef.h>\n");
        headers.forEach(header -> source.append("#include <").append(header).append(">\n"));
        source.append("int main(void) {\n");
        expressions.forEach((name, expression) -> source.append(
                String.format("  printf(\"%s %%llx\\n\", (unsigned long long) (%s));%n", name, expression)));
        source.append("  return 0;\n}\n");

        Path file = Files.writeString(folder.resolve("numbers.c"), source);
        Path program = folder.resolve("numbers");
        runOrFail(command, "-o", program.toString(), file.toString());
        Map<String, Long> values = new LinkedHashMap<>();
        runOrFail(program.toString()).lines().forEach(line -> {
            String[] nameAndValue = line.split(" ");
            values.put(nameAndValue[0], Long.parseUnsignedLong(nameAndValue[1], 16));
        });
        return values;
    }

    /** Returns the values of a header's macros as they are written there, by their names. */
    Map<String, String> macros(String header) throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("macros.c"), "#include <" + header + ">\n");
        Map<String, String> macros = new LinkedHashMap<>();
        runOrFail(command, "-dM", "-E", source.toString()).lines().forEach(line -> {
            String[] words = line.split(" ", 3);
            macros.put(words[1], words.length == 3 ? words[2] : "");
        });
        return macros;
    }

    private String runOrFail(String... words) throws IOException, InterruptedException {
        Result result = run(folder, words);
        if (result.status() != 0) {
            throw new AssertionError(String.join(" ", words) + " failed:\n" + result.output());
        }
        return result.output();
    }

    private static Result run(Path folder, String... words) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(words)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), output);
    }
}
