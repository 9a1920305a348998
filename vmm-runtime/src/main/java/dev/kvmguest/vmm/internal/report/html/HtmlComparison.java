package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.diagnosis.Parting;
import java.util.List;
import java.util.Map;

/** A page of runs that were compared: what differs, a row for each, and the report of each. */
public final class HtmlComparison {

    private static final int MOST_TEXT = 100_000;

    private HtmlComparison() {}

    /** Writes it all, below the body of a page. */
    public static void write(
            HtmlWriter page,
            String title,
            List<Parting> findings,
            List<String> headings,
            List<List<String>> rows,
            List<String> notes,
            Map<String, String> reports) {
        page.heading(1).text(title).close();
        for (Parting finding : findings) {
            page.open("p", "class", "divergence").text(finding.sentence()).close();
            finding.at().ifPresent(at -> HtmlHeadline.parting(page, at));
        }
        page.open("section", "id", "runs");
        page.heading(2).text("Runs").close();
        HtmlTable table = HtmlTable.begin(page, "scroll", headings);
        for (List<String> row : rows) {
            table.row(null).head(row.get(0));
            row.subList(1, row.size()).forEach(cell -> table.cell(cell, null));
        }
        table.end();
        notes.forEach(note -> page.element("p", note));
        page.close();
        int number = 0;
        for (Map.Entry<String, String> report : reports.entrySet()) {
            page.open("section", "id", "run" + number++);
            page.heading(2).text(report.getKey()).close();
            page.open("pre", "tabindex", "0")
                    .open("code")
                    .wholeText(HtmlText.cut(report.getValue(), MOST_TEXT))
                    .close()
                    .close();
            page.close();
        }
    }
}
