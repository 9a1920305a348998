package dev.kvmguest.maven.assemble;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Collects the files that a guest is built from.
 *
 * <p>The compilers list what the C preprocessor includes. What assemblers and the linker include is searched for here:
 * no option makes clang or lld tell, and nasm's list lacks what {@code %include} names.
 */
final class InputScanner {

    /** nasm: %include 'macros.inc' */
    private static final Pattern NASM_INCLUDE =
            Pattern.compile("^\\s*%include\\s+[\"'`]([^\"'`]+)", Pattern.MULTILINE | Pattern.CASE_INSENSITIVE);

    private static final List<Pattern> INCLUSIONS = List.of(
            // GNU assembly, on its own or in a C string: .incbin "font.bin", .include "macros.inc"
            Pattern.compile("\\.(?:incbin|include)\\s+\\\\?\"([^\"\\\\]+)"),
            NASM_INCLUDE,
            // nasm: font: incbin "font.bin"
            Pattern.compile(
                    "^\\s*(?:\\w+:?\\s+)?incbin\\s+[\"'`]([^\"'`]+)", Pattern.MULTILINE | Pattern.CASE_INSENSITIVE),
            // linker scripts: INCLUDE memory.ld
            Pattern.compile("^\\s*INCLUDE\\s+\"?([^\\s\";]+)", Pattern.MULTILINE));

    private final Path basedir;
    private final List<Path> folders;
    private final Set<Path> files = new TreeSet<>();

    /**
     * Creates a scanner.
     *
     * @param folders where an included file is looked for, after the base directory
     */
    InputScanner(Path basedir, List<Path> folders) {
        this.basedir = basedir;
        this.folders = folders;
    }

    /** Adds a file and what the assembler or linker includes from it, if it exists. */
    void add(Path file) throws IOException {
        Path path = basedir.resolve(file).normalize();
        if (!Files.isRegularFile(path) || !files.add(path)) {
            return;
        }
        // No file is malformed in ISO 8859-1, binary ones included; names are taken back to bytes.
        String text = Files.readString(path, StandardCharsets.ISO_8859_1);
        for (Pattern pattern : INCLUSIONS) {
            for (Matcher inclusion = pattern.matcher(text); inclusion.find(); ) {
                for (Path candidate : candidates(path, utf8(inclusion.group(1)))) {
                    add(candidate);
                }
            }
        }
    }

    /** Returns the names in nasm's {@code %include}, of a source as ISO 8859-1 has it. */
    static List<String> inclusionsOfNasm(String source) {
        return NASM_INCLUDE
                .matcher(source)
                .results()
                .map(include -> utf8(include.group(1)))
                .toList();
    }

    private static String utf8(String bytes) {
        return new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    private List<Path> candidates(Path from, String name) {
        try {
            return Stream.concat(Stream.of(basedir, from.getParent()), folders.stream())
                    .map(folder -> folder.resolve(name))
                    .toList();
        } catch (InvalidPathException e) {
            // Not a file name on this host, so the assembler can't have opened it.
            return List.of();
        }
    }

    /** Adds the files of a make rule that a compiler wrote, if it did. */
    void addDependencies(Path rule) throws IOException {
        if (Files.isRegularFile(rule)) {
            for (String name : prerequisites(Files.readString(rule))) {
                add(Path.of(name));
            }
        }
    }

    /** Adds the file that an option names, as {@code FILE} or {@code OPTION=FILE}, if it is one. */
    void addArgument(String argument) throws IOException {
        for (Path candidate : candidates(basedir.resolve("."), argument.substring(argument.indexOf('=') + 1))) {
            add(candidate);
        }
    }

    /** Returns the files added. */
    List<Path> files() {
        return List.copyOf(files);
    }

    /**
     * Returns the prerequisites of make rules: what is after the colon, up to the end of the logical line, with a
     * backslash before blanks and {@code #} and a doubled dollar sign undone.
     */
    static List<String> prerequisites(String rules) {
        List<String> names = new ArrayList<>();
        for (String line : rules.replace("\\\r\n", " ").replace("\\\n", " ").split("\n")) {
            Matcher target = Pattern.compile(":(?=\\s)").matcher(line);
            if (!target.find()) {
                continue;
            }
            for (String name : line.substring(target.end()).trim().split("(?<!\\\\)\\s+")) {
                if (!name.isEmpty()) {
                    names.add(name.replaceAll("\\\\([ #])", "$1").replace("$$", "$"));
                }
            }
        }
        return names;
    }
}
