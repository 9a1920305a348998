package dev.kvmguest.vmm.report;

import static dev.kvmguest.vmm.report.Pages.parse;
import static dev.kvmguest.vmm.report.Pages.section;
import static dev.kvmguest.vmm.report.Pages.sections;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Inspection.Frame;
import dev.kvmguest.vmm.diagnosis.Inspection.Table;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.diagnosis.Timeline;
import dev.kvmguest.vmm.diagnosis.Timeline.Entry;
import dev.kvmguest.vmm.diagnosis.Timeline.Kind;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

@Isolated("changes the default locale")
class HtmlReportTests {

    private static final Outcome DIED = new Outcome.TripleFault(DiagnosedRuns.died());
    private static final Outcome HUNG = new Outcome.TimedOut(Duration.ofSeconds(5), DiagnosedRuns.hung());

    @TempDir
    private Path folder;

    @Test
    void pageHasASectionForEachThingThatIsKnown() throws IOException {
        Files.createDirectories(folder.resolve("src"));
        Files.writeString(folder.resolve("src/common.c"), "1\n2\n3\n4\n5\n6\n");

        assertThat(sections(parse(HtmlReport.of(List.of(DIED), folder))))
                .containsExactly(
                        "What happened",
                        "Source",
                        "Last instructions",
                        "Call chain",
                        "Registers",
                        "Memory map",
                        "Page walk",
                        "Descriptor tables",
                        "Handled exceptions",
                        "Timeline",
                        "Console",
                        "Screen",
                        "Ports",
                        "Engine",
                        "As text");
    }

    @Test
    void whatIsNotKnownHasNoSection() {
        assertThat(sections(page(new Outcome.TripleFault(Examples.bare()))))
                .containsExactly("Console", "Engine", "As text");
    }

    @Test
    void everySectionIsLinkedFromTheTop() {
        Document page = page(DIED);
        List<String> links = Pages.elements(page.getDocumentElement(), "a").stream()
                .map(link -> link.getAttribute("href").substring(1))
                .toList();

        assertThat(links)
                .hasSameSizeAs(sections(page))
                .isEqualTo(Pages.elements(page.getDocumentElement(), "section").stream()
                        .map(section -> section.getAttribute("id"))
                        .toList());
    }

    @Test
    void headlineSaysWhoHowWhereAndWhyWithAdvice() {
        assertThat(headline(DIED))
                .contains(
                        "kernel triple-faulted",
                        "#UD invalid opcode in memset+0x1f, src/common.c:6 at 0x8:0x80001d3f",
                        "movd xmm0, [esp+0x18] 66 0f 6e 44 24 18",
                        "SSE needs CR4.OSFXSR",
                        "No handler took it: IDT[6] at 0x558 is empty",
                        "Advice the guest uses SSE, which CR4.OSFXSR = 0 forbids; compile it with -mno-sse",
                        "Replay: on kvm the guest wrote",
                        "boot paged engine emulator instructions 1,234,567");
    }

    @Test
    void whyItRanOnItsEngineIsAMatterForLater() {
        assertThat(headline(DIED)).doesNotContain("this KVM can't page");
        assertThat(section(page(DIED), "Engine")).isEqualTo("Engine emulator: this KVM can't page outside long mode");
    }

    @Test
    void chainNamesEachExceptionAndWhyTheOneBeforeWasNotDelivered() {
        assertThat(section(page(DIED), "What happened"))
                .isEqualTo("What happened #UD invalid opcode SSE needs CR4.OSFXSR"
                        + " at movd xmm0, [esp+0x18] in memset+0x1f"
                        + " #GP(0x33) general protection #UD could not be delivered: IDT[6] at 0x558 is empty"
                        + " Error code: IDT entry 6, raised while delivering another event"
                        + " #DF(0x0) double fault #GP could not be delivered: IDT[13] at 0x590 is empty"
                        + " shutdown #DF could not be delivered: IDT[8] at 0x568 is empty"
                        + " Seen by the emulator, which replayed what kvm ran.");
    }

    @Test
    void sourceIsShownAroundTheFaultingLineWhichIsMarked() throws IOException {
        Files.createDirectories(folder.resolve("src"));
        Files.writeString(folder.resolve("src/common.c"), "a\nb\nc\nd\ne\n<f>\ng\n");

        Element section = Pages.sectionElement(parse(HtmlReport.of(List.of(DIED), folder)), "Source");

        assertThat(Pages.text(section)).contains("5 e 6 <f>", "7 g");
        assertThat(marked(section)).containsExactly("6 <f>\u25c0");
    }

