package dev.kvmguest.sample.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.kvmguest.sample.corpus.Browser.View;
import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.HtmlReport;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Pages of HTML as a browser shows them, on a screen and on a telephone, light and dark. */
@Tag("browser")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PagesInBrowserTests {

    /** One of each kind of death and of hang. */
    private static final List<String> OF_THE_CORPUS = List.of(
            "real/protected_mode_by_data_segment",
            "real/vectors_beyond_limit",
            "protected/division_by_zero",
            "protected/idt_all_zero",
            "protected/runs_into_a_string",
            "protected/ring_3_halts",
            "paged/directory_overwritten",
            "paged/wild_pointer",
            "paged-4k/endless_recursion",
            "paged-4k/memset_by_sse",
            "hangs/exception_without_end",
            "hangs/halt_in_panic",
            "hangs/lock_taken_twice");

    private static final List<View> VIEWS =
            List.of(new View(1200, "light"), new View(1200, "dark"), new View(400, "light"), new View(400, "dark"));

    private final Map<String, Path> pages = new TreeMap<>();
    private String functions;
    private Browser browser;

    @BeforeAll
    void writePagesAndStartTheBrowser(@TempDir Path folder) throws IOException {
        Optional<Browser.Programs> programs = Browser.Programs.installed();
        assumeTrue(programs.isPresent(), "there is no chromium with a chromedriver on the path");
        for (FaultyGuest guest : CorpusFolder.allGuests()) {
            String name = guest.folder().id() + "/" + guest.name();
            if (OF_THE_CORPUS.contains(name)) {
                write(folder, name, List.of(guest.run(EngineChoice.EMULATOR)));
            }
        }
        assertThat(pages.keySet()).containsExactlyInAnyOrderElementsOf(OF_THE_CORPUS);
        write(folder, "a kernel that waits at its prompt", run("kernel"));
        write(folder, "two vCPUs", run("hello", "fibonacci"));
        try (InputStream in = getClass().getResourceAsStream("page-checks.js")) {
            functions = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        browser = new Browser(programs.get());
    }

    private static List<Outcome> run(String... guests) throws IOException {
        MachineConfig.Builder config = MachineConfig.builder().engine(EngineChoice.EMULATOR);
        for (String guest : guests) {
            config.vcpu(VcpuConfig.of(GuestManifest.find(PagesInBrowserTests.class.getClassLoader(), guest))
                    .withInput("5\n"));
        }
        try (Machine machine = Machine.create(config.build())) {
            return machine.runAll();
        }
    }

    private void write(Path folder, String name, List<Outcome> outcomes) throws IOException {
        Path page = folder.resolve(pages.size() + ".html");
        Files.writeString(page, HtmlReport.of(outcomes));
        pages.put(name, page);
    }

    @AfterAll
    void stopTheBrowser() {
        if (browser != null) {
            browser.close();
        }
    }

    @TestFactory
    Stream<DynamicContainer> pagesAreReadable() {
        return pages.entrySet().stream()
                .map(page -> dynamicContainer(page.getKey(), VIEWS.stream().map(view -> test(page.getValue(), view))));
    }

    private DynamicTest test(Path page, View view) {
        return dynamicTest(view.width() + " pixels, " + view.scheme(), () -> {
            browser.open(page, view);

            assertThat(browser.log()).as("what the browser complains about").isEmpty();
            assertThat(browser.call(functions, "colourScheme"))
                    .as("the scheme, by how bright its paper is")
                    .isEqualTo(List.of(view.scheme()));
            assertThat(browser.call(functions, "width"))
                    .as("pixels of the window")
                    .isEqualTo(List.of((long) view.width()));
            assertNothing("headings");
            assertNothing("landmarks");
            assertNothing("sidewaysScroll");
            assertNothing("poorContrast");
            assertNothing("deadLinks");
            if (view.isNarrow()) {
                assertNothing("tablesNotStacked");
            }
            assertThat(browser.log())
                    .as("what the browser complains about in the end")
                    .isEmpty();
        });
    }

    private void assertNothing(String problems) {
        assertThat(browser.call(functions, problems)).as(problems).isEmpty();
    }
}
