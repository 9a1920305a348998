package dev.kvmguest.maven.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.maven.check.CheckResult.Verdict;
import dev.kvmguest.vmm.config.VmmException;
import java.util.List;
import org.junit.jupiter.api.Test;

class SummaryTests {

    private final Summary summary = Summary.empty("today")
            .with(
                    "default",
                    List.of(
                            Runs.passed(Runs.check("b", "good"), ""),
                            Runs.failed(Runs.check("a", "bad <&>")),
                            Runs.notRun(Runs.check("a", "ugly"), new VmmException("no\tKVM\n\u0001"))),
                    List.of("<page> can't be written"),
                    result -> "report of " + result.check() + "\n  <line>");

    @Test
    void countsAndProblemsAreInTheOrderOfTheChecks() {
        assertThat(summary.totals()).isEqualTo("Checks run: 3, failures: 1, errors: 1");
        assertThat(summary.problems())
                .extracting(Summary.Entry::toString)
                .containsExactly(
                        "a / bad <&> failed: expected the guest to end normally, but it triple-faulted",
                        "a / ugly could not be run: no\tKVM\n\u0001");
    }

    @Test
    void whatIsReadIsWhatWasWritten() {
        Summary read = Summary.parse(summary.toXml());

        assertThat(read.build()).isEqualTo("today");
        assertThat(read.complaints()).isEqualTo(summary.complaints()).hasSize(1);
        assertThat(read.entries()).hasSize(3);
        assertThat(read.entries().subList(0, 2)).isEqualTo(summary.entries().subList(0, 2));
        assertThat(read.entries().get(0).report()).isEmpty();
        assertThat(read.entries().get(1).report()).isEqualTo("report of a / bad <&>\n  <line>");
        assertThat(read.entries().get(2).verdict()).isEqualTo(Verdict.ERROR);
        assertThat(read.entries().get(2).reason()).isEqualTo("no\tKVM\n\\x01");
    }

    @Test
    void anotherExecutionAddsAndTheSameOneReplaces() {
        Summary more =
                summary.with("second", List.of(Runs.failed(Runs.check("a", "again"))), List.of("x"), result -> "");
        assertThat(more.totals()).isEqualTo("Checks run: 4, failures: 2, errors: 1");

        Summary repeated =
                more.with("default", List.of(Runs.passed(Runs.check("b", "good"), "")), List.of(), result -> "");
        assertThat(repeated.totals()).isEqualTo("Checks run: 2, failures: 1, errors: 0");
        assertThat(repeated.complaints()).containsExactly(new Summary.Complaint("second", "x"));
    }

    @Test
    void itIsCleanIfAllPassedAndAllWasWritten() {
        List<CheckResult> passed = List.of(Runs.passed(Runs.check("b", "good"), ""));

        assertThat(Summary.empty("1").with("x", passed, List.of(), result -> "").isClean())
                .isTrue();
        assertThat(Summary.empty("1")
                        .with("x", passed, List.of("no page"), result -> "")
                        .isClean())
                .isFalse();
        assertThat(summary.isClean()).isFalse();
    }

    @Test
    void whatIsNoSummaryIsRefused() {
        String cut = summary.toXml().replaceFirst("(?s)<check execution.*?</check>\\s*", "");

        assertThatThrownBy(() -> Summary.parse("build=1"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("this is no summary of kvm:check: ");
        assertThatThrownBy(() -> Summary.parse(cut))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageEndingWith("it has 2 checks and says 3");
    }
}
