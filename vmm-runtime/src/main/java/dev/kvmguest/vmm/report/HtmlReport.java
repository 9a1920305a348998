package dev.kvmguest.vmm.report;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.internal.report.html.HtmlCode;
import dev.kvmguest.vmm.internal.report.html.HtmlComparison;
import dev.kvmguest.vmm.internal.report.html.HtmlConsole;
import dev.kvmguest.vmm.internal.report.html.HtmlFault;
import dev.kvmguest.vmm.internal.report.html.HtmlHeadline;
import dev.kvmguest.vmm.internal.report.html.HtmlInspection;
import dev.kvmguest.vmm.internal.report.html.HtmlMemory;
import dev.kvmguest.vmm.internal.report.html.HtmlRegisters;
import dev.kvmguest.vmm.internal.report.html.HtmlSection;
import dev.kvmguest.vmm.internal.report.html.HtmlSource;
import dev.kvmguest.vmm.internal.report.html.HtmlStandstill;
import dev.kvmguest.vmm.internal.report.html.HtmlText;
import dev.kvmguest.vmm.internal.report.html.HtmlTimeline;
import dev.kvmguest.vmm.internal.report.html.HtmlWriter;
import dev.kvmguest.vmm.internal.report.html.SourceFiles;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A run as one page of HTML that needs no script, no other file and no network. It has all that a {@link TextReport}
 * and a {@link JsonReport} have, with the source lines and a drawing of the memory map. A section with nothing to show
 * is left out.
 *
 * <p>What a guest wrote, and the names in its image, are text on the page, whatever they contain. The page's size is
 * limited however much there is.
 */
public final class HtmlReport {

    private static final int MOST_TITLE = 200;

    private static final String STYLE = "html-report.css";

    /** Nothing may be fetched or executed, even if something that a guest wrote ever passed for markup. */
    private static final String POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

    private HtmlReport() {}

    /** Returns the page of one vCPU's run; source files are looked for in the working directory. */
    public static String of(Outcome outcome) {
        return of(List.of(outcome));
    }

    /** Returns the page of a machine, the vCPUs one below the other; source files as in {@link #of(Outcome)}. */
    public static String of(List<Outcome> outcomes) {
        return of(outcomes, Path.of(""));
    }

    /**
     * Returns the page of a machine, the vCPUs one below the other.
     *
     * @param outcomes how each vCPU ended, at least one
     * @param sources the folder that has the source files named by the image; if a file is missing, only its name and
     *     the line are shown
     */
    public static String of(List<Outcome> outcomes, Path sources) {
        return of(outcomes, new SourceFolders(sources));
    }

    /**
     * Returns the page of a machine, the vCPUs one below the other.
     *
     * @param outcomes how each vCPU ended, at least one
     * @param sources the folders that have the source files named by the images; if a file is missing, only its name
     *     and the line are shown
     */
    public static String of(List<Outcome> outcomes, SourceFolders sources) {
        return of(outcomes, sources, "", outcome -> List.of());
    }

    /**
     * Returns the page of a machine whose run was compared with what is expected of it. What differs comes first.
     *
     * @param outcomes how each vCPU ended, at least one
     * @param sources the folders as in {@link #of(List, SourceFolders)}
     * @param test the name of the test or the check
     * @param mismatches returns in what a vCPU's run is not as expected
     */
    public static String of(
            List<Outcome> outcomes, SourceFolders sources, String test, Function<Outcome, List<Mismatch>> mismatches) {
        HtmlWriter page = begin(title(outcomes, test, mismatches));
        SourceFiles files = new SourceFiles(sources);
        boolean several = outcomes.size() > 1;
        if (several) {
            page.heading(1)
                    .text(guests(outcomes) + ": " + outcomes.size() + " vCPUs")
                    .close();
            page.belowOneHeading();
        }
        outcomes.forEach(outcome -> article(page, outcome, files, several, test, mismatches.apply(outcome)));
        return page.page();
    }

    /**
     * Returns the page of several runs that were compared.
     *
     * @param title what came of it
     * @param findings in what they differ, and where
     * @param headings the columns of a table with a row for each run, the first of which names it
     * @param rows the rows, each with as many cells as there are columns
     * @param notes what else there is to say of the rows, as sentences without a full stop
     * @param reports the report of each run as text, by its name, in order
     */
    public static String ofComparison(
            String title,
            List<Parting> findings,
            List<String> headings,
            List<List<String>> rows,
            List<String> notes,
            Map<String, String> reports) {
        HtmlWriter page = begin(HtmlText.cut(title, MOST_TITLE));
        HtmlComparison.write(page, title, findings, headings, rows, notes, reports);
        return page.page();
    }

