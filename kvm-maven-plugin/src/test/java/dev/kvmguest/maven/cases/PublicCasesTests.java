package dev.kvmguest.maven.cases;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.kvmguest.maven.toolchain.PinnedToolchain;
import dev.kvmguest.maven.toolchain.Toolchain;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Mistakes from public bug reports, and what a reader of the report must be able to see. */
@EnabledIf(
        value = "dev.kvmguest.maven.cases.PublicCase#areHere",
        disabledReason = "there are no cases in ../shared/cases, nor where the system property kvmguest.cases says")
class PublicCasesTests {

    @TempDir
    static Path temp;

    @TestFactory
    List<DynamicTest> reportShowsTheCause() throws Exception {
        Toolchain toolchain = PinnedToolchain.find();
        Map<String, Facts> facts = Facts.read();
        return PublicCase.in(PublicCase.folder().get(0)).stream()
                .filter(guest -> facts.containsKey(guest.name()))
                .map(guest -> dynamicTest(guest.name(), () -> check(guest, facts.get(guest.name()), toolchain)))
                .toList();
    }

    private static void check(PublicCase guest, Facts facts, Toolchain toolchain) throws Exception {
        Outcome outcome = guest.run(toolchain, temp);
        String report = TextReport.brief(outcome);
        assertThat(facts.missedBy(report)).as(report).isEmpty();
    }

    @Test
    void everyCaseHasItsFacts() throws Exception {
        List<String> names = PublicCase.in(PublicCase.folder().get(0)).stream()
                .map(PublicCase::name)
                .toList();

        assertThat(Facts.read().keySet()).containsExactlyInAnyOrderElementsOf(names);
    }
}
