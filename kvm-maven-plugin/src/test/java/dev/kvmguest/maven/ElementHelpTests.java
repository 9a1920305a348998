package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * kvm:help knows the parameters of goals, and nothing of the classes that Maven makes of them. The elements of guests
 * and checks are therefore listed in the comments of the parameters, as they are in those classes.
 */
class ElementHelpTests {

    static Stream<Arguments> elements() {
        return Stream.of(
                Arguments.of("AssembleMojo", Guest.class),
                Arguments.of("CheckMojo", Check.class),
                Arguments.of("CheckMojo", Check.Port.class));
    }

    @ParameterizedTest
    @MethodSource("elements")
    void helpHasEachElementAsItsClassHasIt(String goal, Class<?> type) throws IOException {
        String help = ElementComments.words(ElementComments.source(goal));
        List<String> items = ElementComments.of(type).entrySet().stream()
                .map(element -> "<li>{@code " + element.getKey() + "}: " + element.getValue() + "</li>")
                .toList();

        assertThat(items).hasSameSizeAs(type.getDeclaredFields());
        assertThat(items).allSatisfy(item -> assertThat(help).contains(item));
    }
}
