package dev.kvmguest.maven;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A table of the guide whose first column has names in code style.
 *
 * @param rows the other cells of each row, by its name
 */
record GuideTable(Map<String, List<String>> rows) {

    static final Path GUIDE = Path.of("..", "docs", "maven.md");

    /** Reads the table with this row of headings. */
    static GuideTable read(String headings) throws IOException {
        List<String> lines = Files.readAllLines(GUIDE);
        int start = lines.indexOf(headings);
        if (start < 0) {
            throw new AssertionError(GUIDE + " has no table " + headings);
        }
        Map<String, List<String>> rows = new LinkedHashMap<>();
        lines.subList(start + 2, lines.size()).stream()
                .takeWhile(line -> line.startsWith("|"))
                .map(GuideTable::cells)
                .forEach(cells -> rows.put(cells.get(0).replace("`", ""), cells.subList(1, cells.size())));
        return new GuideTable(rows);
    }

    private static List<String> cells(String line) {
        return Arrays.stream(line.substring(1).split("\\|")).map(String::strip).toList();
    }

    /**
     * Returns the cells for a comment: what is said, and the default, with which the comment has to end.
     *
     * @throws AssertionError if the comment says neither a default nor that a value is required
     */
    static List<String> cells(String name, String comment) {
        String text = comment.replaceAll("\\{@code ([^}]*)}", "`$1`");
        if (text.endsWith(" Required.")) {
            return List.of(text.substring(0, text.length() - " Required.".length()), "required");
        }
        int at = text.lastIndexOf(" Default: ");
        if (at < 0) {
            throw new AssertionError("the comment of " + name + " has to end with \"Default: ...\" or \"Required.\"");
        }
        String value = text.substring(at + " Default: ".length());
        return List.of(text.substring(0, at), value.substring(0, value.length() - 1));
    }
}
