package dev.kvmguest.maven;

import dev.kvmguest.maven.check.GuestCheck;
import dev.kvmguest.maven.check.Points;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.diagnosis.Fault.Event;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.outcome.Expectation;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.text.Notation;
import dev.kvmguest.vmm.text.Reasons;
import java.io.File;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.apache.maven.plugin.MojoExecutionException;

/** Reads the {@code <checks>} of a POM's guests, and names the element that has a bad value. */
final class CheckParameters {

    private final Guest guest;
    private final Check check;
    private final String name;
    private final EngineChoice defaultEngine;

    /** Finds the tests inside guests that were built. */
    @FunctionalInterface
    interface TestFinder {

        /**
         * Returns the tests inside a guest, by its id.
         *
         * @throws IllegalArgumentException if no tests can be found; the message says why
         */
        List<GuestTestCase> tests(String id) throws IOException;
    }

    private CheckParameters(Guest guest, int number, EngineChoice defaultEngine) {
        this.guest = guest;
        this.defaultEngine = defaultEngine;
        this.check = guest.checks.get(number - 1);
        this.name = check.name != null ? check.name.trim() : defaultName(guest, number);
    }

    /**
     * Returns the checks in the order of the POM. A check for the tests inside its guest becomes a check for each test.
     *
     * @param engine the engine of checks that don't name one
     * @param tests finds the tests inside guests
     * @param keepGoing whether a guest whose tests can't be found is an error of its check only
     * @throws MojoExecutionException if a value is missing or bad, or a guest lacks the tests asked for
     */
    static List<GuestCheck> read(List<Guest> guests, EngineChoice engine, TestFinder tests, boolean keepGoing)
            throws MojoExecutionException {
        List<GuestCheck> checks = new ArrayList<>();
        Map<String, GuestCheck> byFile = new HashMap<>();
        Set<String> ids = new HashSet<>();
        for (int i = 0; i < guests.size(); i++) {
            Guest guest = guests.get(i);
            guest.id = GuestParameters.readId(guest, i + 1);
            GuestParameters.requireNew(guest.id, ids);
            for (int number = 1; number <= guest.checks.size(); number++) {
                CheckParameters parameters = new CheckParameters(guest, number, engine);
                for (GuestCheck check : parameters.readAll(tests, keepGoing)) {
                    // Some file systems don't tell upper from lower case.
                    GuestCheck other = byFile.put(check.jsonFileName().toLowerCase(Locale.ROOT), check);
                    if (other != null) {
                        throw new MojoExecutionException(parameters.at("name") + "the reports of \"" + other
                                + "\" and \"" + check + "\" would be the same file, " + check.jsonFileName()
                                + "; give one of them another <name>");
                    }
                    checks.add(check);
                }
            }
        }
        return checks;
    }

    /**
     * Returns how many checks run at the same time: the given number, or the number of processors if it is null.
     *
     * @throws MojoExecutionException if it is not a number from 1 to 9999
     */
    static int parallelism(String text) throws MojoExecutionException {
        if (text == null) {
            return Runtime.getRuntime().availableProcessors();
        }
        if (!text.trim().matches("0*[1-9]\\d{0,3}")) {
            throw new MojoExecutionException("kvm.parallelism: \"" + text
                    + "\" is not a number from 1 to 9999; leave it out for the number of processors");
        }
        return Integer.parseInt(text.trim());
    }

    /**
     * Returns the engine of this name.
     *
     * @throws MojoExecutionException if there is no such engine
     */
    static EngineChoice engine(String text) throws MojoExecutionException {
        try {
            return EngineChoice.parse(text);
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException("kvm.engine: " + e.getMessage(), e);
        }
    }

    private static String defaultName(Guest guest, int number) {
        return guest.checks.size() == 1 ? guest.id : guest.id + "-" + number;
    }

    private List<GuestCheck> readAll(TestFinder finder, boolean keepGoing) throws MojoExecutionException {
        GuestCheck each = read();
        if (!check.guestTests) {
            return List.of(each);
        }
        try {
            return share(each, finder.tests(guest.id));
        } catch (IllegalArgumentException e) {
            if (keepGoing) {
                return List.of(each.withObstacle(e.getMessage()));
            }
            throw new MojoExecutionException(at("guestTests") + e.getMessage(), e);
        } catch (IOException e) {
            throw new MojoExecutionException(at("guestTests") + "the guest's files can't be read: " + Reasons.of(e), e);
        }
    }

    private static List<GuestCheck> share(GuestCheck each, List<GuestTestCase> tests) {
        Optional<List<BigDecimal>> shares = each.points().map(points -> Points.share(points, tests.size()));
        List<GuestCheck> checks = new ArrayList<>();
        for (GuestTestCase test : tests) {
            int i = checks.size();
            checks.add(each.withGuestTest(test, shares.map(share -> share.get(i))));
        }
        return checks;
    }

