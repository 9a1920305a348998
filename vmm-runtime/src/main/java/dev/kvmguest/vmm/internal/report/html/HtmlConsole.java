package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.text.ConsoleText;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;

/** What a guest wrote for people: its console and its screen; and the report as text. */
public final class HtmlConsole {

    /** The last so many characters, which are some hundred KiB on the page at most. */
    private static final int MOST_TEXT = 1 << 16;

    /** Bytes of a picture on the page: what a screen of 1024 x 768 has at most, of which hardly any takes a tenth. */
    private static final int MOST_PICTURE = 3 << 20;

    private HtmlConsole() {}

    public static Optional<HtmlSection> console(GuestRun run) {
        String console = ConsoleText.withoutCarriageReturns(run.console());
        return Optional.of(new HtmlSection("Console", page -> {
            if (console.isEmpty()) {
                page.element("p", "The guest wrote nothing.", "class", "dim");
                return;
            }
            int from = Math.max(0, console.length() - MOST_TEXT);
            if (from > 0) {
                page.element(
                        "p",
                        String.format(Locale.ROOT, "The last %,d of %,d characters.", MOST_TEXT, console.length()),
                        "class",
                        "dim");
            }
            page.open("div", "class", "tall tail", "tabindex", "0");
            page.open("pre").open("code").wholeText(console.substring(from));
            page.close().close().close();
        }));
    }

    public static Optional<HtmlSection> screen(Screen screen) {
        return screen.isBlank()
                ? Optional.empty()
                : Optional.of(new HtmlSection("Screen", page -> {
                    image(page, screen);
                    if (screen.hasText()) {
                        String where = screen.framebuffer().isPresent() ? "what text memory has" : "as text";
                        page.open("details").element("summary", where);
                        pre(page, screen.text());
                        page.close();
                    }
                }));
    }

    private static void image(HtmlWriter page, Screen screen) {
        byte[] png = screen.toPng();
        if (png.length > MOST_PICTURE) {
            page.element("p", "The guest drew " + screen.picture() + ", too much for this page.", "class", "dim");
            return;
        }
        page.open(
                "img",
                "class",
                "screen",
                "width",
                Integer.toString(screen.picture().width()),
                "height",
                Integer.toString(screen.picture().height()),
                "alt",
                screen.framebuffer()
                        .map(drawn -> "what the guest drew into its framebuffer, " + drawn)
                        .orElse("what the screen showed; below it is as text"),
                "src",
                "data:image/png;base64," + Base64.getEncoder().encodeToString(png));
    }

    /** Returns the report for a terminal, to be copied from. */
    public static HtmlSection text(String report) {
        return new HtmlSection("As text", page -> {
            page.open("details").element("summary", "the report as text, to copy");
            pre(page, HtmlText.cut(report, MOST_TEXT));
            page.close();
        });
    }

    private static void pre(HtmlWriter page, String text) {
        page.open("pre", "tabindex", "0").open("code").wholeText(text).close().close();
    }
}
