package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ColorsTests {

    @Test
    void terminalHasColoursWhereMavenHas() {
        assertThat(isColored("auto", true, true, null)).isTrue();
        assertThat(isColored("auto", true, true, "")).isTrue();
        assertThat(isColored("auto", false, true, null)).isFalse();
    }

    @Test
    void pipeHasColoursOnlyIfItIsToldSo() {
        assertThat(isColored("auto", true, false, null)).isFalse();
        assertThat(isColored("always", true, false, null)).isTrue();
        assertThat(isColored("never", false, false, null)).isFalse();
    }

    @Test
    void noColorIsRespected() {
        assertThat(isColored("auto", true, true, "1")).isFalse();
        assertThat(isColored("always", true, true, "1")).isFalse();
    }

    private static boolean isColored(String style, boolean maven, boolean terminal, String noColor) {
        String report = Colors.of(style, maven, () -> terminal, noColor).report("a report");
        assertThat(report).contains("a report");
        return report.contains("\u001b");
    }
}
