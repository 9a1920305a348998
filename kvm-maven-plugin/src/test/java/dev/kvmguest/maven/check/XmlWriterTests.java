package dev.kvmguest.maven.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Element;

class XmlWriterTests {

    private final XmlWriter xml = new XmlWriter();

    @Test
    void elementsAreIndentedAndAttributesKeepTheirOrder() {
        Map<String, String> attributes = new LinkedHashMap<>();
        attributes.put("z", "1");
        attributes.put("a", "2");
        xml.start("outer", attributes);
        xml.start("inner", Map.of());
        xml.text("text", Map.of("name", "t"), "some");
        xml.empty("nothing", Map.of());
        xml.end();
        xml.end();

        assertThat(xml.document()).isEqualTo("""
                        <?xml version="1.0" encoding="UTF-8"?>
                        <outer z="1" a="2">
                          <inner>
                            <text name="t">some</text>
                            <nothing/>
                          </inner>
                        </outer>
                        """);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a < b && c > d",
                "]]>",
                "it's \"quoted\"",
                "one\ntwo\r\nthree\rfour",
                "\tcolumns\t",
                "  blanks  ",
                "&#10;",
                "grün \u65e5\u672c \ud83d\ude00"
            })
    void whatAReaderSeesIsWhatWasWritten(String text) throws Exception {
        xml.text("e", Map.of("a", text), text);

        Element element = read(xml.document());

        assertThat(element.getTextContent()).isEqualTo(text);
        assertThat(element.getAttribute("a")).isEqualTo(text);
    }

    @Test
    void charactersThatXmlCannotHaveAreReplaced() throws Exception {
        xml.text("e", Map.of("a", "\u001b[1m"), "\0 \u0007 \u001f \ufffe \uffff \ud800 \udc00!");

        Element element = read(xml.document());

        assertThat(element.getTextContent()).isEqualTo("\\x00 \\x07 \\x1f \ufffd \ufffd \ufffd \ufffd!");
        assertThat(element.getAttribute("a")).isEqualTo("\\x1b[1m");
    }

    @Test
    void documentWithAnElementNotEndedIsRefused() {
        xml.start("outer", Map.of());

        assertThatThrownBy(xml::document)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("outer");
    }

    private static Element read(String document) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(document.getBytes(StandardCharsets.UTF_8)))
                .getDocumentElement();
    }
}
