package dev.kvmguest.junit;

import dev.kvmguest.vmm.image.GuestTestCase;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;

/**
 * The tests inside a guest, which it defines with {@code KVMGUEST_TEST} of {@code kvmguest.h}. A {@code @TestFactory}
 * method takes them and returns a JUnit test for each:
 *
 * <pre>{@code
 * @TestFactory
 * @KvmGuest("kernel-tests")
 * Stream<DynamicTest> inTheKernel(GuestTests tests) {
 *     return tests.stream();
 * }
 * }</pre>
 *
 * <p>Each boots a machine of its own, so a test that dies or hangs doesn't affect the others. It fails unless the guest
 * reports that the test passed and then ends normally. The tests are found in the guest's ELF file without booting it.
 */
public final class GuestTests {

    private final GuestTestRunner runner;
    private final List<GuestTestCase> tests;

    GuestTests(GuestTestRunner runner, List<GuestTestCase> tests) {
        this.runner = runner;
        this.tests = tests;
    }

    /** Returns a JUnit test for each test of the guest, in the order of its source files and their lines. */
    public Stream<DynamicTest> stream() {
        return tests.stream().map(test -> DynamicTest.dynamicTest(test.name(), source(test), runner.executable(test)));
    }

    /**
     * Returns only the tests with these names.
     *
     * @throws IllegalArgumentException if there is no test of such a name; the message lists the names
     */
    public GuestTests named(String... names) {
        List<String> wanted = Arrays.asList(names);
        for (String name : wanted) {
            if (!names().contains(name)) {
                throw new IllegalArgumentException(
                        "there is no in-guest test \"" + name + "\"; there are " + String.join(", ", names()));
            }
        }
        return new GuestTests(
                runner,
                tests.stream().filter(test -> wanted.contains(test.name())).toList());
    }

    /** Returns the tests' names in the order of {@link #stream}. */
    public List<String> names() {
        return tests.stream().map(GuestTestCase::name).toList();
    }

    /**
     * Returns where an IDE finds the test. It is null, which means unknown to JUnit, if the file isn't there, or if the
     * test would not count because of it.
     */
    private URI source(GuestTestCase test) {
        return Optional.of(test.file())
                .filter(file -> Surefire.countsTestsOfFiles())
                .flatMap(runner.sources()::find)
                .map(file -> URI.create(file.toUri() + "?line=" + test.line()))
                .orElse(null);
    }
}
