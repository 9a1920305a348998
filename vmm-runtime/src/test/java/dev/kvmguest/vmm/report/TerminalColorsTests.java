package dev.kvmguest.vmm.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.outcome.Outcome;
import org.junit.jupiter.api.Test;

class TerminalColorsTests {

    @Test
    void headlineIsRedAdviceYellowAndAddressesFaint() {
        assertThat(TerminalColors.color("""
                guest kernel triple-faulted
                  #UD in memset
                  advice: compile it
                    with -mno-sse
                  last instructions:
                    80001d3f  memset  ud2
                    7c00  hlt
                  warning: too near
                  | advice: of the guest
                """))
                .isEqualTo("""
                <1;31>guest kernel triple-faulted<>
                  #UD in memset
                <1;33>  advice: compile it<>
                <1;33>    with -mno-sse<>
                  last instructions:
                    <2>80001d3f<>  memset  ud2
                    <2>7c00<>  hlt
                <1;33>  warning: too near<>
                  | advice: of the guest
                """.replace("<", "\u001b[").replace(">", "m"));
    }

    @Test
    void whatTheReportSaysStaysTheSame() {
        String report = TextReport.brief(new Outcome.TripleFault(DiagnosedRuns.died()));

        assertThat(TerminalColors.color(report).replaceAll("\u001b\\[[0-9;]*m", ""))
                .isEqualTo(report);
        assertThat(TerminalColors.color("one line")).isEqualTo("\u001b[1;31mone line\u001b[m");
        assertThat(TerminalColors.color("")).isEmpty();
    }

    @Test
    void guestCanNotColourAnything() {
        String report = TextReport.brief(new Outcome.TripleFault(Examples.withConsole("\u001b[31m  advice: x\n")));

        assertThat(TerminalColors.color(report)).endsWith("  | \\x1b[31m  advice: x\n");
    }
}