    private GuestCheck read() throws MojoExecutionException {
        Expectation.Builder expectation = Expectation.builder().strictPorts(check.strictPorts);
        if (check.console != null) {
            expectation.console(check.console);
        }
        if (check.pattern != null) {
            expectation.pattern(value("pattern", () -> pattern(check.pattern)));
        }
        if (check.screen != null) {
            expectation.screen(check.screen);
        }
        if (check.outcome != null) {
            expectation.outcome(value("outcome", () -> Outcome.Kind.parse(check.outcome)));
        }
        if (check.exception != null) {
            expectation.exception(value("exception", () -> Event.parseVector(check.exception)));
        }
        if (check.exitCode != null) {
            expectation.exitCode(value("exitCode", () -> exitCode(check.exitCode)));
        }
        if (check.panics != null) {
            value("panics", () -> panics(expectation, check.panics));
        }
        Set<Integer> ports = new HashSet<>();
        for (Check.Port port : check.ports) {
            int number = value("ports><port><number", () -> portNumber(port.number));
            if (!ports.add(number)) {
                throw new MojoExecutionException(at("ports><port><number") + "port " + Notation.hex(number)
                        + " is there already; write all that it is sent into one <port>");
            }
            expectation.port(number, value("ports><port", () -> portBytes(number, port)));
        }
        return new GuestCheck(
                guest.id,
                name,
                check.input == null ? "" : value("input", () -> Escapes.resolve(check.input)),
                check.bootedUntil == null ? Optional.empty() : Optional.of(value("bootedUntil", this::milestone)),
                value("exception", expectation::build),
                value("timeout", () -> Notation.parseDuration("timeout", check.timeout)),
                check.date == null
                        ? MachineConfig.DEFAULT_DATE
                        : value("date", () -> Notation.parseDate("date", check.date)),
                check.engine == null ? defaultEngine : value("engine", () -> EngineChoice.parse(check.engine)),
                check.qemuArguments,
                Optional.ofNullable(check.commandLine),
                check.modules == null ? Optional.empty() : Optional.of(value("modules", () -> files(check.modules))),
                Optional.empty(),
                check.points == null
                        ? Optional.empty()
                        : Optional.of(value("points", () -> Points.parse(check.points))),
                Optional.empty());
    }

    private Milestone milestone() {
        if (check.guestTests) {
            throw new IllegalArgumentException(
                    "the tests inside a guest go on from where it asks for one of them, once it"
                            + " has booted; leave the element out");
        }
        return Milestone.console(Escapes.resolve(check.bootedUntil));
    }

    private static List<Path> files(List<File> files) {
        for (File file : files) {
            if (file == null || !file.isFile()) {
                throw new IllegalArgumentException(
                        file == null
                                ? "a module is empty; give it a file"
                                : "the file " + file + " does not exist; create it, or leave the element out");
            }
        }
        return files.stream().map(File::toPath).toList();
    }

    /** Sets what counts as a panic: {@code none}, {@code default}, or a regular expression. */
    static Expectation.Builder panics(Expectation.Builder expectation, String text) {
        return switch (text.trim()) {
            case "none" -> expectation.acceptPanics();
            case "default" -> expectation;
            default -> expectation.panics(pattern(text));
        };
    }

    static Pattern pattern(String regex) {
        try {
            return Pattern.compile(regex);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    "\"" + regex + "\" is not a regular expression of java.util.regex: " + e.getDescription()
                            + " near index " + e.getIndex(),
                    e);
        }
    }

    /** Returns the exit code, which is what a guest can write to the debug-exit port: 32 bits at most. */
    static int exitCode(String text) {
        return (int) Notation.parseAddress("exit code", text);
    }

    private static int portNumber(String text) {
        if (text == null) {
            throw new IllegalArgumentException("the number is missing; add <number>0xe9</number>");
        }
        return Notation.parsePort("port", text);
    }

    private static byte[] portBytes(int number, Check.Port port) {
        if ((port.text == null) == (port.hex == null)) {
            throw new IllegalArgumentException("port " + Notation.hex(number) + " needs what it must be sent as"
                    + " <text>abc</text> or as <hex>61 62 63</hex>, one of the two");
        }
        if (port.text != null) {
            return Escapes.resolve(port.text).getBytes(StandardCharsets.UTF_8);
        }
        try {
            return HexFormat.of().parseHex(port.hex.replaceAll("\\s", ""));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "hex \"" + port.hex + "\" of port " + Notation.hex(number)
                            + " is not made of bytes of two hexadecimal digits each, such as 61 62 63",
                    e);
        }
    }

    private <T> T value(String element, Supplier<T> reading) throws MojoExecutionException {
        try {
            return reading.get();
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException(at(element) + e.getMessage(), e);
        }
    }

    private String at(String element) {
        return "<guests><guest id=" + guest.id + "><checks><check name=" + name + "><" + element + ">: ";
    }
}
