package dev.kvmguest.maven.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.VmmException;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;

class JUnitXmlTests {

    private static final GuestCheck CHECK = Runs.check("kernel", "menu");

    @Test
    void suiteCountsAndNamesItsCases() throws Exception {
        Element suite = suite(
                Runs.passed(CHECK, ""),
                Runs.failed(CHECK),
                Runs.failed(CHECK),
                Runs.notRun(CHECK, new VmmException("")));

        assertThat(suite.getTagName()).isEqualTo("testsuite");
        assertThat(suite.getAttribute("name")).isEqualTo("kvm.kernel");
        assertThat(suite.getAttribute("tests")).isEqualTo("4");
        assertThat(suite.getAttribute("failures")).isEqualTo("2");
        assertThat(suite.getAttribute("errors")).isEqualTo("1");
        assertThat(suite.getAttribute("skipped")).isEqualTo("0");
        assertThat(suite.getAttribute("time")).isEqualTo("3.012");
        Element first = nth(suite, "testcase", 0);
        assertThat(first.getAttribute("name")).isEqualTo("menu");
        assertThat(first.getAttribute("classname")).isEqualTo("kvm.kernel");
        assertThat(first.getAttribute("time")).isEqualTo("0.012");
    }

    @Test
    void passedCaseHasTheConsoleOnly() throws Exception {
        Element suite = suite(Runs.passed(CHECK, "9 x 9 = 81\n\u001b[0m"));

        assertThat(nth(suite, "system-out", 0).getTextContent()).isEqualTo("9 x 9 = 81\n\\x1b[0m");
        assertThat(suite.getElementsByTagName("failure").getLength()).isZero();
        assertThat(suite.getElementsByTagName("error").getLength()).isZero();
    }

    @Test
    void failureHasTheReasonAndTheWholeReport() throws Exception {
        Element suite = suite(Runs.failed(CHECK));

        Element failure = nth(suite, "failure", 0);
        assertThat(failure.getAttribute("message"))
                .isEqualTo("expected the guest to end normally, but it triple-faulted");
        assertThat(failure.getAttribute("type")).isEqualTo("triple-fault");
        assertThat(failure.getTextContent())
                .startsWith("expected the guest to end normally, but it triple-faulted\n"
                        + "guest kernel (boot protected) triple-faulted, after 3.0 ms of wall time on kvm\n")
                .contains("  | dying\n");
        assertThat(nth(suite, "system-out", 0).getTextContent()).isEqualTo("dying\n");
    }

    @Test
    void errorOfTheHostOrThePomIsItsMessage() throws Exception {
        Element suite = suite(
                Runs.notRun(CHECK, new VmmException("no /dev/kvm")),
                Runs.notRun(CHECK, new NoSuchFileException("kernel.elf")));

        assertThat(nth(suite, "error", 0).getAttribute("message")).isEqualTo("no /dev/kvm");
        assertThat(nth(suite, "error", 0).getAttribute("type")).isEqualTo("dev.kvmguest.vmm.config.VmmException");
        assertThat(nth(suite, "error", 0).getTextContent()).isEqualTo("no /dev/kvm");
        assertThat(nth(suite, "error", 1).getAttribute("message")).isEqualTo("kernel.elf: there is no such file");
        assertThat(suite.getElementsByTagName("system-out").getLength()).isZero();
    }

    @Test
    void unforeseenErrorHasItsStackTrace() throws Exception {
        Element suite = suite(Runs.notRun(CHECK, new IllegalStateException("broken")));

        assertThat(nth(suite, "error", 0).getAttribute("message")).isEqualTo("java.lang.IllegalStateException: broken");
        assertThat(nth(suite, "error", 0).getTextContent()).contains("\tat " + JUnitXmlTests.class.getName());
    }

    private static Element suite(CheckResult... results) throws Exception {
        String document = JUnitXml.of("kernel", List.of(results), JUnitXml::testCase);
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(document.getBytes(StandardCharsets.UTF_8)))
                .getDocumentElement();
    }

    private static Element nth(Element parent, String name, int index) {
        return (Element) parent.getElementsByTagName(name).item(index);
    }
}
