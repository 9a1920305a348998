package dev.kvmguest.vmm.architecture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The files of the project, as tests of one module see them: they run in the module's folder. */
final class Repository {

    /** The folder of the whole project. */
    static final Path ROOT = Path.of("..");

    static final List<String> MODULES_WITH_MAIN_SOURCES =
            List.of("vmm-runtime", "junit-kvm-extension", "kvm-maven-plugin");

    private static final Pattern QUOTED = Pattern.compile("`([^`]+)`");

    private Repository() {}

    /** Returns a file's text, by its path from the project's folder. */
    static String read(String file) throws IOException {
        return Files.readString(ROOT.resolve(file));
    }

    /**
     * Returns the first cells of a table's rows, heading and rule left out.
     *
     * @param page the page, by its path from the project's folder
     * @param heading what the heading row begins with
     * @param nth which table with this heading, from 0
     */
    static List<String> firstCells(String page, String heading, int nth) throws IOException {
        String[] parts = read(page).split("\n" + Pattern.quote(heading));
        if (parts.length < nth + 2) {
            throw new IllegalArgumentException(page + " has no table " + nth + " that begins with " + heading);
        }
        return parts[nth + 1]
                .lines()
                .skip(2)
                .takeWhile(line -> line.startsWith("|"))
                .map(line -> line.split("\\|")[1].strip())
                .toList();
    }

    /** Returns what is in backquotes in the first cells of a table. */
    static List<String> quotedInFirstCells(String page, String heading, int nth) throws IOException {
        return firstCells(page, heading, nth).stream()
                .flatMap(cell -> quoted(cell).stream())
                .toList();
    }

    /** Returns what is in backquotes in a text. */
    static List<String> quoted(String text) {
        return QUOTED.matcher(text)
                .results()
                .map((MatchResult match) -> match.group(1))
                .toList();
    }
}
