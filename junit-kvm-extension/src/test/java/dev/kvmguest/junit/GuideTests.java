package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tables of the guide have what the classes have. */
class GuideTests {

    private static final Path GUIDE = Path.of("..", "docs", "junit.md");
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");

    /** Returns what is in code style in the first cells of the table with this first header cell. */
    private static Set<String> names(String header) throws IOException {
        List<String> lines = Files.readAllLines(GUIDE);
        int start = lines.indexOf(lines.stream()
                .filter(line -> line.startsWith("| " + header + " |"))
                .findFirst()
                .orElseThrow());
        return lines.subList(start + 2, lines.size()).stream()
                .takeWhile(line -> line.startsWith("|"))
                .flatMap(line -> CODE.matcher(line.split(" \\| ")[0]).results())
                .map(MatchResult::group)
                .map(name -> name.replace("`", ""))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> methods(Class<?> type) {
        return Arrays.stream(type.getDeclaredMethods())
                .filter(method -> Modifier.isPublic(method.getModifiers())
                        && !Modifier.isStatic(method.getModifiers())
                        && !method.isSynthetic()
                        && !method.getName().equals("toString"))
                .map(Method::getName)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @ParameterizedTest
    @CsvSource({
        "Attribute of `@KvmGuest`, dev.kvmguest.junit.KvmGuest",
        "Method of `Guest`, dev.kvmguest.junit.Guest",
        "Assertion on an `Outcome`, dev.kvmguest.junit.OutcomeAssert",
        "Assertion on a fault, dev.kvmguest.junit.FaultAssert",
        "Assertion on a `Guest`, dev.kvmguest.junit.GuestAssert",
        "Assertion on a `Screen`, dev.kvmguest.junit.ScreenAssert"
    })
    void tableHasEveryMethod(String header, Class<?> type) throws IOException {
        assertThat(names(header)).isEqualTo(methods(type));
    }

    @Test
    void guestTestHasWhatKvmGuestHasAndMore() throws IOException {
        Set<String> documented = names("Attribute of `@KvmGuest`");
        documented.remove("value");
        documented.addAll(names("Attribute of `@GuestTest`"));

        assertThat(documented).isEqualTo(methods(GuestTest.class));
    }
}
