package dev.kvmguest.maven.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.report.GitHubActions;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GitHubReportTests {

    private static final GitHubActions GITHUB =
            GitHubActions.of(Map.of("GITHUB_ACTIONS", "true"), Path.of("")).orElseThrow();

    @Test
    void eachFailureIsAnAnnotation() {
        List<String> lines = GitHubReport.annotations(
                GITHUB,
                List.of(
                        Runs.passed(Runs.check("kernel", "good"), ""),
                        Runs.failed(Runs.check("kernel", "bad")),
                        Runs.notRun(Runs.check("kernel", "ugly"), new VmmException("no KVM"))));

        assertThat(lines)
                .containsExactly(
                        "::error title=kernel / bad::expected the guest to end normally, but it triple-faulted%0Aguest"
                                + " kernel (boot protected) triple-faulted, after 3.0 ms of wall time on kvm",
                        "::error title=kernel / ugly::no KVM");
    }

    @Test
    void eachErrorOfACompilerIsAnAnnotationAtItsLineAndOnlyOne() {
        GuestCheck one = Runs.check("kernel", "one").withObstacle("2 errors:\nsrc/a.S:3: bad: x\nsrc/b.c:14: worse");
        GuestCheck other = Runs.check("kernel", "two").withObstacle("2 errors:\nsrc/a.S:3: bad: x\nsrc/b.c:14: worse");

        assertThat(GitHubReport.annotations(GITHUB, List.of(notRun(one), notRun(other))))
                .containsExactly(
                        "::error file=src/a.S,line=3,title=guest kernel was not built::bad: x",
                        "::error file=src/b.c,line=14,title=guest kernel was not built::worse");
        assertThat(GitHubReport.annotations(GITHUB, "kernel", "1 error in src/a.S:3: bad"))
                .containsExactly("::error file=src/a.S,line=3,title=guest kernel was not built::bad");
        assertThat(GitHubReport.annotations(GITHUB, "kernel", "the folder x does not exist"))
                .containsExactly("::error title=guest kernel was not built::the folder x does not exist");
    }

    @Test
    void tableHasALineForEachCheck() {
        assertThat(GitHubReport.table(List.of(
                        Runs.passed(Runs.check("kernel", "a|b"), ""), Runs.failed(Runs.check("kernel", "bad")))))
                .isEqualTo("""
                        ### Guests: 1 of 2 checks did not pass

                        | Guest | Check | Verdict | Why |
                        |---|---|---|---|
                        | kernel | a\\|b | PASS |  |
                        | kernel | bad | FAIL | expected the guest to end normally, but it triple-faulted |

                        """);
    }

    @Test
    void tableHasPointsIfThereAreAny() {
        assertThat(GitHubReport.table(List.of(
                        Runs.passed(Runs.check("kernel", "good", "2"), ""),
                        Runs.passed(Runs.check("kernel", "x"), ""))))
                .startsWith("### Guests: all 2 checks passed\n")
                .contains("| kernel | good | PASS | 2 of 2 |  |\n", "| kernel | x | PASS | 0 of 0 |  |\n");
    }

    private static CheckResult notRun(GuestCheck check) {
        return Runs.notRun(check, new VmmException(check.obstacle().orElseThrow()));
    }
}
