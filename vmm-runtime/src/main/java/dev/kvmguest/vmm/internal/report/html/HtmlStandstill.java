package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.diagnosis.Standstill.Sample;
import java.util.List;

/** Where a guest hung or halted, and what it waits for. */
public final class HtmlStandstill {

    private static final int MOST_SAMPLES = 32;
    private static final int MOST_SENTENCES = 32;

    private HtmlStandstill() {}

    public static HtmlSection section(Standstill standstill, HtmlCode code) {
        return new HtmlSection("Where it was", page -> {
            list(page, "It waits for", standstill.waitsFor());
            list(page, "Interrupts", standstill.interrupts());
            if (!standstill.loop().isEmpty()) {
                page.heading(3).text("The loop that it was in").close();
                code.write(
                        page,
                        standstill.loop(),
                        instruction -> instruction.eip() == standstill.at().eip());
            } else {
                code.write(page, List.of(standstill.at()), instruction -> true);
            }
            if (!standstill.samples().isEmpty()) {
                samples(page, standstill.samples(), code);
            }
        });
    }

    private static void list(HtmlWriter page, String heading, List<String> sentences) {
        if (!sentences.isEmpty()) {
            page.heading(3).text(heading).close().open("ul");
            sentences.stream().limit(MOST_SENTENCES).forEach(sentence -> page.element("li", sentence));
            page.close();
        }
    }

    private static void samples(HtmlWriter page, List<Sample> samples, HtmlCode code) {
        long all = samples.stream().mapToLong(Sample::times).sum();
        page.heading(3)
                .text("Where it was found, looked at " + all + (all == 1 ? " time" : " times"))
                .close();
        HtmlTable table = HtmlTable.begin(page, "times", "address", "function", "line", "instruction");
        for (Sample sample : samples.subList(0, Math.min(MOST_SAMPLES, samples.size()))) {
            table.row(null)
                    .number(Integer.toString(sample.times()))
                    .number(code.address(sample.at().eip()))
                    .cell(sample.at().symbol().map(HtmlText::name).orElse(""), "symbol")
                    .cell(sample.at().source().map(HtmlText::name).orElse(""), "dim")
                    .code(HtmlText.name(sample.at().text()));
        }
        table.end();
    }
}
