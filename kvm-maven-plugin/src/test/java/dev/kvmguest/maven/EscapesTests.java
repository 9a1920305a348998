package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EscapesTests {

    @Test
    void everyEscapeIsItsCharacterAndTheRestStays() {
        assertThat(Escapes.resolve("1\\n0\\r\\t\\e[A")).isEqualTo("1\n0\r\t\u001b[A");
        assertThat(Escapes.resolve("\\x00\\x1D\\x7f!")).isEqualTo("\0\u001d\u007f!");
        assertThat(Escapes.resolve("c:\\\\new")).isEqualTo("c:\\new");
        assertThat(Escapes.resolve("grün\n")).isEqualTo("grün\n");
        assertThat(Escapes.resolve("")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"\\", "a\\", "\\q", "\\x", "\\x4", "\\xg0", "\\x0g", "\\x80", "\\xff"})
    void whatIsNoEscapeIsRefused(String text) {
        assertThatThrownBy(() -> Escapes.resolve(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("\"" + text + "\" has a backslash that starts no known escape; these are known:"
                        + " \\n, \\r, \\t, \\e (escape), \\\\ and \\x00 to \\x7f");
    }
}
