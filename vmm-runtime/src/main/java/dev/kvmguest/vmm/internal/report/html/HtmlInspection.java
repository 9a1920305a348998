package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Inspection.Frame;
import dev.kvmguest.vmm.diagnosis.Inspection.PageWalk;
import dev.kvmguest.vmm.diagnosis.Inspection.Table;
import dev.kvmguest.vmm.text.Notation;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What the memory of a dead or stuck guest tells: call chain, page walk, descriptor tables. */
public final class HtmlInspection {

    private static final int MOST_ROWS = 300;
    private static final int MEANING = 300;

    private HtmlInspection() {}

    public static Optional<HtmlSection> callChain(Inspection inspection, HtmlCode code, SourceFiles files) {
        return inspection.callChain().isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new HtmlSection("Call chain", page -> callChain(page, inspection.callChain(), code, files)));
    }

    private static void callChain(HtmlWriter page, List<Frame> frames, HtmlCode code, SourceFiles files) {
        HtmlTable table = HtmlTable.begin(page, "goes on at", "function", "line", "call", "how it is known");
        for (Frame frame : frames) {
            table.row(frame.certain() ? null : "guess")
                    .number(code.address(frame.eip()))
                    .cell(frame.symbol().map(HtmlText::name).orElse(""), "symbol")
                    .cell(frame.source().map(HtmlText::name).orElse(""), "dim")
                    .code(line(frame, files))
                    .cell(
                            (frame.interrupted() ? "interrupted, " : "") + (frame.certain() ? "certain" : "a guess"),
                            "dim");
        }
        table.end();
        if (frames.size() >= Inspection.MOST_FRAMES) {
            page.element("p", "There may be more.", "class", "dim");
        }
    }

    private static String line(Frame frame, SourceFiles files) {
        return frame.source()
                .flatMap(source -> files.around(source, 0))
                .map(excerpt -> HtmlText.name(excerpt.text().get(0).strip()))
                .orElse("");
    }

    public static Optional<HtmlSection> pageWalk(Inspection inspection) {
        return inspection.pageWalk().map(walk -> new HtmlSection("Page walk", page -> pageWalk(page, walk)));
    }

    private static void pageWalk(HtmlWriter page, PageWalk walk) {
        page.open("p").text("Of linear address ").element("code", Notation.hex(walk.linear()));
        page.text(": ").element("b", walk.result()).close();
        HtmlTable table = HtmlTable.begin(page, "entry", "at", "value", "what it says");
        for (PageWalk.Level level : walk.levels()) {
            table.row(null)
                    .head(level.name())
                    .number(Notation.hex(level.address()))
                    .number(Notation.hex(level.entry()))
                    .cell(level.meaning(), "words");
        }
        table.end();
    }

    public static Optional<HtmlSection> tables(Inspection inspection) {
        return inspection.tables().isEmpty()
                ? Optional.empty()
                : Optional.of(new HtmlSection(
                        "Descriptor tables", page -> inspection.tables().forEach(table -> table(page, table))));
    }

    private static void table(HtmlWriter page, Table table) {
        page.heading(3).text(table.name() + " ");
        page.element(
                        "span",
                        "at " + Notation.hex(table.base()) + ", limit " + Notation.hex(table.limit()),
                        "class",
                        "dim")
                .close();
        HtmlTable rows = HtmlTable.begin(page, "scroll tall", List.of("entry", "at", "bytes 7 to 0", "what it is"));
        for (Table.Row row : firstOf(table.rows(), MOST_ROWS)) {
            rows.row(null)
                    .head(row.first() == row.last() ? "" + row.first() : row.first() + "\u2013" + row.last())
                    .number(Notation.hex(table.base() + 8L * row.first()))
                    .number(String.format(Locale.ROOT, "%016x", row.raw()))
                    .cell(HtmlText.cut(row.meaning(), MEANING), "words");
        }
        rows.end(table.rows().size() - MOST_ROWS, "");
    }

    private static <T> List<T> firstOf(List<T> list, int most) {
        return list.subList(0, Math.min(most, list.size()));
    }
}