    @Test
    void lastInstructionsShowWhereTheFunctionChangesAndMarkTheLast() {
        Element section = Pages.sectionElement(page(DIED), "Last instructions");

        assertThat(Pages.text(section))
                .contains(
                        "main+0x12 80001012 e8 09 0d 00 00 call 0x80001d20 memset 80001d20 55 push ebp",
                        "memset+0x1f src/common.c:6 80001d3f");
        assertThat(marked(section)).containsExactly("80001d3f 66 0f 6e 44 24 18 movd xmm0, [esp+0x18]\u25c0");
    }

    @Test
    void callChainTellsGuessesFromWhatIsCertain() {
        assertThat(section(page(DIED), "Call chain"))
                .contains("80001e12 frames_init+0x42 src/frames.c:31 certain", "80001012 main+0x12 a guess");
    }

    @Test
    void registersAreThoseAtTheFaultWithTheirBitsInWords() {
        String registers = section(page(DIED), "Registers");

        assertThat(registers)
                .contains(
                        "seen by the emulator, which replayed what kvm ran",
                        "eip 80001d3f",
                        "cr0 PE protected mode \u00b7 PG paging \u00b7 ET WP",
                        "cr4 PSE 4 MiB pages PAE",
                        "cs 0x8 0x0 0xffffffff 32-bit code, readable, DPL 0",
                        "ss 0x10 0x0 0xffffffff 32-bit data, writable, DPL 0",
                        "es 0x0 0x0 0x0 holds no segment",
                        "idtr 0x528 0x7ff room for 256 entries");
    }

    @Test
    void vectorsOfRealModeHaveFourBytes() {
        Fault sse = Examples.sseFault();
        CpuState real = CpuState.builder().idt(new DescriptorTable(0, 0x3ff)).build();
        Fault fault = new Fault(
                sse.at(), sse.chain(), sse.shutdown(), sse.lastInstructions(), real, sse.seenBy(), sse.advice());

        assertThat(section(page(new Outcome.TripleFault(Examples.withFault(fault, true))), "Registers"))
                .contains("idtr 0x0 0x3ff room for 256 entries");
    }

    @Test
    void faultOfTheEmulatorWhereTheEngineGaveUpIsSaidToBeSo() {
        GuestRun run = Examples.withFault(Examples.sseFault(), true);
        String sentence = "Replay: on the emulator the guest triple-faults by the instruction at which kvm gave up";

        assertThat(headline(new Outcome.Unsupported("KVM can't", new byte[0], run)))
                .contains(sentence);
        assertThat(headline(new Outcome.TripleFault(run))).doesNotContain(sentence);
    }

    @Test
    void registersThatTheEngineLostAreSaidToBeSo() {
        Outcome outcome = new Outcome.TripleFault(Examples.withFault(Examples.sseFault(), false));

        assertThat(section(page(outcome), "Registers"))
                .contains(" kvm's own registers, RIP=0xfff0 and so on, are reset values ");
    }

    @Test
    void pageWalkAndTablesAreShownEntryByEntry() {
        assertThat(section(page(DIED), "Page walk"))
                .contains(
                        "Of linear address 0x80001d3f: physical 0x1d3f",
                        "page-directory entry 512 0x100800 0x83 4 MiB page at 0x0");
        assertThat(section(page(DIED), "Descriptor tables"))
                .contains(
                        "GDT at 0x500, limit 0x27",
                        "1 0x508 00cf9b000000ffff 32-bit code, base 0x0",
                        "0\u2013255 0x528 0000000000000000 empty");
    }

    @Test
    void timelineShowsValuesPortNamesAndTimes() {
        assertThat(section(page(DIED), "Timeline"))
                .contains(
                        "7,000 exchanges came before",
                        "out 0xe9 debug console 48 69 \"Hi\" \u00d72 0x80001100",
                        "in 0x3fd COM1 line status 60 60 \u00d712345 0x80001200",
                        "interrupt vector 32 0x80001300",
                        "out 0x510 no device 04030201",
                        "halt");
    }

