package dev.kvmguest.vmm.internal.report.json;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Isolated("changes the default locale")
class JsonWriterTests {

    @Test
    void objectsAreIndentedAndKeepTheirOrder() {
        Map<String, Object> inner = new LinkedHashMap<>();
        inner.put("z", 1);
        inner.put("a", null);
        Map<String, Object> outer = new LinkedHashMap<>();
        outer.put("inner", inner);
        outer.put("list", List.of("x", 2, true));
        outer.put("none", List.of());
        outer.put("empty", Map.of());

        assertThat(JsonWriter.write(outer)).isEqualTo("""
                        {
                          "inner": {
                            "z": 1,
                            "a": null
                          },
                          "list": ["x", 2, true],
                          "none": [],
                          "empty": {}
                        }
                        """);
    }

    @Test
    void objectsInListsAreIndentedToo() {
        assertThat(JsonWriter.write(Map.of("vcpus", List.of(Map.of("vcpu", 0), Map.of("vcpu", 1)))))
                .isEqualTo("""
                        {
                          "vcpus": [{
                              "vcpu": 0
                            }, {
                              "vcpu": 1
                            }]
                        }
                        """);
    }

    @Test
    void valuesMayStandAlone() {
        assertThat(JsonWriter.write(null)).isEqualTo("null\n");
        assertThat(JsonWriter.write(-5L)).isEqualTo("-5\n");
        assertThat(JsonWriter.write("text")).isEqualTo("\"text\"\n");
    }

    @Test
    void quotesBackslashesAndControlCharactersAreEscaped() {
        assertThat(JsonWriter.write("\"\\/\n\r\t\b\f\u0000\u001b\u001f\u007f"))
                .isEqualTo("\"\\\"\\\\/\\n\\r\\t\\u0008\\u000c\\u0000\\u001b\\u001f\\u007f\"\n");
    }

    @Test
    void keysAreEscapedToo() {
        assertThat(JsonWriter.write(Map.of("a\"\n", 1))).isEqualTo("{\n  \"a\\\"\\n\": 1\n}\n");
    }

    @Test
    void otherCharactersStayButForSurrogates() {
        assertThat(JsonWriter.write("gr\u00fc\u00dfe \u20ac \ufffd")).isEqualTo("\"gr\u00fc\u00dfe \u20ac \ufffd\"\n");
        assertThat(JsonWriter.write("\ud83d\ude00 \ud83d")).isEqualTo("\"\\ud83d\\ude00 \\ud83d\"\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"de-DE", "ar-EG-u-nu-arab", "hi-IN-u-nu-deva", "tr-TR", "th-TH-u-nu-thai"})
    void numbersAreTheSameInEveryLocale(String tag) {
        Locale before = Locale.getDefault();
        Locale.setDefault(Locale.forLanguageTag(tag));
        try {
            assertThat(JsonWriter.write(List.of(1234.5, 0.0004, -1, 1234567L, "\u001b")))
                    .isEqualTo("[1234.500, 0.000, -1, 1234567, \"\\u001b\"]\n");
        } finally {
            Locale.setDefault(before);
        }
    }
}
