package dev.kvmguest.maven.assemble;

import dev.kvmguest.maven.assemble.Diagnostic.Severity;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds the objections in what clang, gcc, GNU as, nasm, lld and GNU ld print.
 *
 * <p>A line that starts none belongs to the one before it: source excerpts, notes, lld's {@code >>>} lines.
 */
final class DiagnosticParser {

    private static final String FILE = "((?:[A-Za-z]:)?[^:]+)";
    private static final String SEVERITY = "(fatal error|error|fatal|warning)";

    /** {@code boot.S:3:5: error: unknown mnemonic}, without the column from GNU as and nasm. */
    private static final Pattern IN_SOURCE =
            Pattern.compile(FILE + ":(\\d+):(?:\\d+:)? ?" + SEVERITY + ": (.*)", Pattern.CASE_INSENSITIVE);

    /** {@code lld: error: undefined symbol: main} and {@code lld: error: kernel.ld:3: unexpected EOF}. */
    private static final Pattern BY_PROGRAM =
            Pattern.compile(FILE + ": " + SEVERITY + ": (?:" + FILE + ":(\\d+): )?(.*)", Pattern.CASE_INSENSITIVE);

    /** GNU ld's {@code src/main.c:4: undefined reference to `foo'}, with or without an offset in the section. */
    private static final Pattern WITHOUT_SEVERITY =
            Pattern.compile("(?:[^:]*\\bld: ?)?" + FILE + ":(\\d+):(?:\\([^)]*\\):)? ?(.+)");

    /** lld's {@code >>> referenced by boot.S:4 (src/boot.S:4)}, with the path in parentheses if it knows one. */
    private static final Pattern REFERENCE =
            Pattern.compile(">>> (?:referenced by|defined at) (?:.*\\(" + FILE + ":(\\d+)\\)|" + FILE + ":(\\d+))");

    private static final Pattern COUNT = Pattern.compile("\\d+ (?:warning|error)s?.* generated\\.");

    private final String program;
    private final int exitCode;
    private final List<Diagnostic> found = new ArrayList<>();
    private final List<String> context = new ArrayList<>();
    private Severity severity;
    private String where;
    private String message;
    private final List<String> text = new ArrayList<>();

    private DiagnosticParser(String program, int exitCode) {
        this.program = program;
        this.exitCode = exitCode;
    }

    /** Returns the objections of a compiler, at least one error if it failed. */
    static List<Diagnostic> ofCompiler(Path basedir, String program, Tool.Result result) {
        return new DiagnosticParser(program, result.exitCode()).parse(relative(basedir, result.output()), false);
    }

    /** Returns the objections of a linker, at least one error if it failed. */
    static List<Diagnostic> ofLinker(Path basedir, String program, Tool.Result result) {
        return new DiagnosticParser(program, result.exitCode()).parse(relative(basedir, result.output()), true);
    }

    private static String relative(Path basedir, String output) {
        return output.replace(basedir + File.separator, "").replace(basedir + "/", "");
    }

    private List<Diagnostic> parse(String output, boolean severityMayLack) {
        for (String line : output.lines().toList()) {
            if (!COUNT.matcher(line).matches() && !startsOne(line, severityMayLack)) {
                (where == null ? context : text).add(line);
            }
        }
        finish();
        String all = output.strip();
        if (exitCode != 0 && found.stream().noneMatch(Diagnostic::isError)) {
            String message = "failed with exit code " + exitCode + (all.isEmpty() ? "" : ": " + all);
            found.add(new Diagnostic(Severity.ERROR, program, message, program + ": " + message));
        } else if (found.isEmpty() && !all.isEmpty()) {
            found.add(new Diagnostic(Severity.WARNING, program, all, program + ": " + all));
        }
        return found;
    }

    private boolean startsOne(String line, boolean severityMayLack) {
        Matcher inSource = IN_SOURCE.matcher(line);
        if (inSource.matches()) {
            start(inSource.group(3), place(inSource.group(1), inSource.group(2)), inSource.group(4), line);
            return true;
        }
        Matcher byProgram = BY_PROGRAM.matcher(line);
        if (byProgram.matches()) {
            String file = byProgram.group(3);
            start(
                    byProgram.group(2),
                    file == null ? program : place(file, byProgram.group(4)),
                    byProgram.group(5),
                    line);
            return true;
        }
        Matcher bare = WITHOUT_SEVERITY.matcher(line);
        if (severityMayLack && !line.startsWith(">>>") && bare.matches()) {
            start(exitCode != 0 ? "error" : "warning", place(bare.group(1), bare.group(2)), bare.group(3), line);
            return true;
        }
        Matcher reference = REFERENCE.matcher(line);
        if (program.equals(where) && reference.matches()) {
            boolean path = reference.group(1) != null;
            where = place(reference.group(path ? 1 : 3), reference.group(path ? 2 : 4));
        }
        return false;
    }

    /** Linkers put the folder that debug information names, which is {@code .}, before the file. */
    private static String place(String file, String line) {
        return (file.startsWith("./") ? file.substring(2) : file) + ":" + line;
    }

    private void start(String severityWord, String place, String what, String line) {
        finish();
        severity = severityWord.equalsIgnoreCase("warning") ? Severity.WARNING : Severity.ERROR;
        where = place;
        message = what;
        text.addAll(context);
        text.add(line);
        context.clear();
    }

    private void finish() {
        if (where != null) {
            found.add(new Diagnostic(severity, where, message, String.join("\n", text)));
            text.clear();
        }
    }
}
