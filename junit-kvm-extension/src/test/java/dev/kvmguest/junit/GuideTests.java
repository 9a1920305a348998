package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.lang.annotation.Annotation;
import java.lang.reflect.Executable;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The tables of the guide have what the classes have, and nothing else. */
class GuideTests {

    private static final Path GUIDE = Path.of("..", "docs", "junit.md");
    private static final Path CLASSES = Path.of("target", "classes", "dev", "kvmguest", "junit");
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");
    private static final Pattern IMPORT = Pattern.compile("(?m)^import (dev\\.kvmguest[\\w.]*);$");
    private static final Pattern TYPE = Pattern.compile("dev\\.kvmguest(?:\\.[a-z]+)+\\.[A-Z]\\w*");

    /** Returns the public classes of the extension. */
    static List<Class<?>> types() throws IOException {
        try (Stream<Path> files = Files.list(CLASSES)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.matches("[A-Z]\\w*\\.class"))
                    .<Class<?>>map(name -> type("dev.kvmguest.junit." + name.replace(".class", "")))
                    .filter(type -> Modifier.isPublic(type.getModifiers()))
                    .toList();
        }
    }

    static List<Class<?>> annotations() throws IOException {
        return types().stream().filter(Class::isAnnotation).toList();
    }

    private static Class<?> type(String name) {
        try {
            return Class.forName(name);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns the rows of the table with this first header cell, as cells. */
    private static List<String[]> rows(String header) throws IOException {
        List<String> lines = Files.readAllLines(GUIDE);
        int start = lines.indexOf(lines.stream()
                .filter(line -> line.startsWith("| " + header + " |"))
                .findFirst()
                .orElseThrow(() -> new AssertionError(GUIDE + " has no table \"" + header + "\"")));
        return lines.subList(start + 2, lines.size()).stream()
                .takeWhile(line -> line.startsWith("|"))
                .map(line -> line.substring(1).split("\\|"))
                .toList();
    }

    /** Returns what is in code style in the first cells of a table; of parameters only the types. */
    private static Set<String> documented(String header) throws IOException {
        return rows(header).stream()
                .flatMap(row -> CODE.matcher(row[0]).results())
                .map(code -> code.group(1).replaceAll(" \\w+(?=[,)])", ""))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Stream<Method> publicMethods(Class<?> type) {
        return Arrays.stream(type.getDeclaredMethods())
                .filter(method -> Modifier.isPublic(method.getModifiers()) && !method.isSynthetic());
    }

    /** Returns the names of an annotation's attributes. */
    private static Set<String> attributes(Class<?> annotation) {
        return publicMethods(annotation).map(Method::getName).collect(Collectors.toCollection(TreeSet::new));
    }

    private static String signature(Method method) {
        String types = Arrays.stream(method.getParameterTypes())
                .map(Class::getSimpleName)
                .collect(Collectors.joining(", "));
        return method.getName() + "(" + (method.isVarArgs() ? types.replaceFirst("\\[]$", "...") : types) + ")";
    }

    @ParameterizedTest
    @CsvSource({
        "Method of `Guest`, dev.kvmguest.junit.Guest",
        "Method of `GuestTests`, dev.kvmguest.junit.GuestTests",
        "Start, dev.kvmguest.junit.GuestAssertions",
        "Start, dev.kvmguest.junit.GuestSoftAssertionsProvider",
        "Assertion on an `Outcome`, dev.kvmguest.junit.OutcomeAssert",
        "Assertion on a fault, dev.kvmguest.junit.FaultAssert",
        "Assertion on a `Guest`, dev.kvmguest.junit.GuestAssert",
        "Assertion on a `GuestComparison`, dev.kvmguest.junit.GuestComparisonAssert",
        "Assertion on a `Screen`, dev.kvmguest.junit.ScreenAssert"
    })
    void tableHasEveryMethod(String header, Class<?> type) throws IOException {
        Set<String> signatures = publicMethods(type)
                .filter(method -> !method.getName().equals("toString"))
                .map(GuideTests::signature)
                .collect(Collectors.toCollection(TreeSet::new));

        assertThat(documented(header)).isEqualTo(signatures);
    }

    @ParameterizedTest
    @MethodSource("annotations")
    void tableHasEveryAttributeOfEachAnnotation(Class<? extends Annotation> annotation) throws IOException {
        Set<String> documented = documented("Attribute of `@" + annotation.getSimpleName() + "`");
        if (annotation == GuestTest.class) {
            documented.addAll(documented("Attribute of `@KvmGuest`"));
            documented.remove("value");
        }

        assertThat(documented).isEqualTo(attributes(annotation));
    }

    @ParameterizedTest
    @MethodSource("annotations")
    void everyAttributeHasADefaultAndAMeaning(Class<? extends Annotation> annotation) throws IOException {
        assertThat(rows("Attribute of `@" + annotation.getSimpleName() + "`"))
                .allSatisfy(row -> assertThat(row).hasSize(3).noneMatch(String::isBlank));
    }

    /** Takes each kind of parameter. */
    @SuppressWarnings("unused")
    private static void takesAll(Guest guest, Outcome outcome, List<Outcome> outcomes, GuestTests tests) {}

    @Test
    void tableHasEveryParameterThatATestCanTake() throws IOException, NoSuchMethodException {
        Method method = GuideTests.class.getDeclaredMethod(
                "takesAll", Guest.class, Outcome.class, List.class, GuestTests.class);
        assertThat(GuestParameter.of(method)).isEqualTo(EnumSet.allOf(GuestParameter.class));

        assertThat(documented("A test takes"))
                .isEqualTo(Arrays.stream(method.getGenericParameterTypes())
                        .map(GuideTests::name)
                        .collect(Collectors.toCollection(TreeSet::new)));
    }

    private static String name(Type type) {
        return type instanceof ParameterizedType list
                ? ((Class<?>) list.getRawType()).getSimpleName() + "<" + name(list.getActualTypeArguments()[0]) + ">"
                : ((Class<?>) type).getSimpleName();
    }

    @Test
    void everyPublicClassIsMentioned() throws IOException {
        String guide = Files.readString(GUIDE);

        assertThat(types().stream()
                        .map(Class::getSimpleName)
                        .filter(name -> !guide.contains("`" + name + "`") && !guide.contains("`@" + name + "`")))
                .isEmpty();
    }

    @Test
    void theImportsAreThoseOfEveryTypeThatTestsMeet() throws IOException {
        Set<String> met = new TreeSet<>();
        for (Class<?> type : types()) {
            met.add(type.getName());
            Stream.concat(publicMethods(type), Arrays.stream(type.getConstructors()))
                    .map(Executable::toGenericString)
                    .flatMap(signature -> TYPE.matcher(signature).results())
                    .map(MatchResult::group)
                    .forEach(met::add);
        }
        String guide = Files.readString(GUIDE);
        String imports = guide.substring(guide.indexOf("## Imports"), guide.indexOf("## Three kinds of test"));

        assertThat(IMPORT.matcher(imports).results().map(line -> line.group(1))).containsExactlyElementsOf(met);
    }
}
