package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.outcome.GuestRun;
import java.util.Optional;

/** The source lines around the place where a guest died, halted or was last seen. */
public final class HtmlSource {

    private static final int AROUND = 6;
    private static final int WIDTH = 300;

    private HtmlSource() {}

    public static Optional<HtmlSection> section(GuestRun run, SourceFiles files) {
        return run.fault()
                .map(fault -> fault.at())
                .or(() -> run.diagnosis().standstill().map(Standstill::at))
                .flatMap(GuestInstruction::source)
                .flatMap(source -> files.around(source, AROUND))
                .map(excerpt -> new HtmlSection("Source", page -> write(page, excerpt)));
    }

    private static void write(HtmlWriter page, SourceFiles.Excerpt excerpt) {
        page.element("p", HtmlText.name(excerpt.file()), "class", "dim");
        page.open("div", "class", "scroll", "tabindex", "0").open("table", "class", "code");
        for (int i = 0; i < excerpt.text().size(); i++) {
            int number = excerpt.first() + i;
            boolean here = number == excerpt.line();
            page.open("tr", "class", here ? "here" : null);
            page.element("th", Integer.toString(number), "scope", "row");
            page.open("td").text(HtmlText.cut(excerpt.text().get(i), WIDTH));
            if (here) {
                page.element("span", "\u25c0", "class", "pointer", "title", "here", "aria-label", "here");
            }
            page.close().close();
        }
        page.close().close();
    }
}