    @Test
    void tableWithoutRowsSaysSo() {
        Inspection inspection =
                new Inspection(List.of(), Optional.empty(), List.of(new Table("IDT", 0x528, 0, List.of())));
        GuestRun run = DiagnosedRuns.run(
                DiagnosedRuns.LAYOUT,
                "",
                Screen.BLANK,
                new Diagnosis(
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(inspection),
                        Timeline.EMPTY,
                        Optional.empty(),
                        Optional.empty()));

        assertThat(section(page(new Outcome.TripleFault(run)), "Descriptor tables"))
                .contains("IDT at 0x528, limit 0x0")
                .endsWith("no entries");
        assertThat(section(page(DIED), "Descriptor tables")).doesNotContain("no entries");
    }

    @Test
    void eachCellOfATableHasItsColumnsHeadingForANarrowPage() {
        Element tables = Pages.sectionElement(page(DIED), "Descriptor tables");

        assertThat(Pages.elements(tables, "td").stream().limit(3).map(cell -> cell.getAttribute("data-heading")))
                .containsExactly("at", "bytes 7 to 0", "what it is");
    }

    @Test
    void handledExceptionsAreListed() {
        assertThat(section(page(DIED), "Handled exceptions")).contains("#BP breakpoint 80001500 probe+0x3 int3");
    }

    @Test
    void portsAndWhatHasNoDeviceAreListed() {
        assertThat(section(page(DIED), "Ports")).contains("0x510", "0xfee00000", "0xe9 debug console 3 48 69 0a Hi.");
    }

    @Test
    void screenIsAPictureInThePageAndText() {
        Element screen = Pages.sectionElement(page(DIED), "Screen");

        assertThat(Pages.elements(screen, "img").get(0).getAttribute("src")).startsWith("data:image/png;base64,iVBOR");
        assertThat(Pages.text(screen)).contains("1K OS");
    }

    @Test
    void hangIsShownWithItsLoopAndWhatItWaitsFor() {
        Document page = page(HUNG);

        assertThat(headline(HUNG))
                .contains(
                        "kernel was still running at its time limit of 5000 ms",
                        "It was last seen in serial_put+0x11, src/serial.c:12 at 0x8:0x80001201, interrupts off",
                        "It waits for port 0x3fd (COM1 line status), read 12 times, always 0x0",
                        "Advice no device will ever set the bit");
        assertThat(section(page, "Where it was"))
                .contains(
                        "IRQ 1 is pending and masked",
                        "80001203 74 fb jz 0x80001200",
                        "looked at 64 times",
                        "40 80001200 serial_put+0x10");
        assertThat(marked(Pages.sectionElement(page, "Where it was")))
                .containsExactly("80001201 a8 20 test al, 0x20\u25c0");
    }

    @Test
    void severalVcpusAreBelowEachOtherWithLinksOfTheirOwn() {
        GuestRun run = DiagnosedRuns.died();
        GuestRun second = new GuestRun(
                "second",
                run.boot(),
                1,
                run.engine(),
                run.engineReason(),
                run.consoleBytes(),
                run.ports(),
                run.unclaimedPorts(),
                run.unclaimedMemory(),
                run.instructions(),
                run.wallTime(),
                run.registers(),
                run.layout(),
                run.screen(),
                run.guestTest(),
                run.diagnosis());
        Document page = parse(HtmlReport.of(List.of(DIED, new Outcome.Halted(false, second))));

        assertThat(headings(page, "h1")).containsExactly("kernel, second: 2 vCPUs");
        assertThat(headings(page, "h2"))
                .containsExactly("kernel triple-faulted (vCPU 0)", "second halted with interrupts off (vCPU 1)");
        assertThat(headings(page, "h3")).contains("Advice", "Console");
        assertThat(headings(page, "h4")).contains("GDT at 0x500, limit 0x27");
        assertThat(ids(page)).doesNotHaveDuplicates().contains("vcpu0-console", "vcpu1-console");
        assertThat(Pages.elements(page.getDocumentElement(), "article"))
                .hasSize(2)
                .allSatisfy(article ->
                        assertThat(Pages.elements(article, "article")).isEmpty());
    }

