package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The build runs this suite on several versions of JUnit; this proves that it did, and prints which. */
class JUnitVersionTests {

    private static final String WANTED = System.getProperty("kvmguest.test.jupiter");

    @Test
    void jupiterIsTheVersionThatTheBuildAskedFor() throws IOException {
        System.out.println("JUnit Jupiter " + versionOf("org.junit.jupiter.engine.JupiterTestEngine") + " runs "
                + "the tests of the extension");

        assertThat(versionOf("org.junit.jupiter.api.Test")).isEqualTo(WANTED);
        assertThat(versionOf("org.junit.jupiter.params.ParameterizedTest")).isEqualTo(WANTED);
        assertThat(versionOf("org.junit.jupiter.engine.JupiterTestEngine")).isEqualTo(WANTED);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "org.junit.platform.commons.JUnitException",
                "org.junit.platform.engine.TestEngine",
                "org.junit.platform.launcher.Launcher",
                "org.junit.platform.testkit.engine.EngineTestKit"
            })
    void thePlatformBelongsToThatJupiter(String className) throws IOException {
        // Jupiter 5.x stands on platform 1.x; from 6 on both have one number.
        String platform = WANTED.startsWith("5.") ? "1." + WANTED.substring(2) : WANTED;

        assertThat(versionOf(className)).isEqualTo(platform);
    }

    private static String versionOf(String className) throws IOException {
        try {
            Class<?> type = Class.forName(className);
            URL jar = type.getProtectionDomain().getCodeSource().getLocation();
            try (InputStream in = new URL("jar:" + jar + "!/" + JarFile.MANIFEST_NAME).openStream()) {
                return new Manifest(in).getMainAttributes().getValue("Implementation-Version");
            }
        } catch (ClassNotFoundException e) {
            throw new AssertionError(className + " is not on the class path", e);
        }
    }
}
