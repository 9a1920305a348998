package dev.kvmguest.maven.assemble;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Explains nasm's objection to ORG, with which sources for its flat binaries begin. It takes the directive for an
 * instruction that it doesn't know.
 */
final class OrgHint {

    private static final Pattern PLACE = Pattern.compile("(.+):(\\d+)");
    private static final Pattern ORG = Pattern.compile("\\s*\\[?\\s*org\\b.*", Pattern.CASE_INSENSITIVE);
    private static final String HINT =
            "; leave ORG out, which is for flat binaries: the linker places the code where the guest's <load> says";

    private OrgHint() {}

    /** Returns the objection with the way out, if it is about such a line; else as it is. */
    static Diagnostic addTo(Diagnostic objection, Path basedir) throws IOException {
        Matcher place = PLACE.matcher(objection.where());
        if (!objection.isError() || !place.matches()) {
            return objection;
        }
        Path source = basedir.resolve(place.group(1));
        int line = Integer.parseInt(place.group(2));
        List<String> lines =
                Files.isRegularFile(source) ? Files.readAllLines(source, StandardCharsets.ISO_8859_1) : List.of();
        return line < 1
                        || line > lines.size()
                        || !ORG.matcher(lines.get(line - 1)).matches()
                ? objection
                : new Diagnostic(
                        objection.severity(), objection.where(), objection.message() + HINT, objection.text() + HINT);
    }
}
