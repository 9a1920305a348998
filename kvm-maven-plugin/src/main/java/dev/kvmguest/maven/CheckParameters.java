package dev.kvmguest.maven;

import dev.kvmguest.maven.check.GuestCheck;
import dev.kvmguest.vmm.EngineChoice;
import dev.kvmguest.vmm.Expectation;
import dev.kvmguest.vmm.Notation;
import dev.kvmguest.vmm.Outcome;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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

    private CheckParameters(Guest guest, int number, EngineChoice defaultEngine) {
        this.guest = guest;
        this.defaultEngine = defaultEngine;
        this.check = guest.checks.get(number - 1);
        this.name = check.name != null ? check.name.trim() : defaultName(guest, number);
    }

    /**
     * Returns the checks in the order of the POM.
     *
     * @param engine the engine of checks that name none
     * @throws MojoExecutionException if a value is missing or bad
     */
    static List<GuestCheck> read(List<Guest> guests, EngineChoice engine) throws MojoExecutionException {
        List<GuestCheck> checks = new ArrayList<>();
        Map<String, GuestCheck> byFile = new HashMap<>();
        Set<String> ids = new HashSet<>();
        for (int i = 0; i < guests.size(); i++) {
            Guest guest = guests.get(i);
            guest.id = GuestParameters.readId(guest, i + 1);
            GuestParameters.requireNew(guest.id, ids);
            for (int number = 1; number <= guest.checks.size(); number++) {
                CheckParameters parameters = new CheckParameters(guest, number, engine);
                GuestCheck check = parameters.read();
                // Some file systems don't tell upper from lower case.
                GuestCheck other = byFile.put(check.jsonFileName().toLowerCase(Locale.ROOT), check);
                if (other != null) {
                    throw new MojoExecutionException(parameters.at("name") + "the reports of \"" + other + "\" and \""
                            + check + "\" would be the same file, " + check.jsonFileName()
                            + "; give one of them another <name>");
                }
                checks.add(check);
            }
        }
        return checks;
    }

    /**
     * Returns how many checks run at the same time: the number given, or that of the processors if it is null.
     *
     * @throws MojoExecutionException if it is no number, or less than 1
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
     * @throws MojoExecutionException if there is none
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

    private GuestCheck read() throws MojoExecutionException {
        Expectation.Builder expectation = Expectation.builder().strictPorts(check.strictPorts);
        if (check.console != null) {
            expectation.console(check.console);
        }
        if (check.pattern != null) {
            expectation.pattern(value("pattern", () -> pattern(check.pattern)));
        }
        if (check.outcome != null) {
            expectation.outcome(value("outcome", () -> Outcome.Kind.parse(check.outcome)));
        }
        if (check.exitCode != null) {
            expectation.exitCode(value("exitCode", () -> exitCode(check.exitCode)));
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
                expectation.build(),
                value("timeout", () -> Notation.parseDuration("timeout", check.timeout)),
                check.engine == null ? defaultEngine : value("engine", () -> EngineChoice.parse(check.engine)));
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
        long number = Notation.parseAddress("port", text);
        if (number > 0xffff) {
            throw new IllegalArgumentException("port " + text + " is not between 0 and 0xffff");
        }
        return (int) number;
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
