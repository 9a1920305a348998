package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tables of the guide have each element that a guest, a check and a port can have, and so has its example. */
class GuideTests {

    private static final Path GUIDE = Path.of("..", "docs", "maven.md");

    @ParameterizedTest
    @CsvSource({
        "Element of `<guest>`, dev.kvmguest.maven.Guest",
        "Element of `<check>`, dev.kvmguest.maven.Check",
        "Element of `<port>`, dev.kvmguest.maven.Check$Port"
    })
    void tableHasEveryElement(String header, Class<?> type) throws IOException {
        List<String> lines = Files.readAllLines(GUIDE);
        int table = lines.indexOf("| " + header + " | What it says |");
        Set<String> documented = lines.subList(table + 2, lines.size()).stream()
                .takeWhile(line -> line.startsWith("|"))
                .map(line -> line.split("`")[1])
                .collect(Collectors.toCollection(TreeSet::new));

        assertThat(documented).isEqualTo(elements(type));
    }

    @ParameterizedTest
    @CsvSource({"dev.kvmguest.maven.Guest", "dev.kvmguest.maven.Check", "dev.kvmguest.maven.Check$Port"})
    void guideShowsHowEveryElementIsUsed(Class<?> type) throws IOException {
        String guide = Files.readString(GUIDE);

        assertThat(elements(type)).allSatisfy(element -> assertThat(guide).contains("<" + element + ">"));
    }

    private static Set<String> elements(Class<?> type) {
        return Arrays.stream(type.getDeclaredFields())
                .filter(field -> !field.isSynthetic())
                .map(Field::getName)
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
