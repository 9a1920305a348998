package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * kvm:help knows the parameters of goals, and nothing of the classes that Maven makes of them. The elements of guests
 * and checks are therefore listed in the comments of the parameters, as they are in those classes.
 */
class ElementHelpTests {

    private static final Path SOURCES = Path.of("src/main/java/dev/kvmguest/maven");
    private static final Pattern FIELD =
            Pattern.compile("/\\*\\*((?:(?!\\*/).)*)\\*/\\s*[\\w<>]+ (\\w+)(?: = [^;]*)?;", Pattern.DOTALL);

    static Stream<Arguments> elements() {
        return Stream.of(
                Arguments.of("AssembleMojo.java", "Guest.java", Guest.class),
                Arguments.of("CheckMojo.java", "Check.java", Check.class),
                Arguments.of("CheckMojo.java", "Check.java", Check.Port.class));
    }

    @ParameterizedTest
    @MethodSource("elements")
    void helpHasEachElementAsItsClassHasIt(String goal, String source, Class<?> type) throws IOException {
        String help = words(read(goal));
        List<String> items = FIELD.matcher(body(read(source), type))
                .results()
                .map(field -> "<li>{@code " + field.group(2) + "}: " + words(field.group(1)) + "</li>")
                .toList();

        assertThat(items).hasSameSizeAs(type.getDeclaredFields());
        assertThat(items).allSatisfy(item -> assertThat(help).contains(item));
    }

    private static String read(String file) throws IOException {
        return Files.readString(SOURCES.resolve(file));
    }

    /** Returns the source of a class, without that of the nested one, which is the last of it. */
    private static String body(String source, Class<?> type) {
        String own = source.substring(source.indexOf("class " + type.getSimpleName()));
        int nested = own.indexOf("public static class ");
        return nested < 0 ? own : own.substring(0, own.lastIndexOf("/**", nested));
    }

    /** Returns a comment's text in one line, with links as the names that they show. */
    private static String words(String comment) {
        return comment.replaceAll("\\n\\s*\\*", " ")
                .replaceAll("\\s+", " ")
                .replaceAll("\\{@link \\w*#(\\w+)}", "{@code $1}")
                .trim();
    }
}
