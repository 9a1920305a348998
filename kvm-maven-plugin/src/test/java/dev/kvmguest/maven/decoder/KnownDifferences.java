package dev.kvmguest.maven.decoder;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Where the decoder and LLVM may differ, read from {@code llvm-differences.txt}; how it is written is said there. */
final class KnownDifferences {

    /** What may differ. */
    enum Kind {
        ANY,
        LLVM_REJECTS,
        LLVM_ACCEPTS,
        NAME,
        OPERANDS
    }

    private record Rule(Kind kind, Pattern pattern, String line) {

        static Rule of(String line) {
            String[] columns = line.split(" \\| ");
            if (columns.length != 3) {
                throw new IllegalArgumentException("not KIND | PATTERN | REASON: " + line);
            }
            return new Rule(Kind.valueOf(columns[0].strip()), Pattern.compile(columns[1].strip()), line);
        }
    }

    private final List<Rule> rules = new ArrayList<>();
    private final Set<Rule> used = new LinkedHashSet<>();

    KnownDifferences() throws IOException {
        try (InputStream text = KnownDifferences.class.getResourceAsStream("llvm-differences.txt")) {
            new String(text.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .map(Rule::of)
                    .forEach(rules::add);
        }
    }

    /** Returns whether this may be. */
    boolean allow(Kind kind, String subject) {
        for (Rule rule : rules) {
            if (rule.kind == kind && rule.pattern.matcher(subject).matches()) {
                used.add(rule);
                return true;
            }
        }
        return false;
    }

    /** Returns the lines that nothing has needed. */
    List<String> unused() {
        return rules.stream()
                .filter(rule -> !used.contains(rule))
                .map(Rule::line)
                .toList();
    }
}