    @Test
    void whatWasExpectedComesBeforeHowTheGuestEnded() {
        List<Mismatch> mismatches = List.of(
                new Mismatch("the console to contain \"81\"", "it has \"82\"", "x"), Mismatch.of("own <assertion>"));

        Document page =
                parse(HtmlReport.of(List.of(DIED), new SourceFolders(folder), "kernel / menu", outcome -> mismatches));

        assertThat(headline(page))
                .containsSubsequence(
                        "kernel / menu failed",
                        "expected",
                        "the console to contain \"81\"",
                        "found",
                        "it has \"82\"",
                        "own <assertion>",
                        "kernel triple-faulted");
        assertThat(Pages.elements(page.getDocumentElement(), "title").stream().map(Pages::text))
                .first()
                .isEqualTo("kernel / menu failed: kernel triple-faulted");
    }

    @Test
    void normalEndIsGreenOnlyIfNothingElseWasExpected() {
        Outcome ended = new Outcome.DebugExit(0, Examples.bare());

        assertThat(tone(HtmlReport.of(ended))).isEqualTo("ended");
        assertThat(tone(HtmlReport.of(List.of(ended), new SourceFolders(folder), "menu", outcome -> List.of())))
                .isEqualTo("ended");
        assertThat(tone(HtmlReport.of(
                        List.of(ended),
                        new SourceFolders(folder),
                        "menu",
                        outcome -> List.of(Mismatch.of("no greeting")))))
                .isEqualTo("failed");
    }

    private static String tone(String page) {
        return Pages.elements(parse(page).getDocumentElement(), "header").get(0).getAttribute("class");
    }

    @Test
    void failedTestInTheGuestIsNamed() {
        assertThat(headline(new Outcome.DebugExit(1, Examples.withFailedTest())))
                .contains("In-guest test splits_pages, memory.c:40: failed");
    }

    @ParameterizedTest
    @ValueSource(strings = {"<script>alert(1)</script>", "]]>", "&lt;", "\"'><img src=x onerror=1>", "</code></pre>"})
    void markupOfAGuestIsText(String text) {
        Document page = page(new Outcome.TripleFault(hostile(text)));

        assertThat(section(page, "Console")).contains(text);
        assertThat(section(page, "Last instructions")).contains(text);
        assertThat(headline(new Outcome.TripleFault(hostile(text)))).contains(text);
        assertThat(Pages.elements(page.getDocumentElement(), "script")).isEmpty();
        assertThat(Pages.elements(page.getDocumentElement(), "img")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\u0000", "\u001b", "\u0007", "\u007f", "\u009b", "\ud800", "\udc00", "\uffff", "\u202e", "\u2028"
            })
    void charactersThatNoPageMayHaveAreShownByTheirCodes(String text) {
        String page = HtmlReport.of(new Outcome.TripleFault(hostile("a" + text + "b")));

        assertThat(page).doesNotContain(text);
        assertThat(section(parse(page), "Last instructions"))
                .contains(
                        "a\\" + String.format(text.charAt(0) < 0x100 ? "x%02x" : "u%04x", (int) text.charAt(0)) + "b");
    }

    private static GuestRun hostile(String text) {
        GuestInstruction at = hostileInstruction(text);
        Fault fault = Examples.sseFault();
        Fault hostile = new Fault(at, fault.chain(), text, List.of(at), fault.registers(), text, List.of(text));
        Standstill standstill = new Standstill(
                at,
                true,
                List.of(new Standstill.Sample(at, 1)),
                List.of(at),
                List.of(text),
                List.of(text),
                List.of(text));
        return DiagnosedRuns.run(
                new MemoryLayout(List.of(new MemoryLayout.Range(MemoryLayout.Kind.IMAGE, text, 0, 4)), List.of(text)),
                text,
                Screen.BLANK,
                new Diagnosis(
                        Optional.of(hostile),
                        Optional.of(standstill),
                        Optional.empty(),
                        Timeline.EMPTY,
                        Optional.empty(),
                        Optional.of(new Parting(text, Optional.of(hostileInstruction(text))))));
    }

    private static GuestInstruction hostileInstruction(String text) {
        return new GuestInstruction(1, new byte[1], text, Optional.of(text), Optional.of(text + ":1"));
    }

