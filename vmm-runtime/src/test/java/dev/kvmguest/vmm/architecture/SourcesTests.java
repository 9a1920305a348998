package dev.kvmguest.vmm.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the formatter and the compiler don't check in the sources of all modules. */
class SourcesTests {

    private static final int WIDTH = 120;
    private static final String PACKAGE_INFO = "package-info.java";

    @Test
    void commentsFitTheWidthOfTheCode() throws IOException {
        List<String> tooWide = new ArrayList<>();
        for (Path file : mainSources()) {
            List<String> lines = Files.readAllLines(file);
            for (int i = 0; i < lines.size(); i++) {
                String text = lines.get(i).strip();
                boolean comment = text.startsWith("/*") || text.startsWith("*") || text.startsWith("//");
                if (comment && lines.get(i).length() > WIDTH) {
                    tooWide.add(file + ":" + (i + 1));
                }
            }
        }

        assertThat(tooWide).as("comments over " + WIDTH + " columns").isEmpty();
    }

    @Test
    void everyPackageSaysWhatItIsFor() throws IOException {
        List<Path> undescribed = mainSources().stream()
                .filter(file -> !file.endsWith("module-info.java"))
                .map(Path::getParent)
                .distinct()
                .filter(folder -> Files.notExists(folder.resolve(PACKAGE_INFO)))
                .toList();

        assertThat(undescribed).as("packages without a " + PACKAGE_INFO).isEmpty();
    }

    private static List<Path> mainSources() throws IOException {
        List<Path> sources = new ArrayList<>();
        for (String module : Repository.MODULES_WITH_MAIN_SOURCES) {
            try (Stream<Path> files = Files.walk(Repository.ROOT.resolve(module).resolve("src/main/java"))) {
                files.filter(file -> file.toString().endsWith(".java")).forEach(sources::add);
            }
        }
        assertThat(sources).hasSizeGreaterThan(300);
        return sources;
    }
}
