package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/** The guide's tables of goals and of their parameters are what the plugin's descriptor has. */
class GoalTableTests {

    /** Written by the Maven plugin for plugins, whose words and defaults these are. */
    private static final String HELP = "help";

    /** Returns each goal of the descriptor, by its name. */
    private static Map<String, Element> descriptor() throws Exception {
        try (InputStream in = GoalTableTests.class.getResourceAsStream("/META-INF/maven/plugin.xml")) {
            assertThat(in)
                    .as("the descriptor, which mvn process-classes writes")
                    .isNotNull();
            Element plugin = DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(in)
                    .getDocumentElement();
            Map<String, Element> goals = new LinkedHashMap<>();
            children(child(plugin, "mojos")).forEach(mojo -> goals.put(text(mojo, "goal"), mojo));
            return goals;
        }
    }

    static List<String> goals() throws Exception {
        return List.copyOf(descriptor().keySet());
    }

    @Test
    void tableHasEveryGoalWithItsPhase() throws Exception {
        Map<String, String> expected = new LinkedHashMap<>();
        descriptor()
                .forEach((goal, mojo) -> expected.put(
                        "kvm:" + goal, child(mojo, "phase") == null ? "none" : "`" + text(mojo, "phase") + "`"));
        Map<String, String> documented = new LinkedHashMap<>();
        GuideTable.read("| Goal | Phase | What it does |")
                .rows()
                .forEach((goal, cells) -> documented.put(goal, cells.get(0)));

        assertThat(documented).containsExactlyInAnyOrderEntriesOf(expected);
    }

    @ParameterizedTest
    @MethodSource("goals")
    void tableHasEveryParameterOfTheGoal(String goal) throws Exception {
        List<String> expected = new ArrayList<>();
        Element mojo = descriptor().get(goal);
        for (Element parameter : children(child(mojo, "parameters"))) {
            if (text(parameter, "editable").equals("true")) {
                String name = text(parameter, "name");
                Element value = child(child(mojo, "configuration"), name);
                expected.add(name + ": " + cells(goal, text(parameter, "description"), value));
            }
        }

        assertThat(rows(goal)).containsExactlyElementsOf(expected);
    }

    /** Returns the rows of a goal's table, without code style, which the descriptor doesn't have. */
    private static List<String> rows(String goal) throws IOException {
        List<String> rows = new ArrayList<>();
        GuideTable.read("| Parameter of `kvm:" + goal + "` | Property | Default | What it does |")
                .rows()
                .forEach(
                        (name, cells) -> rows.add(name + ": " + cells.toString().replace("`", "")));
        return rows;
    }

    /**
     * Returns the property, the default and the words for a parameter.
     *
     * @param value where the value comes from; null if only from the POM
     */
    private static List<String> cells(String goal, String description, Element value) {
        String property = value == null || value.getTextContent().isEmpty()
                ? "none"
                : value.getTextContent().replaceAll("^\\$\\{(.*)}$", "$1");
        String words = words(description);
        if (value != null && value.hasAttribute("default-value")) {
            return List.of(property, value.getAttribute("default-value"), words);
        }
        if (!words.contains(" Default: ") && (goal.equals(HELP) || value == null)) {
            return List.of(property, "none", words);
        }
        List<String> cells = GuideTable.cells(goal, words);
        return List.of(property, cells.get(1), cells.get(0));
    }

    /** Returns a description in one line, without the list of elements, which has tables of its own. */
    private static String words(String description) {
        int list = description.indexOf("\n*");
        String words = (list < 0 ? description : description.substring(0, list))
                .replaceAll("\\s+", " ")
                .strip();
        return list < 0 ? words : words.substring(0, words.lastIndexOf(". ") + 1);
    }

    private static String text(Element parent, String name) {
        return child(parent, name).getTextContent();
    }

    /** Returns the child of this name; null if there is none. */
    private static Element child(Element parent, String name) {
        return children(parent).stream()
                .filter(child -> child.getNodeName().equals(name))
                .findFirst()
                .orElse(null);
    }

    private static List<Element> children(Element parent) {
        List<Element> children = new ArrayList<>();
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element child) {
                children.add(child);
            }
        }
        return children;
    }
}
