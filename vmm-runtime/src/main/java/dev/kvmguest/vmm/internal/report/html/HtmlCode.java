package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;

/** Instructions as a listing, with the functions and the source lines between them. */
public final class HtmlCode {

    private static final int MOST = 200;

    private final SourceFiles files;
    private final boolean wide;

    public HtmlCode(SourceFiles files, Optional<CpuState> registers) {
        this.files = files;
        this.wide = registers.map(state -> CpuMode.of(state).usesDescriptors()).orElse(true);
    }

    /**
     * Writes a table.
     *
     * @param marked says which instructions the section is about
     */
    void write(HtmlWriter page, List<GuestInstruction> instructions, Predicate<GuestInstruction> marked) {
        List<GuestInstruction> shown =
                instructions.subList(Math.max(0, instructions.size() - MOST), instructions.size());
        boolean bytes = shown.stream().anyMatch(instruction -> instruction.bytes().length > 0);
        page.open("div", "class", "scroll", "tabindex", "0").open("table", "class", "code");
        page.open("thead").open("tr").element("th", "address", "scope", "col");
        if (bytes) {
            page.element("th", "bytes", "scope", "col", "class", "bytes");
        }
        page.element("th", "instruction", "scope", "col").close().close().open("tbody");
        String function = null;
        Optional<String> source = Optional.empty();
        for (GuestInstruction instruction : shown) {
            String of = function(instruction.symbol().orElse(""));
            // What a compiler has made of no line in particular is put to the line before.
            boolean elsewhere =
                    instruction.source().isPresent() && !instruction.source().equals(source);
            if (!of.equals(function) || elsewhere) {
                heading(page, instruction, bytes);
                function = of;
                source = instruction.source();
            }
            row(page, instruction, bytes, marked.test(instruction));
        }
        page.close().close().close();
    }

    /** Returns an offset in the code segment, as wide as all are in the guest's mode. */
    String address(long eip) {
        return String.format(Locale.ROOT, wide ? "%08x" : "%04x", eip);
    }

    private static String function(String symbol) {
        return symbol.replaceFirst("\\+0x[0-9a-f]+$", "");
    }

    private void heading(HtmlWriter page, GuestInstruction instruction, boolean bytes) {
        page.open("tr", "class", "place").open("th", "colspan", bytes ? "3" : "2", "scope", "rowgroup");
        page.text(instruction.symbol().map(HtmlText::name).orElse("no symbol"));
        instruction.source().ifPresent(source -> {
            page.text(" ").element("span", HtmlText.name(source), "class", "dim");
            files.around(source, 0).ifPresent(excerpt -> page.text(" ")
                    .element("code", HtmlText.name(excerpt.text().get(0).strip()), "class", "source"));
        });
        page.close().close();
    }

    private void row(HtmlWriter page, GuestInstruction instruction, boolean bytes, boolean marked) {
        page.open("tr", "class", marked ? "here" : null);
        page.element("td", address(instruction.eip()), "class", "dim");
        if (bytes) {
            page.element("td", HexFormat.ofDelimiter(" ").formatHex(instruction.bytes()), "class", "bytes dim");
        }
        page.open("td").text(HtmlText.name(instruction.text()));
        if (marked) {
            page.element("span", "\u25c0", "class", "pointer", "title", "here", "aria-label", "here");
        }
        page.close().close();
    }
}
