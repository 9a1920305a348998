package dev.kvmguest.maven.init;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import javax.lang.model.SourceVersion;

/** A project that tests a kernel: one that is there already, or a small one that comes with it. */
public final class ProjectTemplate {

    private static final String DEFAULT_ID = "kernel";
    private static final String NEW_KERNEL = "src/main/guest/" + DEFAULT_ID + "/";
    private static final List<String> MAKEFILES = List.of("GNUmakefile", "makefile", "Makefile");

    private final Path folder;
    private final String group;

    /**
     * Creates the template of a project.
     *
     * @param folder the project's folder
     * @param group the project's group, which is the test's package too
     * @throws InitException if the group is no name of a package
     */
    public ProjectTemplate(Path folder, String group) throws InitException {
        this.folder = folder.toAbsolutePath().normalize();
        this.group = group;
        if (!SourceVersion.isName(group)) {
            throw new InitException(
                    "groupId \"" + group + "\" is also the name of the test's package, and can't be that;"
                            + " write one such as org.example");
        }
    }

    /**
     * What was made.
     *
     * @param files the files that were written, relative to the folder
     * @param kernel what is known of a kernel that was there already, and to be told
     * @param warning what a boot loader overlooks in such a kernel, and users should know
     */
    public record Made(List<String> files, Optional<String> kernel, Optional<String> warning) {}

    /**
     * Writes a project with a small new kernel.
     *
     * @throws InitException if one of its files is there already
     */
    public Made writeWithNewKernel() throws InitException {
        Map<String, String> files = new LinkedHashMap<>();
        files.put("pom.xml", pom(DEFAULT_ID, BootMode.PROTECTED, Optional.empty()));
        files.put(NEW_KERNEL + "start.S", resource("start.S"));
        files.put(NEW_KERNEL + "kernel.c", resource("kernel.c"));
        files.put(testFile(), test(DEFAULT_ID, ends("debugExited(0).consoleContains(\"Hello, World!\")")));
        new NewFiles(folder).write(files);
        return new Made(List.copyOf(files.keySet()), Optional.empty(), Optional.empty());
    }

    /**
     * Writes a project for a kernel that is there already, which is booted to see what it does.
     *
     * @param image the kernel's image
     * @param boot its boot mode; empty for what the image asks for
     * @throws InitException if the image can't be booted, or one of the project's files is there already
     * @throws dev.kvmguest.vmm.config.VmmException if this host can't run it
     */
    public Made writeFor(Path image, Optional<BootMode> boot) throws InitException {
        Kernel kernel = Kernel.of(image.toAbsolutePath().normalize(), boot);
        String id = id(kernel.file());
        Map<String, String> files = new LinkedHashMap<>();
        files.put("pom.xml", pom(id, kernel.boot(), Optional.of(kernel.file())));
        files.put(testFile(), test(id, body(kernel)));
        new NewFiles(folder).write(files);
        return new Made(
                List.copyOf(files.keySet()),
                Optional.of("image " + kernel.file().getFileName() + " is booted in boot mode " + kernel.boot()
                        + ", where it " + kernel.outcome().describe()),
                kernel.warning());
    }

    private String testFile() {
        return "src/test/java/" + group.replace('.', '/') + "/KernelTests.java";
    }

    private String pom(String id, BootMode boot, Optional<Path> image) {
        String relative = image.map(this::relative).map(ProjectTemplate::xml).orElse("");
        boolean made = image.isPresent() && MAKEFILES.stream().anyMatch(name -> Files.exists(folder.resolve(name)));
        Map<String, String> values = new LinkedHashMap<>();
        versions().forEach((name, version) -> values.put((String) name, (String) version));
        values.put("group", group);
        values.put("artifact", artifact());
        values.put("id", id);
        values.put("boot", boot.id());
        values.put("image", image.isPresent() ? "              <image>" + relative + "</image>\n" : "");
        values.put("make", made ? resource("make.xml.txt").replace("@file@", relative) : "");
        return filled("pom.xml.txt", values);
    }

    private String test(String id, Body body) {
        return filled(
                "KernelTests.java.txt",
                Map.of(
                        "group",
                        group,
                        "id",
                        id,
                        "import-junit",
                        body.live() ? "Guest;\nimport dev.kvmguest.junit." : "",
                        "import-runtime",
                        body.live() ? "" : "import dev.kvmguest.vmm.outcome.Outcome;\n",
                        "test",
                        body.text()));
    }

    /** A test method, and whether it talks to a live guest. */
    private record Body(boolean live, String text) {}

    /** Returns a test that the kernel passes as it is; one that has died should not, and gets one that fails. */
    private static Body body(Kernel kernel) {
        Outcome outcome = kernel.outcome();
        Optional<String> console = kernel.firstLine();
        if (kernel.isAlive() && console.isPresent()) {
            return lives("awaitOutput(" + quoted(console.get()) + ")");
        }
        if (kernel.isAlive() && kernel.firstLineOnScreen().isPresent()) {
            return lives("awaitScreen(" + quoted(kernel.firstLineOnScreen().get()) + ")");
        }
        String end =
                switch (outcome.kind()) {
                    case HALTED -> outcome.endedNormally() ? "halted()" : "waitsForInterrupt()";
                    case DEBUG_EXIT -> "debugExited(" + outcome.exitCode().orElse(0) + ")";
                    case HYPERCALL_EXIT -> "hypercallExited()";
                    case TIMED_OUT -> "timedOut()";
                    default -> "endedNormally()";
                };
        return ends(end
                + console.map(line -> ".consoleContains(" + quoted(line) + ")").orElse(""));
    }

    private static Body ends(String end) {
        return new Body(false, resource("ends.txt").replace("@end@", end));
    }

    private static Body lives(String await) {
        return new Body(true, resource("lives.txt").replace("@await@", await));
    }

    private String artifact() {
        Path name = folder.getFileName();
        String usable = (name == null ? "" : name.toString()).replaceAll("[^A-Za-z0-9._-]+", "-");
        return usable.matches("[.-]*") ? DEFAULT_ID : usable.toLowerCase(Locale.ROOT);
    }

    private static String id(Path image) {
        String name = image.getFileName().toString().replaceFirst("\\.[^.]*$", "");
        String usable = name.replaceAll("[^A-Za-z0-9._-]+", "-").replaceFirst("^[^A-Za-z0-9]+", "");
        return usable.isEmpty() ? DEFAULT_ID : usable;
    }

    private String relative(Path file) {
        boolean sameRoot = file.getRoot().equals(folder.getRoot());
        return (sameRoot ? folder.relativize(file) : file).toString().replace('\\', '/');
    }

    private static String xml(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace("$", "&#36;");
    }

    /** Returns a string literal of Java. */
    private static String quoted(String text) {
        StringBuilder literal = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                literal.append('\\').append(c);
            } else if (c >= ' ' && c < 0x7f) {
                literal.append(c);
            } else {
                literal.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            }
        }
        return literal.append('"').toString();
    }

    private static String filled(String template, Map<String, String> values) {
        String text = resource(template);
        for (Map.Entry<String, String> value : values.entrySet()) {
            text = text.replace("@" + value.getKey() + "@", value.getValue());
        }
        return text;
    }

    private static Properties versions() {
        Properties versions = new Properties();
        try (InputStream in = ProjectTemplate.class.getResourceAsStream("versions.properties")) {
            versions.load(in);
            return versions;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String resource(String name) {
        try (InputStream in = ProjectTemplate.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
