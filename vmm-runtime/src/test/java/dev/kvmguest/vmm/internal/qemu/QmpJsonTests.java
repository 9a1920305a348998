package dev.kvmguest.vmm.internal.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QmpJsonTests {

    @Test
    void valuesOfAllKindsAreRead() {
        assertThat(QmpJson.read(" {\"a\": [1, -2.5, true, false], \"b\": {\"c\": \"x\"}, \"d\": [], \"e\": {}} "))
                .isEqualTo(Map.of(
                        "a", List.of(1.0, -2.5, true, false), "b", Map.of("c", "x"), "d", List.of(), "e", Map.of()));
        assertThat(QmpJson.read("null")).isNull();
    }

    @Test
    void escapesAreResolvedAndWritten() {
        assertThat(QmpJson.read("\"a\\r\\n\\t\\\"\\\\\\/\\u0041\"")).isEqualTo("a\r\n\t\"\\/A");
        String text = "quote \" backslash \\ newline \n bell \u0007";
        assertThat(QmpJson.read(QmpJson.quote(text))).isEqualTo(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{\"a\"", "[1", "[1 2]", "\"x", "nonsense", "{} {}", "\"\\q\"", "\"\\u12"})
    void whatIsNoJsonIsRefused(String text) {
        assertThatThrownBy(() -> QmpJson.read(text)).isInstanceOf(IllegalArgumentException.class);
    }
}
