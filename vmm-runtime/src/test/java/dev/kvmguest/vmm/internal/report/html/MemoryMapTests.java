package dev.kvmguest.vmm.internal.report.html;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.diagnosis.Inspection.PointerTarget;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import dev.kvmguest.vmm.report.Pages;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

class MemoryMapTests {

    private static final Range IMAGE = new Range(Kind.IMAGE, "image kernel", 0x1000, 0x5000);
    private static final Range BSS = new Range(Kind.BSS, "the BSS of image kernel", 0x5000, 0x9000);
    private static final Range END = new Range(Kind.END_OF_RAM, "end of RAM", 0x10_0000, 0x10_0000);

    @Test
    void rangesAreDrawnBelowEachOtherWithTheAddressesOfTheirEdges() {
        Document map = draw(List.of(IMAGE, BSS, END), List.of());

        assertThat(texts(map, "address")).containsExactly("0x0", "0x1000", "0x5000", "0x9000", "0x100000");
        assertThat(texts(map, null)).contains("image kernel", "BSS of image kernel", "end of RAM");
        assertThat(texts(map, "dim")).contains("4 KiB", "16 KiB", "988 KiB");
        assertThat(bottom(kind(map, "image"))).isEqualTo(top(kind(map, "bss")));
        assertThat(overlaps(map)).isEmpty();
    }

    @Test
    void addressesThatTwoRangesShareAreHatched() {
        Range directory = new Range(Kind.PAGE_DIRECTORY, "the page directory", 0x4000, 0x5000);
        Document map = draw(List.of(IMAGE, directory), List.of());

        Element overlap = overlaps(map).get(0);
        assertThat(overlaps(map)).hasSize(1);
        // The page directory's name is upon its hatching, and nowhere below it.
        assertThat(Pages.elements(overlap, "text").stream().map(Pages::text))
                .containsExactly("page directory", "overlap, 4 KiB");
        assertThat(Pages.elements(kind(map, "page-directory"), "text")).isEmpty();
        assertThat(rect(overlap).getAttribute("fill")).isEqualTo("url(#hatch)");
        assertThat(top(overlap)).isEqualTo(top(kind(map, "page-directory")));
        // Beside each other, so that both are seen.
        assertThat(left(kind(map, "image"))).isNotEqualTo(left(kind(map, "page-directory")));
    }

    @Test
    void stackInTheBssIsNoOverlap() {
        Range stack = new Range(Kind.STACK, "the stack of image kernel", 0x6000, 0x7000);
        Document map = draw(List.of(IMAGE, BSS, stack), List.of());

        assertThat(overlaps(map)).isEmpty();
        assertThat(top(kind(map, "stack"))).isGreaterThan(top(kind(map, "bss")));
        assertThat(bottom(kind(map, "stack"))).isLessThan(bottom(kind(map, "bss")));
    }

    @Test
    void stackThatLeavesTheBssOverlapsWhatItRunsInto() {
        Range stack = new Range(Kind.STACK, "the stack of image kernel", 0x4800, 0x6000);

        assertThat(overlaps(draw(List.of(IMAGE, BSS, stack), List.of()))).hasSize(2);
    }

    @Test
    void whatIsCutShortHasAMark() {
        Range large = new Range(Kind.BOOT_INFORMATION, "modules", 0x9000, 0x9_0000);
        Document map = draw(List.of(IMAGE, BSS, large, END), List.of());

        // The gap before the image, the modules and the gap after it; not the 16 KiB of image and BSS.
        List<Element> marks = withClass(map, "break");
        assertThat(marks).hasSize(3);
        assertThat(breakY(marks.get(0))).isLessThan(top(kind(map, "image")));
        assertThat(breakY(marks.get(1)))
                .isBetween(top(kind(map, "boot-information")), bottom(kind(map, "boot-information")));
        assertThat(breakY(marks.get(2))).isGreaterThan(bottom(kind(map, "boot-information")));
    }

    @Test
    void drawingWithRoomForAllHasNoMark() {
        assertThat(withClass(draw(List.of(new Range(Kind.IMAGE, "image", 0, 0x1000)), List.of()), "break"))
                .isEmpty();
    }

