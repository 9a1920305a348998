package dev.kvmguest.vmm.internal.report.html;

import java.util.Locale;
import java.util.function.Consumer;

/**
 * A part of a page that has a heading.
 *
 * @param title the heading
 * @param body writes what is below it
 */
public record HtmlSection(String title, Consumer<HtmlWriter> body) {

    /** Returns what a link to the section names, unlike any other on the page of one vCPU. */
    public String id() {
        return title.toLowerCase(Locale.ROOT).replace(' ', '-');
    }
}
