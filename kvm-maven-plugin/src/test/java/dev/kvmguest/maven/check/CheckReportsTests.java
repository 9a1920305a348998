package dev.kvmguest.maven.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.outcome.Screen;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckReportsTests {

    @TempDir
    private Path target;

    private Path folder;

    @BeforeEach
    void nameFolder() {
        folder = target.resolve("kvm-reports");
    }

    @Test
    void everyGuestHasAnXmlFileAndEveryCheckAJsonFile() throws IOException {
        write(
                "1",
                "default",
                List.of(
                        Runs.passed(Runs.check("kernel", "menu: first/line"), "hi"),
                        Runs.failed(Runs.check("other", "x")),
                        Runs.notRun(Runs.check("kernel", "quit"), new VmmException("no /dev/kvm"))));

        assertThat(folder).isDirectoryContaining("glob:**/TEST-kvm.kernel.xml");
        assertThat(Files.readString(folder.resolve("TEST-kvm.kernel.xml"))).contains("tests=\"2\"");
        assertThat(Files.readString(folder.resolve("TEST-kvm.other.xml"))).contains("tests=\"1\"");
        assertThat(Files.readString(folder.resolve("kernel-menu__first_line.json")))
                .contains("\"outcome\": \"debug-exit\"");
        assertThat(Files.readString(folder.resolve("other-x.json")))
                .contains(
                        "\"outcome\": \"triple-fault\"",
                        "\"mismatches\": [\"expected the guest to end normally, but it triple-faulted\"]");
        assertThat(Files.readString(folder.resolve("kernel-quit.json")))
                .contains("\"mismatches\": null", "\"outcome\": \"unsupported\"", "\"engineReason\": \"no /dev/kvm\"");
    }

    @Test
    void checkThatFailedHasAPictureOfItsScreen() throws IOException {
        Screen screen = Screen.of(new byte[] {'!', 7}, OptionalInt.empty());
        Path picture = folder.resolve("kernel-menu_1.png");
        GuestCheck check = Runs.check("kernel", "menu 1");

        write("1", "default", List.of(Runs.failed(check, screen)));
        assertThat(picture).hasBinaryContent(screen.toPng());

        write("2", "default", List.of(Runs.passed(check, screen)));
        assertThat(picture).doesNotExist();

        write("3", "default", List.of(Runs.failed(check, Screen.BLANK)));
        write("3", "default", List.of(Runs.notRun(check, new VmmException("no /dev/kvm"))));
        assertThat(picture).doesNotExist();
    }

    @Test
    void checkThatFailedHasAPageAndTheSummaryAReportThatNamesIt() throws IOException {
        Path page = folder.resolve("kernel-menu_1.html");
        GuestCheck check = Runs.check("kernel", "menu 1");

        Summary failed = write("1", "default", List.of(Runs.failed(check)));
        assertThat(page)
                .content()
                .contains("<b>kernel / menu 1</b> failed", "<b>kernel</b> triple-faulted", "<code>dying");
        assertThat(failed.entries().get(0).report()).startsWith("""
                        kernel / menu 1 failed
                          expected: the guest to end normally
                          found:    it triple-faulted
                        guest kernel (boot protected) triple-faulted""").endsWith("  | dying\npage: " + page.toUri());

        Summary passed = write("2", "default", List.of(Runs.passed(check, "")));
        assertThat(page).doesNotExist();
        assertThat(passed.entries().get(0).report()).isEmpty();
    }

    @Test
    void guestThatCouldNotBeRunHasNoPage() throws IOException {
        GuestCheck check = Runs.check("kernel", "menu");
        write("1", "default", List.of(Runs.failed(check)));

        Summary summary = write("1", "default", List.of(Runs.notRun(check, new VmmException("no /dev/kvm"))));

        assertThat(folder.resolve("kernel-menu.html")).doesNotExist();
        assertThat(summary.entries().get(0).report()).isEqualTo("kernel / menu could not be run\n  no /dev/kvm");
    }

    @Test
    void summaryIsThisBuildsOnly() throws IOException {
        assertThat(reports("1").summary()).isEmpty();

        Summary written = write("1", "default", List.of(Runs.passed(Runs.check("kernel", "menu"), "")));

        assertThat(reports("1").summary()).contains(written);
        assertThat(reports("2").summary()).isEmpty();
    }

    @Test
    void executionsOfABuildAddUpAndThoseOfAnEarlierOneDoNot() throws IOException {
        write("1", "first", List.of(Runs.failed(Runs.check("kernel", "menu"))));

        write("2", "first", List.of(Runs.passed(Runs.check("kernel", "menu"), "")));
        Summary summary = write("2", "second", List.of(Runs.failed(Runs.check("other", "x"))));

        assertThat(summary.totals()).isEqualTo("Checks run: 2, failures: 1, errors: 0");
    }

    @Test
    void staleResultsAreRemovedAndThisBuildsStay() throws IOException {
        write("1", "default", List.of(Runs.failed(Runs.check("former", "x"))));
        Files.writeString(folder.resolve("notes.xml"), "not ours");

        reports("1").removeStale(List.of());
        assertThat(folder).isDirectoryContaining("glob:**/TEST-kvm.former.xml");

        reports("2").removeStale(List.of());
        assertThat(folder.resolve("TEST-kvm.former.xml")).doesNotExist();
        assertThat(folder.resolve(Summary.FILE_NAME)).doesNotExist();
        assertThat(folder.resolve("notes.xml")).exists();
    }

    @Test
    void damagedSummaryIsStaleForAWriterAndAnErrorForAReader() throws IOException {
        Files.createDirectories(folder);
        Path summary = Files.writeString(folder.resolve(Summary.FILE_NAME), "<kvm-summary");

        assertThatThrownBy(() -> reports("1").summary())
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(summary + ": this is no summary of kvm:check: ")
                .hasMessageEndingWith("; delete it");
        reports("1").removeStale(List.of());
        assertThat(summary).doesNotExist();
    }

    @Test
    void nothingToRemoveIsNoError() throws IOException {
        reports("1").removeStale(List.of());

        assertThat(folder).doesNotExist();
    }

    @Test
    void whatAGuestHasDoneIsThereWhenItsNextCheckBreaksOff() throws IOException {
        CheckReports reports = reports("1");
        reports.removeStale(List.of(Runs.check("kernel", "first"), Runs.check("kernel", "second")));

        reports.write(Runs.failed(Runs.check("kernel", "first")));

        assertThat(folder.resolve("kernel-first.json")).exists();
        assertThat(folder.resolve("kernel-first.html")).exists();
        assertThat(folder.resolve("TEST-kvm.kernel.xml"))
                .content()
                .contains("tests=\"1\"", "name=\"first\"")
                .endsWith("</testsuite>\n");
        assertThat(folder.resolve(Summary.FILE_NAME)).doesNotExist();

        reports.write(Runs.passed(Runs.check("kernel", "second"), ""));
        assertThat(folder.resolve("TEST-kvm.kernel.xml")).content().contains("tests=\"2\"", "name=\"second\"");
    }

    @Test
    void whatAnEarlierBuildSaysOfACheckIsGoneBeforeItRuns() {
        GuestCheck check = Runs.check("kernel", "menu");
        write("1", "default", List.of(Runs.failed(check)));

        reports("2").removeStale(List.of(check));

        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void checksAreInTheOrderOfThePomHoweverTheyEnded() throws IOException {
        CheckResult first = Runs.passed(Runs.check("kernel", "first"), "");
        CheckResult second = Runs.passed(Runs.check("kernel", "second"), "");
        CheckReports reports = reports("1");

        reports.write(second);
        reports.write(first);
        reports.write("default", List.of(first, second));

        assertThat(Files.readString(folder.resolve("TEST-kvm.kernel.xml"))).containsSubsequence("first", "second");
    }

    @Test
    void fileThatCannotBeWrittenIsAComplaintAndTheOthersAreThere() throws IOException {
        Path page = Files.createDirectories(folder.resolve("kernel-menu.html"));

        Summary summary = write("1", "default", List.of(Runs.failed(Runs.check("kernel", "menu"))));

        assertThat(page).isEmptyDirectory();
        assertThat(folder.resolve("kernel-menu.json")).exists();
        assertThat(folder.resolve("TEST-kvm.kernel.xml")).exists();
        assertThat(summary.entries().get(0).report())
                .contains("\nguest kernel (boot protected) triple-faulted")
                .doesNotContain("page: ");
        assertThat(summary.complaints()).singleElement().satisfies(complaint -> assertThat(complaint.text())
                .startsWith(page + " can't be written: "));
        assertThat(summary.isClean()).isFalse();
        assertThat(reports("1").summary()).contains(summary);
    }

    @Test
    void folderThatCannotBeMadeLeavesTheVerdicts() throws IOException {
        Files.createFile(folder);
        CheckReports reports = reports("1");
        reports.complain("no lock");

        Summary summary = write(reports, "default", List.of(Runs.failed(Runs.check("kernel", "menu"))));

        assertThat(reports.isSummaryWritten()).isFalse();
        assertThat(summary.totals()).isEqualTo("Checks run: 1, failures: 1, errors: 0");
        assertThat(summary.complaints())
                .extracting(Summary.Complaint::text)
                .contains("no lock")
                .anyMatch(text -> text.startsWith(folder.resolve(Summary.FILE_NAME) + " can't be written: "));
    }

    @Test
    void pointsAreATableWithATotalForEachGuest() throws IOException {
        Path table = folder.resolve("points.csv");
        write(
                "1",
                "first",
                List.of(
                        Runs.passed(Runs.check("kernel", "boots", "2.5"), ""),
                        Runs.failed(Runs.check("kernel", "counts, \"twice\"", "5")),
                        Runs.notRun(Runs.check("shell", "x", "1"), new VmmException("no"))));
        Summary summary = write("1", "second", List.of(Runs.passed(Runs.check("kernel", "extra"), "")));

        assertThat(table).hasContent("""
                guest,check,points,of,verdict
                kernel,boots,2.5,2.5,PASS
                kernel,"counts, ""twice\""",0,5,FAIL
                kernel,extra,0,0,PASS
                kernel,total,2.5,7.5,FAIL
                shell,x,0,1,ERROR
                shell,total,0,1,ERROR
                """);
        assertThat(summary.points()).contains("Points:\n  kernel  2.5 of 7.5\n  shell   0 of 1");

        write("2", "first", List.of(Runs.passed(Runs.check("kernel", "boots"), "")));
        assertThat(table).doesNotExist();
    }

    private Summary write(String build, String execution, List<CheckResult> results) {
        return write(reports(build), execution, results);
    }

    private static Summary write(CheckReports reports, String execution, List<CheckResult> results) {
        reports.removeStale(results.stream().map(CheckResult::check).toList());
        results.forEach(reports::write);
        return reports.write(execution, results);
    }

    private CheckReports reports(String build) {
        return new CheckReports(folder, build, new SourceFolders(target));
    }
}
