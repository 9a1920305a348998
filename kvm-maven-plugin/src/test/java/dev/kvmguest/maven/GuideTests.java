package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.image.GuestTestCase;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * The tables of the guide have each element that a guest, a check and a port can have, with the words and the default
 * of its class and an example that the plugin takes. The example of a whole guest has each element, too.
 */
class GuideTests {

    @TempDir
    private Path project;

    @ParameterizedTest
    @ValueSource(classes = {Guest.class, Check.class, Check.Port.class})
    void tableHasEveryElementWithTheWordsOfItsClass(Class<?> type) throws IOException {
        Map<String, String> comments = ElementComments.of(type);
        assertThat(comments.keySet()).containsExactlyElementsOf(elements(type));
        List<String> expected = comments.entrySet().stream()
                .map(element -> element.getKey() + ": " + GuideTable.cells(element.getKey(), element.getValue()))
                .toList();

        assertThat(table(type).rows().entrySet().stream()
                        .map(row -> row.getKey() + ": " + row.getValue().subList(0, 2)))
                .containsExactlyElementsOf(expected);
    }

    @ParameterizedTest
    @ValueSource(classes = {Guest.class, Check.class, Check.Port.class})
    void defaultsOfTheTableAreThoseOfTheClass(Class<?> type) throws Exception {
        Object initial = type.getDeclaredConstructor().newInstance();
        GuideTable table = table(type);

        for (String element : elements(type)) {
            Object value = type.getDeclaredField(element).get(initial);
            if (value instanceof String || value instanceof Boolean) {
                assertThat(table.rows().get(element).get(1)).as(element).isEqualTo("`" + value + "`");
            }
        }
    }

    static Stream<Arguments> examples() throws IOException {
        List<Arguments> examples = new ArrayList<>();
        for (Class<?> type : List.of(Guest.class, Check.class, Check.Port.class)) {
            table(type)
                    .rows()
                    .forEach((element, cells) ->
                            examples.add(Arguments.of(type, element, cells.size() < 3 ? "" : cells.get(2))));
        }
        return examples.stream();
    }

    @ParameterizedTest
    @MethodSource("examples")
    void pluginTakesTheExampleOfEachElement(Class<?> type, String element, String example) throws Exception {
        assertThat(example).as("example of " + element).matches("(?s)`<" + element + ">.+</" + element + ">`");
        Guest guest = new Guest();
        guest.id = "kernel";
        guest.boot = "multiboot";
        Check check = new Check();
        Check.Port port = new Check.Port();
        port.number = "0x80";
        fill(type == Guest.class ? guest : type == Check.class ? check : port, xml(example.replace("`", "")));
        if (type == Check.Port.class) {
            port.text = port.text == null && port.hex == null ? "a" : port.text;
            check.ports = List.of(port);
        }
        if (guest.checks.isEmpty()) {
            guest.checks = List.of(check);
        }
        if (guest.sources == null && guest.image == null) {
            guest.sources = file("src/main/guest/kernel");
            for (String exclude : guest.excludes) {
                file("src/main/guest/kernel/" + exclude);
            }
        }

        assertThatCode(() -> {
                    new GuestParameters(project).read(List.of(guest));
                    new GuestParameters(project).readImages(List.of(guest));
                    CheckParameters.read(
                            List.of(guest),
                            EngineChoice.AUTO,
                            id -> List.of(new GuestTestCase(0, "t", "t.c", 1)),
                            false);
                })
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(classes = {Guest.class, Check.class, Check.Port.class})
    void guideShowsHowEveryElementIsUsedInAGuest(Class<?> type) throws IOException {
        String guide = Files.readString(GuideTable.GUIDE);
        String example = guide.substring(guide.indexOf("## All elements at once"), guide.indexOf("## The parameters"));

        assertThat(elements(type)).allSatisfy(element -> assertThat(example).contains("<" + element + ">"));
    }

    private static GuideTable table(Class<?> type) throws IOException {
        String tag = type.getSimpleName().toLowerCase(Locale.ROOT);
        return GuideTable.read("| Element of `<" + tag + ">` | What it says | Default | Example |");
    }

    private static List<String> elements(Class<?> type) {
        return Arrays.stream(type.getDeclaredFields())
                .filter(field -> !field.isSynthetic())
                .map(Field::getName)
                .toList();
    }

    private static Element xml(String text) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)))
                .getDocumentElement();
    }

    /** Sets the field that an element is for, as Maven would. */
    private void fill(Object object, Element element) throws Exception {
        Field field = object.getClass().getDeclaredField(element.getNodeName());
        field.set(object, value(field.getGenericType(), element));
    }

    private Object value(Type type, Element element) throws Exception {
        if (type instanceof ParameterizedType list) {
            List<Object> values = new ArrayList<>();
            for (Element child : children(element)) {
                values.add(value(list.getActualTypeArguments()[0], child));
            }
            return values;
        }
        if (type == String.class) {
            return element.getTextContent();
        }
        if (type == boolean.class) {
            assertThat(element.getTextContent()).isIn("true", "false");
            return Boolean.valueOf(element.getTextContent());
        }
        if (type == File.class) {
            return file(element.getTextContent());
        }
        Object object = ((Class<?>) type).getDeclaredConstructor().newInstance();
        for (Element child : children(element)) {
            fill(object, child);
        }
        return object;
    }

    private static List<Element> children(Element element) {
        List<Element> children = new ArrayList<>();
        for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element child) {
                children.add(child);
            }
        }
        return children;
    }

    /** Makes a file of the project, or a folder if its name has no extension, as the example expects it there. */
    private File file(String name) throws IOException {
        Path file = project.resolve(name);
        if (file.getFileName().toString().contains(".")) {
            Files.createDirectories(file.getParent());
            // An image that halts.
            Files.write(file, new byte[] {(byte) 0xf4});
        } else {
            Files.createDirectories(file);
            Files.writeString(file.resolve("main.c"), "");
        }
        return file.toFile();
    }
}