    private static HtmlWriter begin(String title) {
        HtmlWriter page = new HtmlWriter();
        page.open("html", "lang", "en").open("head").open("meta", "charset", "utf-8");
        page.open("meta", "http-equiv", "Content-Security-Policy", "content", POLICY);
        page.open("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
        page.open("meta", "name", "color-scheme", "content", "light dark");
        page.element("title", title).style(style()).close();
        page.open("body").open("main");
        return page;
    }

    /** Returns a line that says where a page is, as an address that terminals and IDEs open; without a line end. */
    public static String link(Path page) {
        // A parenthesis is allowed in an address, but many take it for the end of one in a text.
        return "page: "
                + page.toUri()
                        .toString()
                        .replace("(", "%28")
                        .replace(")", "%29")
                        .replace("'", "%27");
    }

    private static String title(List<Outcome> outcomes, String test, Function<Outcome, List<Mismatch>> mismatches) {
        Outcome first = outcomes.stream()
                .filter(outcome -> !outcome.endedNormally())
                .findFirst()
                .orElse(outcomes.get(0));
        boolean failed =
                outcomes.stream().anyMatch(outcome -> !mismatches.apply(outcome).isEmpty());
        return HtmlText.cut(
                (failed ? test + " failed: " : "") + first.run().guest() + " " + first.describe(), MOST_TITLE);
    }

    private static String guests(List<Outcome> outcomes) {
        return outcomes.stream()
                .map(outcome -> outcome.run().guest())
                .distinct()
                .collect(Collectors.joining(", "));
    }

    private static void article(
            HtmlWriter page,
            Outcome outcome,
            SourceFiles files,
            boolean several,
            String test,
            List<Mismatch> mismatches) {
        String vcpu = "vCPU " + outcome.run().vcpu();
        String prefix = "vcpu" + outcome.run().vcpu() + "-";
        page.open("article", "class", several ? "vcpu" : null);
        HtmlHeadline.write(page, outcome, several, test, mismatches);
        List<HtmlSection> sections = sections(outcome, files);
        page.open("nav", "aria-label", several ? "Sections, " + vcpu : "Sections");
        sections.forEach(section -> page.element("a", section.title(), "href", "#" + prefix + section.id()));
        page.close();
        for (HtmlSection section : sections) {
            page.open("section", "id", prefix + section.id());
            page.heading(2).text(section.title()).close();
            section.body().accept(page);
            page.close();
        }
        page.close();
    }

    private static List<HtmlSection> sections(Outcome outcome, SourceFiles files) {
        GuestRun run = outcome.run();
        HtmlCode code = new HtmlCode(files, HtmlRegisters.state(run));
        List<Optional<HtmlSection>> sections = new ArrayList<>();
        sections.add(run.diagnosis().origin().map(HtmlFault::origin));
        sections.add(run.fault().map(HtmlFault::chain));
        sections.add(run.diagnosis().standstill().map(standstill -> HtmlStandstill.section(standstill, code)));
        sections.add(HtmlSource.section(run, files));
        sections.add(run.diagnosis().origin().or(run::fault).flatMap(fault -> HtmlFault.lastInstructions(fault, code)));
        sections.add(run.diagnosis().inspection().flatMap(found -> HtmlInspection.callChain(found, code, files)));
        sections.add(HtmlRegisters.section(run));
        sections.add(HtmlMemory.section(run));
        sections.add(run.diagnosis().inspection().flatMap(HtmlInspection::pageWalk));
        sections.add(run.diagnosis().inspection().flatMap(HtmlInspection::tables));
        sections.add(HtmlTimeline.taken(run.diagnosis().taken(), code));
        sections.add(run.diagnosis().exceptions().flatMap(taken -> HtmlTimeline.exceptions(taken, code)));
        sections.add(HtmlTimeline.timeline(run.diagnosis().timeline(), instructionPointer(run)));
        sections.add(HtmlConsole.console(run));
        sections.add(HtmlConsole.screen(run.screen()));
        sections.add(HtmlTimeline.ports(run));
        sections.add(Optional.of(HtmlHeadline.engine(run)));
        sections.add(Optional.of(HtmlConsole.text(TextReport.brief(outcome))));
        return sections.stream().flatMap(Optional::stream).toList();
    }

    private static String instructionPointer(GuestRun run) {
        return HtmlRegisters.state(run)
                .map(state -> state.nameOf(Register.RIP))
                .orElseGet(Register.RIP::name32)
                .toUpperCase(Locale.ROOT);
    }

    private static String style() {
        try (InputStream in = HtmlReport.class.getResourceAsStream(STYLE)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(STYLE + " can't be read", e);
        }
    }
}
