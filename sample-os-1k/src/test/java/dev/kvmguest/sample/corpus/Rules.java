package dev.kvmguest.sample.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Which rule of the diagnosis an advice is from, as {@code rules.txt} tells, so that reports needn't repeat its words. */
final class Rules {

    private record Words(String rule, Pattern pattern) {}

    private final List<Words> known = new ArrayList<>();

    Rules(Path file) throws IOException {
        for (String line : Files.readAllLines(file)) {
            if (!line.startsWith("#")) {
                String[] parts = line.split(" +", 2);
                known.add(new Words(parts[0], Pattern.compile(parts[1])));
            }
        }
    }

    /** Returns the rules that gave these advices, in their order. */
    List<String> of(List<String> advice) {
        return advice.stream().map(this::of).toList();
    }

    private String of(String advice) {
        List<String> rules = known.stream()
                .filter(words -> words.pattern.matcher(advice).find())
                .map(Words::rule)
                .distinct()
                .toList();
        assertThat(rules).as("the rule in rules.txt that says: %s", advice).hasSize(1);
        return rules.get(0);
    }
}
