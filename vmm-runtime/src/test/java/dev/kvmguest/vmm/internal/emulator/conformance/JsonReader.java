package dev.kvmguest.vmm.internal.emulator.conformance;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON (RFC 8259) as far as the conformance data uses it: no fractions, no exponents. Objects become maps, arrays
 * lists, numbers longs.
 */
final class JsonReader {

    private final String text;
    private int at;

    private JsonReader(String text) {
        this.text = text;
    }

    /** Reads one object, from the first character of the text to the last. */
    @SuppressWarnings("unchecked")
    static Map<String, Object> object(String text) {
        JsonReader reader = new JsonReader(text);
        Object value = reader.value();
        reader.skipBlanks();
        if (reader.at != text.length() || !(value instanceof Map)) {
            throw reader.unexpected();
        }
        return (Map<String, Object>) value;
    }

    private Object value() {
        skipBlanks();
        char first = peek();
        return switch (first) {
            case '{' -> map();
            case '[' -> list();
            case '"' -> string();
            default -> number();
        };
    }

    private Map<String, Object> map() {
        Map<String, Object> map = new LinkedHashMap<>();
        expect('{');
        while (more('}', map.isEmpty())) {
            String key = string();
            skipBlanks();
            expect(':');
            map.put(key, value());
        }
        return map;
    }

    private List<Object> list() {
        List<Object> list = new ArrayList<>();
        expect('[');
        while (more(']', list.isEmpty())) {
            list.add(value());
        }
        return list;
    }

    /** Returns whether another element follows, and goes to it; else goes behind the closing bracket. */
    private boolean more(char end, boolean first) {
        skipBlanks();
        if (peek() == end) {
            at++;
            return false;
        }
        if (!first) {
            expect(',');
            skipBlanks();
        }
        return true;
    }

    private String string() {
        expect('"');
        int end = text.indexOf('"', at);
        if (end < 0 || text.substring(at, end).indexOf('\\') >= 0) {
            throw unexpected();
        }
        String string = text.substring(at, end);
        at = end + 1;
        return string;
    }

    private Long number() {
        int start = at;
        long value = 0;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            value = 10 * value + text.charAt(at) - '0';
            at++;
        }
        if (at == start) {
            throw unexpected();
        }
        return value;
    }

    private void skipBlanks() {
        while (at < text.length() && text.charAt(at) <= ' ') {
            at++;
        }
    }

    private void expect(char wanted) {
        if (peek() != wanted) {
            throw unexpected();
        }
        at++;
    }

    private char peek() {
        if (at >= text.length()) {
            throw unexpected();
        }
        return text.charAt(at);
    }

    private IllegalArgumentException unexpected() {
        return new IllegalArgumentException("no such JSON is expected, at character " + at + " of " + text);
    }
}
