package dev.kvmguest.vmm.report;

import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/** Pages as their readers see them. */
public final class Pages {

    private Pages() {}

    /** Parses a page as XML, which fails unless it is well-formed. */
    public static Document parse(String page) {
        try {
            DocumentBuilder parser = DocumentBuilderFactory.newInstance().newDocumentBuilder();
            parser.setErrorHandler(null);
            return parser.parse(new InputSource(new StringReader(page)));
        } catch (Exception e) {
            throw new AssertionError("not well-formed: " + e.getMessage() + "\n" + page, e);
        }
    }

    /** Returns the headings of the page's sections, in order. */
    static List<String> sections(Document page) {
        List<String> titles = new ArrayList<>();
        for (Element section : elements(page.getDocumentElement(), "section")) {
            titles.add(elements(section, "h2").get(0).getTextContent());
        }
        return titles;
    }

    /** Returns the text of the first section with this heading, blanks between its parts and nowhere in a row. */
    static String section(Document page, String title) {
        return text(sectionElement(page, title));
    }

    /** Returns the first section with this heading. */
    static Element sectionElement(Document page, String title) {
        return elements(page.getDocumentElement(), "section").stream()
                .filter(section ->
                        elements(section, "h2").get(0).getTextContent().equals(title))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no section " + title + " among " + sections(page)));
    }

    /** Returns the text of an element, blanks between its parts and nowhere in a row. */
    public static String text(Element element) {
        StringBuilder text = new StringBuilder();
        append(text, element);
        return text.toString().replaceAll("\\s+", " ").strip();
    }

    private static void append(StringBuilder text, Node node) {
        if (node.getNodeType() == Node.TEXT_NODE) {
            text.append(node.getNodeValue());
        }
        boolean cell = List.of("td", "th", "dt", "dd").contains(node.getNodeName());
        text.append(cell ? " " : "");
        for (Node child = node.getFirstChild(); child != null; child = child.getNextSibling()) {
            append(text, child);
        }
        text.append(cell ? " " : "");
    }

    /** Returns the elements with this name within another, in order. */
    public static List<Element> elements(Element root, String name) {
        NodeList nodes = root.getElementsByTagName(name);
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            elements.add((Element) nodes.item(i));
        }
        return elements;
    }
}
