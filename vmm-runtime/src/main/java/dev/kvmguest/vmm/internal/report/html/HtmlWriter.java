package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.text.ConsoleText;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;

/**
 * Writes HTML that is well-formed XML too. Whatever text it is given comes out as text: its markup has no effect, and
 * characters that would move the reader's eye or that no page may have, such as control characters, are shown by their
 * codes.
 */
public final class HtmlWriter {

    /** No sentence is longer, and a page has some hundred of them. */
    private static final int MOST_TEXT = 1500;

    private static final Set<String> VOID = Set.of("meta", "img", "br");

    private final StringBuilder out = new StringBuilder("<!DOCTYPE html>\n");
    private final Deque<String> open = new ArrayDeque<>();
    private int depth;

    /**
     * Begins an element.
     *
     * @param attributes names and values by turns; one whose value is null is left out
     */
    public HtmlWriter open(String element, String... attributes) {
        out.append('<').append(element);
        for (int i = 0; i < attributes.length; i += 2) {
            if (attributes[i + 1] != null) {
                out.append(' ').append(attributes[i]).append("=\"");
                escape(attributes[i + 1]);
                out.append('"');
            }
        }
        if (VOID.contains(element)) {
            out.append("/>");
        } else {
            out.append('>');
            open.push(element);
        }
        return this;
    }

    /**
     * Begins a heading.
     *
     * @param level 1 to 3, counted from {@link #belowOneHeading} on
     */
    public HtmlWriter heading(int level) {
        return open("h" + (depth + level));
    }

    /** Puts all headings that come one level down, below one for them all. */
    public void belowOneHeading() {
        depth = 1;
    }

    /** Ends the element that was begun last. */
    public HtmlWriter close() {
        String element = open.pop();
        out.append("</").append(element).append('>');
        if (!isInline(element)) {
            out.append('\n');
        }
        return this;
    }

    /** Writes text into the element that is open, cut if it is longer than any that a person would read. */
    public HtmlWriter text(String text) {
        return wholeText(HtmlText.cut(text, MOST_TEXT));
    }

    /** Writes text into the element that is open, at any length. */
    HtmlWriter wholeText(String text) {
        escape(text);
        return this;
    }

    /** Writes an element with nothing but text in it; attributes as {@link #open} takes them. */
    public HtmlWriter element(String element, String text, String... attributes) {
        return open(element, attributes).text(text).close();
    }

    /** Writes a style sheet of our own, which has none of the characters that mean something in XML. */
    public HtmlWriter style(String css) {
        open("style");
        out.append(css);
        return close();
    }

    /** Ends all elements and returns the page. */
    public String page() {
        while (!open.isEmpty()) {
            close();
        }
        return out.toString();
    }

    private static boolean isInline(String element) {
        return switch (element) {
            case "span", "code", "b", "a", "td", "th", "mark", "text", "tspan", "dt", "dd" -> true;
            default -> false;
        };
    }

    private void escape(String text) {
        text.codePoints().forEach(c -> {
            switch (c) {
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '&' -> out.append("&amp;");
                case '"' -> out.append("&quot;");
                case '\n', '\t' -> out.append((char) c);
                default -> {
                    if (isHarmless(c)) {
                        out.appendCodePoint(c);
                    } else {
                        out.append(ConsoleText.escaped(c));
                    }
                }
            }
        });
    }

    /** Returns whether a character may be in XML 1.0, is seen, and leaves the direction of the text as it is. */
    private static boolean isHarmless(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> (c & 0xfffe) != 0xfffe;
        };
    }
}
