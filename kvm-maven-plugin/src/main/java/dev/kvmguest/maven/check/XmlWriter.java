package dev.kvmguest.maven.check;

import dev.kvmguest.vmm.text.ConsoleText;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;

/**
 * Writes an XML 1.0 document, two spaces a level, lines ended by LF. What a guest writes can have characters that no
 * XML document may hold, not even by number: a control character becomes {@code \x1b}, any other U+FFFD.
 */
final class XmlWriter {

    private static final int REPLACEMENT = 0xfffd;

    private final StringBuilder out;
    private final int depth;
    private final Deque<String> open = new ArrayDeque<>();

    /** Starts a document. */
    XmlWriter() {
        this("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", 0);
    }

    private XmlWriter(String start, int depth) {
        this.out = new StringBuilder(start);
        this.depth = depth;
    }

    /** Returns a writer of elements for a document in which so many elements are open. */
    static XmlWriter below(int depth) {
        return new XmlWriter("", depth);
    }

    /** Starts an element that will hold elements. */
    void start(String name, Map<String, String> attributes) {
        tag(name, attributes);
        out.append(">\n");
        open.push(name);
    }

    /** Ends the element that was started last. */
    void end() {
        String name = open.pop();
        indent();
        out.append("</").append(name).append(">\n");
    }

    /** Writes an element that holds text. */
    void text(String name, Map<String, String> attributes, String text) {
        tag(name, attributes);
        out.append('>');
        escape(text, false);
        out.append("</").append(name).append(">\n");
    }

    /** Writes elements that a writer {@link #below} this one's open element has made. */
    void elements(String made) {
        out.append(made);
    }

    /** Writes an element that holds nothing. */
    void empty(String name, Map<String, String> attributes) {
        tag(name, attributes);
        out.append("/>\n");
    }

    /** Returns the document or the elements, once every element is ended. */
    String document() {
        if (!open.isEmpty()) {
            throw new IllegalStateException("elements not ended: " + open);
        }
        return out.toString();
    }

    private void tag(String name, Map<String, String> attributes) {
        indent();
        out.append('<').append(name);
        attributes.forEach((key, value) -> {
            out.append(' ').append(key).append("=\"");
            escape(value, true);
            out.append('"');
        });
    }

    private void indent() {
        out.append("  ".repeat(depth + open.size()));
    }

    private void escape(String text, boolean attribute) {
        text.codePoints().forEach(c -> {
            switch (c) {
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '&' -> out.append("&amp;");
                case '"' -> out.append(attribute ? "&quot;" : "\"");
                // A reader would turn it into LF.
                case '\r' -> out.append("&#13;");
                // A reader would turn them into blanks.
                case '\n', '\t' -> out.append(attribute ? "&#" + c + ";" : Character.toString(c));
                default -> other(c);
            }
        });
    }

    private void other(int c) {
        if (c < ' ') {
            out.append(ConsoleText.escaped(c));
        } else {
            // XML 1.0, section 2.2, "Characters".
            boolean allowed = c <= 0xd7ff || c >= 0xe000 && c <= 0xfffd || c >= 0x1_0000;
            out.appendCodePoint(allowed ? c : REPLACEMENT);
        }
    }
}
