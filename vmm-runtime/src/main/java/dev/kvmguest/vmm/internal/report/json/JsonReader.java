package dev.kvmguest.vmm.internal.report.json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON (RFC 8259) into maps, lists, strings, {@code Long}, {@code Boolean} and null. It is as strict as a file
 * that may be damaged or somebody else's asks for: no fractions, no member twice, no depth beyond what reports have.
 */
public final class JsonReader {

    private static final int DEEPEST = 16;

    /** A {@code Long} has as many digits at least. */
    private static final int MOST_DIGITS = 18;

    private final String text;
    private int at;

    private JsonReader(String text) {
        this.text = text;
    }

    /**
     * Returns the value of a text.
     *
     * @throws IllegalArgumentException if it isn't JSON, or has what reports don't have; the message has the line and
     *     the column
     */
    public static Object read(String text) {
        JsonReader reader = new JsonReader(text);
        Object value = reader.value(0);
        reader.skipSpace();
        if (reader.at < text.length()) {
            throw reader.error("the end is expected");
        }
        return value;
    }

    private Object value(int depth) {
        skipSpace();
        if (depth > DEEPEST) {
            throw error("objects and arrays are nested too deep");
        }
        char c = peek();
        return switch (c) {
            case '{' -> object(depth);
            case '[' -> array(depth);
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", null);
            default -> number();
        };
    }

    private Map<String, Object> object(int depth) {
        Map<String, Object> members = new LinkedHashMap<>();
        at++;
        skipSpace();
        if (takes('}')) {
            return members;
        }
        do {
            skipSpace();
            int start = at;
            String name = string();
            if (members.containsKey(name)) {
                at = start;
                throw error("the member \"" + name + "\" is there twice");
            }
            skipSpace();
            expect(':');
            members.put(name, value(depth + 1));
            skipSpace();
        } while (takes(','));
        expect('}');
        return members;
    }

    private List<Object> array(int depth) {
        List<Object> elements = new ArrayList<>();
        at++;
        skipSpace();
        if (takes(']')) {
            return elements;
        }
        do {
            elements.add(value(depth + 1));
            skipSpace();
        } while (takes(','));
        expect(']');
        return elements;
    }

    private String string() {
        expect('"');
        StringBuilder string = new StringBuilder();
        while (true) {
            char c = peek();
            if (c < ' ') {
                throw error("a string has a control character");
            }
            at++;
            if (c == '"') {
                return string.toString();
            }
            string.append(c == '\\' ? escaped() : c);
        }
    }

    private char escaped() {
        char c = peek();
        at++;
        return switch (c) {
            case '"', '\\', '/' -> c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> fourDigits();
            default -> {
                at--;
                throw error("a string has an unknown escape");
            }
        };
    }

    private char fourDigits() {
        int value = 0;
        for (int i = 0; i < 4; i++) {
            // Not Character.digit alone, which takes the digits of any script.
            char c = peek();
            int digit = c < 0x80 ? Character.digit(c, 16) : -1;
            if (digit < 0) {
                throw error("four hexadecimal digits are expected");
            }
            value = value << 4 | digit;
            at++;
        }
        return (char) value;
    }

    private Long number() {
        int start = at;
        if (at < text.length() && text.charAt(at) == '-') {
            at++;
        }
        int digits = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        boolean zeroInFront = at - digits > 1 && text.charAt(digits) == '0';
        if (at == digits || at - digits > MOST_DIGITS || zeroInFront) {
            at = start;
            throw error("a value is expected: an object, an array, a string or a whole number");
        }
        return Long.valueOf(text.substring(start, at));
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw error(word + " is expected");
        }
        at += word.length();
        return value;
    }

    private void skipSpace() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private boolean takes(char c) {
        boolean there = at < text.length() && text.charAt(at) == c;
        at += there ? 1 : 0;
        return there;
    }

    private void expect(char c) {
        if (peek() != c) {
            throw error("'" + c + "' is expected");
        }
        at++;
    }

    private char peek() {
        if (at >= text.length()) {
            throw error("it ends too early");
        }
        return text.charAt(at);
    }

    private IllegalArgumentException error(String what) {
        String before = text.substring(0, Math.min(at, text.length()));
        long line = before.chars().filter(c -> c == '\n').count() + 1;
        int column = before.length() - before.lastIndexOf('\n');
        return new IllegalArgumentException("line " + line + ", column " + column + ": " + what);
    }
}
