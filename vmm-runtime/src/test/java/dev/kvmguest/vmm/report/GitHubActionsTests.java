package dev.kvmguest.vmm.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GitHubActionsTests {

    @TempDir
    private Path workspace;

    @Test
    void nothingIsThereElsewhere() {
        assertThat(GitHubActions.of(Map.of(), workspace)).isEmpty();
        assertThat(GitHubActions.of(Map.of("GITHUB_ACTIONS", "false"), workspace))
                .isEmpty();
    }

    @Test
    void annotationHasFileAndLineInTheWorkspace() {
        assertThat(in(workspace.resolve("module"))
                        .error(Optional.of("src/main/guest/boot.S:3"), "kernel / menu", "dead"))
                .isEqualTo("::error file=module/src/main/guest/boot.S,line=3,title=kernel / menu::dead");
    }

    @Test
    void fileOutsideTheWorkspaceHasItsOwnName() {
        assertThat(in(workspace.resolve("..")).error(Optional.of("boot.S:3"), "t", "m"))
                .isEqualTo("::error file=boot.S,line=3,title=t::m");
        assertThat(new Object[] {in(workspace).error(Optional.of("/usr/lib/crt.S:3"), "t", "m")})
                .containsExactly("::error file=/usr/lib/crt.S,line=3,title=t::m");
    }

    @Test
    void failureWithoutAPlaceHasATitleOnly() {
        assertThat(in(workspace).error(Optional.empty(), "t", "m")).isEqualTo("::error title=t::m");
        assertThat(in(workspace).error(Optional.of("ld.lld"), "t", "m")).isEqualTo("::error title=t::m");
    }

    @Test
    void whatWouldEndACommandIsEscaped() {
        assertThat(in(workspace).error(Optional.of("a,b:c.S:3"), "100 %: a, b\n", "50 %\r\n::error::x, y\n"))
                .isEqualTo("::error file=a%2Cb%3Ac.S,line=3,title=100 %25%3A a%2C b::50 %25%0D%0A::error::x, y");
    }

    @Test
    void placeIsThatOfTheFaultOrOfTheFailedAssertion() {
        assertThat(GitHubActions.place(new Outcome.TripleFault(Examples.withFault(Examples.sseFault(), false))))
                .contains("src/common.c:6");
        assertThat(GitHubActions.place(new Outcome.DebugExit(1, Examples.withFailedTest())))
                .contains("memory.c:42");
        assertThat(GitHubActions.place(new Outcome.TripleFault(Examples.bare())))
                .isEmpty();
    }

    @Test
    void summaryIsAddedToWhatIsThere() throws IOException {
        Path file = Files.writeString(workspace.resolve("summary.md"), "before\n");
        Map<String, String> environment = new HashMap<>(Map.of("GITHUB_ACTIONS", "true"));
        GitHubActions.of(environment, workspace).orElseThrow().summarize("nowhere");
        environment.put("GITHUB_STEP_SUMMARY", file.toString());

        GitHubActions.of(environment, workspace).orElseThrow().summarize("after\n");

        assertThat(file).hasContent("before\nafter\n");
    }

    @Test
    void cellOfATableHoldsAnyText() {
        assertThat(GitHubActions.cell("a|b\n<script> & `c` *d* e_f\\\n"))
                .isEqualTo("a\\|b<br>&lt;script> &amp; \\`c\\` \\*d\\* e\\_f\\\\");
    }

    private GitHubActions in(Path sources) {
        return GitHubActions.of(Map.of("GITHUB_ACTIONS", "true", "GITHUB_WORKSPACE", workspace.toString()), sources)
                .orElseThrow();
    }
}
