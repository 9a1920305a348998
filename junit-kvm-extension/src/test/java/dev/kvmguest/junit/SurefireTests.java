package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The plugin's integration test surefire-versions runs tests in guests with several versions. */
class SurefireTests {

    @ParameterizedTest
    @ValueSource(strings = {"3.0.0", "3.2.5", "3.5.2", "3.5.4", "3.5.30", "3.6.1", "13.5.3"})
    void testOfAFileCounts(String version) {
        assertThat(Surefire.countsTestsOfFiles(Optional.of(version))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"3.5.3", "3.5.3.vendor-00001", "3.5.3-SNAPSHOT"})
    void testOfAFileIsLost(String version) {
        assertThat(Surefire.countsTestsOfFiles(Optional.of(version))).isFalse();
    }

    @Test
    void surefireOfAnUnknownVersionIsNotTrusted() {
        assertThat(Surefire.countsTestsOfFiles(Optional.empty())).isFalse();
    }

    @Test
    void whatRunsThisBuildCounts() {
        assertThat(Surefire.countsTestsOfFiles()).isTrue();
    }
}