    @Test
    void pageStaysSmallWhateverTheGuestWrote() {
        byte[] octets = new byte[16 << 20];
        Map<Integer, byte[]> ports = Map.of(0x80, octets);
        Entry entry = new Entry(Kind.OUT, 0x80, octets, 1L << 40, OptionalLong.empty(), OptionalInt.of(1));
        GuestRun run = DiagnosedRuns.run(
                DiagnosedRuns.LAYOUT,
                "<".repeat(16 << 20),
                Screen.BLANK,
                new Diagnosis(
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        new Timeline(Collections.nCopies(100_000, entry), 0),
                        Optional.empty(),
                        Optional.empty()));

        String page = HtmlReport.of(new Outcome.TripleFault(withPorts(run, ports)));

        assertThat(page.length()).isLessThan(1_000_000);
        assertThat(section(parse(page), "Console")).contains("The last 65,536 of 16,777,216 characters");
        assertThat(section(parse(page), "Timeline")).contains("exchanges came before");
    }

    @Test
    void pageStaysSmallWhateverTheImageNamesThings() {
        GuestInstruction at = hostileInstruction("x".repeat(1 << 20));
        GuestRun run = hostile("x".repeat(1 << 20));
        Table.Row row = new Table.Row(0, 0, 0, "x".repeat(1 << 20));
        Frame frame = new Frame(0, at.symbol(), at.source(), true);
        Diagnosis diagnosis = new Diagnosis(
                run.fault(),
                run.diagnosis().standstill(),
                Optional.of(new Inspection(
                        Collections.nCopies(Inspection.MOST_FRAMES, frame),
                        Optional.empty(),
                        List.of(new Table("IDT", 0, 0xffff, Collections.nCopies(8192, row))))),
                Timeline.EMPTY,
                Optional.of(Collections.nCopies(
                        1000, new HandledException(run.fault().orElseThrow().first(), at))),
                Optional.empty());

        GuestRun hostile = DiagnosedRuns.run(run.layout(), "", Screen.BLANK, diagnosis);
        assertThat(HtmlReport.of(new Outcome.TripleFault(hostile)).length()).isLessThan(1_500_000);
    }

    private static GuestRun withPorts(GuestRun run, Map<Integer, byte[]> ports) {
        return new GuestRun(
                run.guest(),
                run.boot(),
                run.vcpu(),
                run.engine(),
                run.engineReason(),
                run.consoleBytes(),
                ports,
                run.unclaimedPorts(),
                run.unclaimedMemory(),
                run.instructions(),
                run.wallTime(),
                run.registers(),
                run.layout(),
                run.screen(),
                run.guestTest(),
                run.diagnosis());
    }

    @Test
    void linkHasNothingAtWhichATerminalMayEndIt() {
        assertThat(HtmlReport.link(Path.of("/a b/it's (1)/page.html")))
                .isEqualTo("page: file:///a%20b/it%27s%20%281%29/page.html");
        assertThat(Path.of(URI.create("file:///a%20b/it%27s%20%281%29/page.html")))
                .isEqualTo(Path.of("/a b/it's (1)/page.html"));
    }

    @Test
    void pageNeedsNothingElse() {
        assertThat(HtmlReport.of(DIED))
                .contains("default-src 'none'")
                .doesNotContain("<script", "<link", "src=\"http", "@import", "url(http");
    }

    @Test
    void pageIsTheSameInEveryLocale() {
        String expected = HtmlReport.of(DIED);
        Locale before = Locale.getDefault();
        for (String tag : List.of("de-DE", "ar-EG-u-nu-arab", "tr-TR")) {
            Locale.setDefault(Locale.forLanguageTag(tag));
            try {
                assertThat(HtmlReport.of(DIED)).as(tag).isEqualTo(expected);
            } finally {
                Locale.setDefault(before);
            }
        }
    }

    private static Document page(Outcome outcome) {
        return parse(HtmlReport.of(outcome));
    }

    private static String headline(Outcome outcome) {
        return headline(page(outcome));
    }

    private static String headline(Document page) {
        return Pages.text(Pages.elements(page.getDocumentElement(), "header").get(0));
    }

    private static List<String> headings(Document page, String level) {
        return Pages.elements(page.getDocumentElement(), level).stream()
                .map(Pages::text)
                .toList();
    }

    private static List<String> marked(Element section) {
        return Pages.elements(section, "tr").stream()
                .filter(row -> row.getAttribute("class").equals("here"))
                .map(Pages::text)
                .toList();
    }

    private static List<String> ids(Document page) {
        return Pages.elements(page.getDocumentElement(), "*").stream()
                .map(element -> element.getAttribute("id"))
                .filter(id -> !id.isEmpty())
                .toList();
    }
}
