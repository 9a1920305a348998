package dev.kvmguest.vmm.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Host;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.doctor.HostReport;
import dev.kvmguest.vmm.doctor.HostSection;
import dev.kvmguest.vmm.internal.board.PortNames;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The tables and links of the project's pages agree with the code. */
class DocumentationTests {

    private static final String README = "README.md";
    private static final String GUESTS = "docs/guests.md";
    private static final String DOCTOR = "docs/doctor.md";
    private static final String MAVEN = "docs/maven.md";
    private static final String HOW_IT_WORKS = "docs/internals/how-it-works.md";
    private static final String CONTRIBUTING = "CONTRIBUTING.md";
    private static final String CHANGELOG = "CHANGELOG.md";
    private static final String INTERNAL = "vmm-runtime/src/main/java/dev/kvmguest/vmm/internal/";

    private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
    private static final Pattern PORTS = Pattern.compile("0x([0-9A-F]+)(?:-0x([0-9A-F]+))?");

    @Test
    void theGuideHasEveryPort() throws IOException {
        Set<Integer> documented = new TreeSet<>();
        for (String cell : Repository.firstCells(GUESTS, "| Port | The guest does |", 0)) {
            Matcher ports = PORTS.matcher(cell);
            while (ports.find()) {
                int first = Integer.parseInt(ports.group(1), 16);
                int last = ports.group(2) == null ? first : Integer.parseInt(ports.group(2), 16);
                IntStream.rangeClosed(first, last).forEach(documented::add);
            }
        }

        assertThat(documented)
                .containsExactlyInAnyOrderElementsOf(IntStream.rangeClosed(0, 0xffff)
                        .filter(port -> PortNames.of(port).isPresent())
                        .boxed()
                        .toList());
    }

