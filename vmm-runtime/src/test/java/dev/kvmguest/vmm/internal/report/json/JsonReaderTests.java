package dev.kvmguest.vmm.internal.report.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonReaderTests {

    @Test
    void whatTheWriterWritesIsReadBack() {
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("text", "a \"quoted\" \\ line\n\tand \r \u0007 \u007f é \ud83d\ude00 /");
        value.put("number", -123456789012345678L);
        value.put("zero", 0L);
        value.put("none", null);
        value.put("yes", true);
        value.put("no", false);
        value.put("list", List.of("a", 1L, List.of(), Map.of()));

        assertThat(JsonReader.read(JsonWriter.write(value))).isEqualTo(value);
    }

    @Test
    void spaceAndEscapesAreThoseOfTheStandard() {
        assertThat(JsonReader.read(" \t\r\n[ \"\\u00e9\\b\\f\\/\" , 1 ] ")).isEqualTo(List.of("é\b\f/", 1L));
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            delimiter = '|',
            value = {
                "``|line 1, column 1: it ends too early",
                "{\"a\": 1|line 1, column 8: it ends too early",
                "{\"a\": 1]|line 1, column 8: '}' is expected",
                "{\"a\" 1}|line 1, column 6: ':' is expected",
                "{\"a\": 1,}|line 1, column 9: '\"' is expected",
                "{\"a\": 1, \"a\": 2}|line 1, column 10: the member \"a\" is there twice",
                "[1, 2}|line 1, column 6: ']' is expected",
                "[1] x|line 1, column 5: the end is expected",
                "\"abc|line 1, column 5: it ends too early",
                "\"a\\x\"|line 1, column 4: a string has an unknown escape",
                "\"\\u12g4\"|line 1, column 6: four hexadecimal digits are expected",
                "\"\\u١٢٣٤\"|line 1, column 4: four hexadecimal digits are expected",
                "1.5|line 1, column 2: the end is expected",
                "01|line 1, column 1: a value is expected: an object, an array, a string or a whole number",
                "-|line 1, column 1: a value is expected: an object, an array, a string or a whole number",
                "1234567890123456789|line 1, column 1: a value is expected: an object, an array, a string or a whole number",
                "nul|line 1, column 1: null is expected",
                "<html>|line 1, column 1: a value is expected: an object, an array, a string or a whole number",
            })
    void whatIsNoJsonIsRefusedWithItsPlace(String text, String message) {
        assertThatThrownBy(() -> JsonReader.read(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void aLineFeedInAStringIsRefusedAndLinesAreCounted() {
        assertThatThrownBy(() -> JsonReader.read("{\n  \"a\": \"b\nc\"}"))
                .hasMessage("line 2, column 10: a string has a control character");
    }

    @Test
    void deepNestingIsRefusedBeforeTheStackIsFull() {
        assertThatThrownBy(() -> JsonReader.read("[".repeat(1_000_000)))
                .hasMessage("line 1, column 18: objects and arrays are nested too deep");
    }
}
