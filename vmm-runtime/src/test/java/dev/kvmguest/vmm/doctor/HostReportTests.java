package dev.kvmguest.vmm.doctor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.doctor.HostProblem.Kind;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostReportTests {

    private static final HostReport REPORT = new HostReport(
            List.of(
                    new HostProblem(Kind.PROBLEM, "the cat is on the keyboard", "lift the cat"),
                    new HostProblem(Kind.REMARK, "it may come back", "close the door")),
            List.of(
                    section(
                            HostReport.BOOT_MODES,
                            "boot modes",
                            "real",
                            "kvm",
                            "paged-4k",
                            "emulator: it is \"slow\"\n"),
                    section(HostReport.SPEED, "speed", "kvm, boot mode real", 2_345_678L),
                    section(HostReport.CAPABILITIES, "capabilities", "KVM_CAP_HLT", 1L, "KVM_CAP_NR_VCPUS", 8L),
                    section("programs", "programs")));

    @Test
    void theTextHasProblemsFirstAndThenTheSections() {
        assertThat(REPORT.text()).isEqualTo("""
                        what this host can do for guests: 1 problem, 1 remark
                          problem: the cat is on the keyboard
                            way out: lift the cat
                          remark: it may come back
                            way out: close the door
                        boot modes
                          real      kvm
                          paged-4k  emulator: it is "slow"\\x0a
                        speed
                          kvm, boot mode real  2.3 million instructions a second
                        capabilities
                          KVM_CAP_HLT, KVM_CAP_NR_VCPUS=8
                        programs
                          nothing
                        """);
        assertThat(new HostReport(List.of(), List.of()).text())
                .isEqualTo("what this host can do for guests: no problems, no remarks\n");
    }

    @Test
    void longValuesAreBrokenAtSpacesAndNothingIsLost() {
        String flags = "flag ".repeat(200).strip();

        String text = new HostReport(List.of(), List.of(section("processor", "processor", "flags", flags))).text();

        assertThat(text.lines()).allMatch(line -> line.length() <= 120);
        assertThat(text.split("flag\\b")).hasSize(201);
    }

    @Test
    void jsonIsReadBack() {
        assertThat(HostReport.parse(REPORT.json())).isEqualTo(REPORT);
        assertThat(HostReport.parse(REPORT.json()).json()).isEqualTo(REPORT.json());
    }

    @Test
    void jsonHasItsFormAndItsKind() {
        assertThat(REPORT.json()).startsWith("""
                        {
                          "format": 1,
                          "report": "host",
                          "problems": [{
                              "kind": "problem",
                              "what": "the cat is on the keyboard",
                              "wayOut": "lift the cat"
                            }, {
                        """).contains("""
                            "capabilities": {
                              "title": "capabilities",
                              "values": {
                                "KVM_CAP_HLT": 1,
                                "KVM_CAP_NR_VCPUS": 8
                              }
                            },
                        """);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[]|it is no report of a host; kvm:doctor -Dkvm.report=FILE writes one",
                // What kvm:boot writes.
                "{\"format\": 1, \"outcome\": \"halted\"}|it is no report of a host; kvm:doctor -Dkvm.report=FILE writes one",
                "{\"format\": 2, \"report\": \"host\"}|it is of format 2, and this version reads format 1; make both reports with one version of kvm:doctor",
                "{\"format\": 1, \"report\": \"host\"}|the report has the members [format, report], and not [format, problems, report, sections]",
                "{\"format\": 1, \"report\": \"host\", \"problems\": 1, \"sections\": {}}|problems is no array",
                "{\"format\": 1, \"report\": \"host\", \"problems\": [], \"sections\": []}|sections is no object",
                "{\"format\": 1, \"report\": \"host\", \"problems\": [{\"kind\": \"x\", \"what\": \"\", \"wayOut\": \"\"}], \"sections\": {}}|a problem's kind is \"x\", and not problem or remark",
                "{\"format\": 1, \"report\": \"host\", \"problems\": [{\"kind\": \"remark\", \"what\": 1, \"wayOut\": \"\"}], \"sections\": {}}|a problem's what is no string",
                "{\"format\": 1, \"report\": \"host\", \"problems\": [], \"sections\": {\"a\": {\"title\": \"b\"}}}|section a has the members [title], and not [title, values]",
                "{\"format\": 1, \"report\": \"host\", \"problems\": [], \"sections\": {\"a\": {\"title\": \"b\", \"values\": {\"c\": true}}}}|section a: the value of c is neither a string nor a Long: true",
                "{\"format\": 1,|line 1, column 14: it ends too early",
            })
    void whatIsNoReportIsRefusedInWords(String json, String message) {
        assertThatThrownBy(() -> HostReport.parse(json))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void anyTruncationIsRefused() {
        String json = REPORT.json().strip();

        for (int length = 0; length < json.length(); length++) {
            String part = json.substring(0, length);
            assertThatThrownBy(() -> HostReport.parse(part)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aSectionGoesWhereItIsWanted() {
        HostSection more = section("maven", "Maven");

        assertThat(REPORT.withAfter(HostReport.SPEED, more).sections().get(2)).isEqualTo(more);
        assertThat(REPORT.withAfter("no such", more).sections()).hasSize(5).endsWith(more);
        assertThat(REPORT.withAfter(HostReport.SPEED, more).problems()).isEqualTo(REPORT.problems());
    }

    @Test
    void valuesOfOtherTypesAreRefused() {
        assertThatThrownBy(() -> section("s", "s", "name", 1.5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("section s: the value of name is neither a string nor a Long: 1.5");
    }

    static HostSection section(String id, String title, Object... namesAndValues) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            values.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return new HostSection(id, title, values);
    }
}
