package dev.kvmguest.maven.cases;

import dev.kvmguest.maven.toolchain.Target;
import dev.kvmguest.maven.toolchain.Toolchain;
import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.text.Notation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A guest that makes a mistake from a public bug report: one source file in C or assembly, whose first comment has its
 * options as lines such as {@code boot: multiboot}. The project doesn't contain them.
 *
 * @param source the file
 * @param options the options in its comment, by name
 */
record PublicCase(Path source, Map<String, String> options) {

    private static final String PROPERTY = "kvmguest.cases";
    private static final String BESIDE_THE_PROJECT = "../shared/cases";

    private static final Pattern OPTION = Pattern.compile("^[/ ]\\* (boot|link|load|entry|input|memory): (\\S+)$");
    private static final String START = "boot.S";
    private static final Duration LIMIT = Duration.ofSeconds(2);

    /** Returns the folder of the cases; empty if there is none. A relative path counts from the project's root. */
    static List<Path> folder() {
        Path configured = Path.of(System.getProperty(PROPERTY, BESIDE_THE_PROJECT));
        Path module = Path.of("").toAbsolutePath();
        return Stream.of(module, module.getParent())
                .map(base -> base.resolve(configured).normalize())
                .filter(Files::isDirectory)
                .limit(1)
                .toList();
    }

    static boolean areHere() {
        return !folder().isEmpty();
    }

    /** Reads the options of all cases of a folder, sorted by name. */
    static List<PublicCase> in(Path folder) throws IOException {
        List<PublicCase> found = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString();
                if (name.matches(".*\\.[cS]") && !name.equals(START)) {
                    found.add(new PublicCase(file, options(file)));
                }
            }
        }
        return found;
    }

    private static Map<String, String> options(Path file) throws IOException {
        Map<String, String> options = new TreeMap<>();
        for (String line : Files.readAllLines(file)) {
            Matcher option = OPTION.matcher(line);
            if (option.matches()) {
                options.put(option.group(1), option.group(2));
            }
            if (line.contains("*/")) {
                break;
            }
        }
        return options;
    }

    String name() {
        return source.getFileName().toString().replaceFirst("\\.[cS]$", "");
    }

    /** Builds the guest in a folder of its own, and boots it on the emulator. */
    Outcome run(Toolchain toolchain, Path folder) throws IOException, InterruptedException {
        Path image = build(toolchain, folder);
        VcpuConfig vcpu = VcpuConfig.of(GuestImage.read(image)).withBoot(BootMode.parse(options.get("boot")));
        if (options.containsKey("load")) {
            vcpu = vcpu.withLoad(Notation.parseAddress("load", options.get("load")));
        }
        if (options.containsKey("entry") || options.containsKey("load")) {
            vcpu = vcpu.withEntry(EntryPoint.parse(options.getOrDefault("entry", options.get("load"))));
        }
        MachineConfig.Builder machine = MachineConfig.builder()
                .vcpu(vcpu.withInput(options.getOrDefault("input", "")))
                .engine(EngineChoice.EMULATOR)
                .timeout(LIMIT);
        if (options.containsKey("memory")) {
            machine.memory(Notation.parseSize("memory", options.get("memory")));
        }
        try (Machine booted = Machine.create(machine.build())) {
            return booted.run();
        }
    }

    private Path build(Toolchain toolchain, Path folder) throws IOException, InterruptedException {
        boolean multiboot = options.get("boot").equals("multiboot");
        boolean c = source.toString().endsWith(".c");
        List<String> objects = new ArrayList<>();
        if (multiboot && c) {
            objects.add(compile(toolchain, source.resolveSibling(START), folder));
        }
        objects.add(compile(toolchain, source, folder));
        boolean flat = !multiboot && !c;
        Path image = folder.resolve(name() + (flat ? ".bin" : ".elf"));
        List<String> link = new ArrayList<>(toolchain.linker());
        if (flat) {
            link.addAll(List.of("--oformat=binary", "-Ttext", options.get("link"), "-e", "_start"));
        } else if (multiboot) {
            link.addAll(List.of("-T", source.resolveSibling("multiboot.ld").toString()));
        } else {
            link.addAll(List.of("-T", source.resolveSibling("flat.ld").toString()));
            link.add("--defsym=LINK_ADDRESS=" + options.get("link"));
        }
        link.addAll(objects);
        link.addAll(List.of("-o", image.toString()));
        run(link, folder);
        return image;
    }

    private static String compile(Toolchain toolchain, Path file, Path folder)
            throws IOException, InterruptedException {
        String name = file.getFileName().toString();
        String object = folder.resolve(name + ".o").toString();
        List<String> command =
                new ArrayList<>(toolchain.compilerFor(name).orElseThrow().command(Target.I386));
        command.addAll(List.of("-c", file.toString(), "-o", object));
        run(command, folder);
        return object;
    }

    private static void run(List<String> command, Path folder) throws IOException, InterruptedException {
        Path output = folder.resolve("output.txt");
        int status = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException(command + " ended with status " + status + ": " + Files.readString(output));
        }
    }
}
