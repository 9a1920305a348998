package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.outcome.ScreenImage;
import dev.kvmguest.vmm.text.ConsoleText;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;

/** What a guest wrote for people: its console and its screen; and the report as text. */
public final class HtmlConsole {

    /** The last so many characters, which are some hundred KiB on the page at most. */
    private static final int MOST_TEXT = 1 << 16;

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
                    String picture = Base64.getEncoder().encodeToString(ScreenImage.png(screen));
                    page.open(
                            "img",
                            "class",
                            "screen",
                            "width",
                            "640",
                            "height",
                            "400",
                            "alt",
                            "what the screen showed; below it is as text",
                            "src",
                            "data:image/png;base64," + picture);
                    page.open("details").element("summary", "as text");
                    pre(page, screen.text());
                    page.close();
                }));
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