    @Test
    void theGuideHasEveryBootModeOutcomeAndEngine() throws IOException {
        assertThat(Repository.quotedInFirstCells(GUESTS, "| Boot mode |", 0))
                .containsExactlyElementsOf(
                        Arrays.stream(BootMode.values()).map(BootMode::id).toList());
        assertThat(Repository.quotedInFirstCells(GUESTS, "| Outcome |", 0))
                .containsExactlyElementsOf(Arrays.stream(Outcome.Kind.values())
                        .map(Outcome.Kind::id)
                        .toList());
        assertThat(Repository.quotedInFirstCells(GUESTS, "| Engine |", 0))
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(EngineChoice.values())
                        .filter(engine -> engine != EngineChoice.AUTO)
                        .map(EngineChoice::id)
                        .toList());
    }

    @Test
    void theGuideHasEverySectionOfAHostsReport() throws IOException {
        List<String> sections = new ArrayList<>(
                Host.report().sections().stream().map(HostSection::id).toList());
        // The plugin adds it.
        sections.add(sections.indexOf(HostReport.PROGRAMS) + 1, "maven");

        assertThat(Repository.quotedInFirstCells(DOCTOR, "| Section |", 0)).isEqualTo(sections);
    }

    @Test
    void theGuideHasEveryGoal() throws IOException {
        List<String> goals = new ArrayList<>(List.of("kvm:help"));
        Matcher mojos = Pattern.compile("@Mojo\\(\\s*name = \"(\\w+)\"")
                .matcher(sources("kvm-maven-plugin/src/main/java/dev/kvmguest/maven"));
        while (mojos.find()) {
            goals.add("kvm:" + mojos.group(1));
        }

        assertThat(Repository.firstCells(MAVEN, "| Goal |", 0).stream()
                        .map(cell -> Repository.quoted(cell).get(0)))
                .containsExactlyInAnyOrderElementsOf(goals);
    }

    @Test
    void thePluginNamesEveryBootModeWhereItCanBeChosen() throws IOException {
        String all = Arrays.stream(BootMode.values())
                .map(mode -> "{@code " + mode.id() + "}")
                .collect(Collectors.joining(", "))
                .replaceFirst(", ([^,]*)$", " or $1");

        for (String file : List.of(
                "BisectMojo.java",
                "BootMojo.java",
                "BundleMojo.java",
                "CompareMojo.java",
                "ExportMojo.java",
                "Guest.java",
                "InitMojo.java")) {
            assertThat(Repository.read("kvm-maven-plugin/src/main/java/dev/kvmguest/maven/" + file)
                            .replaceAll("\\s*\\n\\s*\\*\\s*", " "))
                    .as(file)
                    .contains(all);
        }
    }

    @Test
    void everyRuleIsExplained() throws IOException {
        assertThat(new TreeSet<>(Repository.quotedInFirstCells(HOW_IT_WORKS, "| Rules |", 0)))
                .isEqualTo(rules("advice/Advice.java"));
        assertThat(new TreeSet<>(Repository.quotedInFirstCells(HOW_IT_WORKS, "| Rules |", 1)))
                .isEqualTo(rules("advice/hang/HangAdvice.java"));
        assertThat(new TreeSet<>(Repository.quotedInFirstCells(HOW_IT_WORKS, "| Rules of what led there |", 0)))
                .isEqualTo(rules("advice/past/PastAdvice.java"));
    }

    @Test
    void thePropertiesOfTestsAreThoseThatTheCodeReads() throws IOException {
        Set<String> documented = new TreeSet<>();
        for (String cell : Repository.firstCells("docs/internals/testing.md", "| Property (`-D`) |", 0)) {
            String prefix = "";
            for (String name : Repository.quoted(cell)) {
                documented.add(prefix.isEmpty() ? name : prefix + name);
                prefix = prefix.isEmpty() ? name.substring(0, name.lastIndexOf('.')) : prefix;
            }
        }
        Set<String> read = new TreeSet<>();
        for (String tree : List.of(
                "vmm-runtime/src", "junit-kvm-extension/src", "kvm-maven-plugin/src", "sample-os-1k/src/test/java")) {
            Matcher names = Pattern.compile("\"(kvmguest\\.[a-z.-]*[a-z])\"").matcher(sources(tree));
            while (names.find()) {
                read.add(names.group(1));
            }
        }
        // A header's name, and what the POM tells the extension's tests about their JUnit.
        read.removeAll(Set.of("kvmguest.h", "kvmguest.test.jupiter"));

        assertThat(documented).isEqualTo(read);
    }

    @Test
    void theTreeOfFoldersHasEveryPackage() throws IOException {
        Set<Path> packages = new TreeSet<>();
        for (String module : List.of("vmm-runtime", "kvm-maven-plugin")) {
            try (Stream<Path> files = Files.walk(Repository.ROOT.resolve(module).resolve("src/main/java"))) {
                files.filter(file -> file.endsWith("package-info.java"))
                        .map(file -> Repository.ROOT.relativize(file.getParent()))
                        .forEach(packages::add);
            }
        }

        Set<Path> tree = tree();

        assertThat(tree).containsAll(packages);
        assertThat(tree).allMatch(folder -> Files.isDirectory(Repository.ROOT.resolve(folder)));
    }

    static List<String> pages() throws IOException {
        List<String> pages = new ArrayList<>(List.of(README, CONTRIBUTING, CHANGELOG, "sample-os-1k/README.md"));
        pages.addAll(guideAndInternals());
        return pages;
    }

    static List<String> guideAndInternals() throws IOException {
        try (Stream<Path> files = Files.walk(Repository.ROOT.resolve("docs"))) {
            return files.filter(file -> file.toString().endsWith(".md"))
                    .map(file -> Repository.ROOT.relativize(file).toString().replace('\\', '/'))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void theReadmeIsShortAndLeadsToEveryPage() throws IOException {
        String readme = Repository.read(README);

        assertThat(readme.lines()).hasSizeLessThanOrEqualTo(200);
        assertThat(LINK.matcher(readme).results().map(link -> link.group(1)).toList())
                .containsAll(guideAndInternals());
    }

    /** Tables need longer lines; what programs write and read is as it is. */
    @ParameterizedTest
    @MethodSource("guideAndInternals")
    void linesHave120ColumnsAtMost(String page) throws IOException {
        boolean code = false;
        List<String> tooLong = new ArrayList<>();
        for (String line : Files.readAllLines(Repository.ROOT.resolve(page))) {
            code ^= line.startsWith("```");
            if (!code && !line.startsWith("|") && !line.startsWith("    ") && line.length() > 120) {
                tooLong.add(line);
            }
        }

        assertThat(tooLong).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("pages")
    void everyLinkLeadsSomewhere(String page) throws IOException {
        Path file = Repository.ROOT.resolve(page);
        List<String> broken = new ArrayList<>();
        Matcher links = LINK.matcher(Files.readString(file));
        while (links.find()) {
            String link = links.group(1);
            if (!link.startsWith("https://") && !leadsSomewhere(file, link)) {
                broken.add(link);
            }
        }

        assertThat(broken).isEmpty();
    }

    /** Returns the folders of the tree in CONTRIBUTING, in which a folder is indented further than the one it is in. */
    private static Set<Path> tree() throws IOException {
        String tree = Repository.read(CONTRIBUTING).replaceFirst("(?s).*## The folders\n+```\n(.*?)```.*", "$1");
        Set<Path> folders = new TreeSet<>();
        NavigableMap<Integer, Path> open = new TreeMap<>(Map.of(-1, Path.of("")));
        for (String line : tree.lines().toList()) {
            int indent = line.length() - line.stripLeading().length();
            open.tailMap(indent, true).clear();
            Path parent = open.lastEntry().getValue();
            for (String name : line.strip().split("  ")[0].split(" ")) {
                if (name.endsWith("/")) {
                    open.put(indent, parent.resolve(name));
                    folders.add(parent.resolve(name));
                }
            }
        }
        return folders;
    }

    private static boolean leadsSomewhere(Path page, String link) throws IOException {
        String[] parts = link.split("#", 2);
        Path target = parts[0].isEmpty() ? page : page.resolveSibling(parts[0]);
        return Files.exists(target) && (parts.length == 1 || anchors(target).contains(parts[1]));
    }

    /** Returns the anchors of a page's headings, as GitHub makes them. */
    private static Set<String> anchors(Path page) throws IOException {
        return Files.readString(page)
                .lines()
                .filter(line -> line.startsWith("#"))
                .map(line -> line.replaceFirst("#+ ", "")
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^a-z0-9 _-]", "")
                        .replace(' ', '-'))
                .collect(Collectors.toSet());
    }

    /** Returns the classes whose methods a list of rules refers to. */
    private static Set<String> rules(String file) throws IOException {
        Set<String> classes = new TreeSet<>();
        Matcher rules = Pattern.compile("(?m)^ {12}(?:(?:ifNoHandlerTookIt|ofOwnStack)\\()?(\\w+)::\\w+[,)]")
                .matcher(Repository.read(INTERNAL + file));
        while (rules.find()) {
            classes.add(rules.group(1));
        }
        return classes;
    }

    private static String sources(String tree) throws IOException {
        try (Stream<Path> files = Files.walk(Repository.ROOT.resolve(tree))) {
            StringBuilder text = new StringBuilder();
            for (Path file :
                    files.filter(path -> path.toString().endsWith(".java")).toList()) {
                text.append(Files.readString(file));
            }
            return text.toString();
        }
    }
}
