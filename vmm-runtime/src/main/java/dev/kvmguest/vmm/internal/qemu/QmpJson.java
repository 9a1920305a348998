package dev.kvmguest.vmm.internal.qemu;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads a line of QMP, which is a JSON value (RFC 8259), and writes strings for it. */
final class QmpJson {

    private static final String PLAIN = "\"\\/bfnrt";
    private static final String MEANT = "\"\\/\b\f\n\r\t";

    private final String text;
    private int at;

    private QmpJson(String text) {
        this.text = text;
    }

    /**
     * Returns the value as Map, List, String, Double, Boolean or null.
     *
     * @throws IllegalArgumentException if the text is none
     */
    static Object read(String text) {
        QmpJson reader = new QmpJson(text);
        Object value = reader.value();
        reader.blanks();
        if (reader.at < text.length()) {
            throw reader.unexpected();
        }
        return value;
    }

    /** Returns a string as JSON has it. */
    static String quote(String value) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : value.toCharArray()) {
            int escape = MEANT.indexOf(c);
            if (escape >= 0 && c != '/') {
                quoted.append('\\').append(PLAIN.charAt(escape));
            } else if (c < ' ') {
                quoted.append(String.format("\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }

    private Object value() {
        blanks();
        return switch (peek()) {
            case '{' -> object();
            case '[' -> array();
            case '"' -> string();
            default -> literal();
        };
    }

    private Map<String, Object> object() {
        Map<String, Object> members = new LinkedHashMap<>();
        at++;
        for (boolean first = true; !isClosed('}', first); first = false) {
            String name = string();
            blanks();
            take(':');
            members.put(name, value());
        }
        return members;
    }

    private List<Object> array() {
        List<Object> elements = new ArrayList<>();
        at++;
        for (boolean first = true; !isClosed(']', first); first = false) {
            elements.add(value());
        }
        return elements;
    }

    /** Returns whether the end has come; if not, what comes next begins here. */
    private boolean isClosed(char end, boolean first) {
        blanks();
        if (peek() == end) {
            at++;
            return true;
        }
        if (!first) {
            take(',');
            blanks();
        }
        return false;
    }

    private String string() {
        StringBuilder value = new StringBuilder();
        take('"');
        while (peek() != '"') {
            char c = text.charAt(at++);
            value.append(c == '\\' ? escaped() : c);
        }
        at++;
        return value.toString();
    }

    private char escaped() {
        char c = peek();
        at++;
        if (c == 'u' && at + 4 <= text.length()) {
            at += 4;
            return (char) Integer.parseInt(text.substring(at - 4, at), 16);
        }
        int meant = PLAIN.indexOf(c);
        if (meant < 0) {
            throw unexpected();
        }
        return MEANT.charAt(meant);
    }

    private Object literal() {
        int start = at;
        while (at < text.length() && ",]} \t\r\n".indexOf(text.charAt(at)) < 0) {
            at++;
        }
        String word = text.substring(start, at);
        return switch (word) {
            case "true" -> true;
            case "false" -> false;
            case "null" -> null;
            default -> Double.valueOf(word);
        };
    }

    private void blanks() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private char peek() {
        if (at >= text.length()) {
            throw unexpected();
        }
        return text.charAt(at);
    }

    private void take(char wanted) {
        if (peek() != wanted) {
            throw unexpected();
        }
        at++;
    }

    private IllegalArgumentException unexpected() {
        return new IllegalArgumentException("no JSON from character " + at + " on: " + text);
    }
}
