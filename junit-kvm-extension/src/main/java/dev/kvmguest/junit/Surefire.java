package dev.kvmguest.junit;

import java.util.Optional;

/**
 * What Maven's Surefire and Failsafe, if they run the tests, do with a test that has a file as its source. Version
 * 3.5.3 leaves it out of its results: a build whose tests fail is then a success with fewer tests. The versions before
 * and after count it, under the test's own name.
 */
final class Surefire {

    /** The class that runs JUnit for both. It is on the class path of the tests, and its package has the version. */
    private static final String PROVIDER = "org.apache.maven.surefire.junitplatform.JUnitPlatformProvider";

    /** The version that loses tests, and vendors' builds of it. */
    private static final String LOSES_TESTS = "3\\.5\\.3(\\D.*)?";

    private Surefire() {}

    /**
     * Returns whether a test whose source is a file counts. It doesn't if Surefire's version is unknown: without a
     * source it counts in every version.
     */
    static boolean countsTestsOfFiles() {
        try {
            Class<?> provider = Class.forName(PROVIDER, false, Surefire.class.getClassLoader());
            return countsTestsOfFiles(Optional.ofNullable(provider.getPackage().getImplementationVersion()));
        } catch (ClassNotFoundException e) {
            // Something else runs the tests, such as an IDE.
            return true;
        }
    }

    static boolean countsTestsOfFiles(Optional<String> version) {
        return version.isPresent() && !version.get().matches(LOSES_TESTS);
    }
}