    @Test
    void registersPointToTheirPlaces() {
        Document map = draw(
                List.of(IMAGE, END),
                List.of(
                        new PointerTarget("ESP", 0x8000_4000L, OptionalLong.of(0x4000)),
                        new PointerTarget("EIP", 0x8000_2000L, OptionalLong.of(0x2000)),
                        new PointerTarget("IDTR", 0x528, OptionalLong.empty()),
                        new PointerTarget("CR3", 0xffff_f000L, OptionalLong.of(0xffff_f000L))));

        List<Element> markers = withClass(map, "marker");
        assertThat(markers.stream().map(Pages::text)).containsExactly("EIP 0x2000", "ESP 0x4000", "CR3 0xfffff000");
        assertThat(texts(map, "dim")).anyMatch(text -> text.startsWith("no RAM"));
        assertThat(y(markers.get(0))).isBetween(top(kind(map, "image")), bottom(kind(map, "image")));
    }

    @Test
    void namesOfRegistersAtOneAddressDoNotLieUponEachOther() {
        List<PointerTarget> places = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            places.add(new PointerTarget("R" + i, 0x1000, OptionalLong.of(0x1000)));
        }

        List<Double> ys = withClass(draw(List.of(IMAGE), places), "marker").stream()
                .map(MemoryMapTests::y)
                .toList();
        for (int i = 1; i < ys.size(); i++) {
            assertThat(ys.get(i) - ys.get(i - 1)).isGreaterThanOrEqualTo(12);
        }
    }

    @Test
    void nothingAndAsMuchAsThereCanBeAreDrawn() {
        draw(List.of(), List.of());
        draw(List.of(new Range(Kind.END_OF_RAM, "end of RAM", 0, 0)), List.of());
        draw(List.of(new Range(Kind.IMAGE, "all", 0, Long.MAX_VALUE)), List.of());
        draw(List.of(), List.of(new PointerTarget("EIP", 0, OptionalLong.of(Long.MAX_VALUE - 1))));
        List<Range> many = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            many.add(new Range(Kind.IMAGE, "image", i, i + 5000));
        }

        HtmlWriter page = new HtmlWriter();
        new MemoryMap(many, List.of(), "hatch").write(page);

        assertThat(page.page().length()).isLessThan(100_000);
    }

    private static Document draw(List<Range> ranges, List<PointerTarget> places) {
        HtmlWriter page = new HtmlWriter();
        new MemoryMap(ranges, places, "hatch").write(page);
        String svg = page.page();
        assertThat(svg).doesNotContain("NaN", "Infinity", "\"-");
        return Pages.parse(svg);
    }

    private static List<String> texts(Document map, String cssClass) {
        return Pages.elements(map.getDocumentElement(), "text").stream()
                .filter(text -> text.getAttribute("class").equals(cssClass == null ? "" : cssClass))
                .map(Pages::text)
                .toList();
    }

    private static List<Element> withClass(Document map, String cssClass) {
        return Pages.elements(map.getDocumentElement(), "g").stream()
                .filter(group -> List.of(group.getAttribute("class").split(" ")).contains(cssClass))
                .toList();
    }

    private static List<Element> overlaps(Document map) {
        return withClass(map, "overlap");
    }

    private static Element kind(Document map, String kind) {
        return withClass(map, kind).get(0);
    }

    private static Element rect(Element group) {
        return Pages.elements(group, "rect").get(0);
    }

    private static double left(Element group) {
        return Double.parseDouble(rect(group).getAttribute("x"));
    }

    private static double top(Element group) {
        return Double.parseDouble(rect(group).getAttribute("y"));
    }

    private static double bottom(Element group) {
        return top(group) + Double.parseDouble(rect(group).getAttribute("height"));
    }

    private static double breakY(Element mark) {
        return Double.parseDouble(
                Pages.elements(mark, "path").get(0).getAttribute("d").split("[ l]")[1]);
    }

    private static double y(Element marker) {
        return Double.parseDouble(Pages.elements(marker, "text").get(0).getAttribute("y"));
    }
}
