package dev.kvmguest.vmm.internal.report.html;

import java.util.List;

/**
 * A table with a heading for each column. On a narrow page its rows are stacked, a line for each cell: so each cell has
 * its column's heading with it.
 */
final class HtmlTable {

    private final HtmlWriter page;
    private final List<String> headings;
    private int column;
    private boolean inRow;
    private boolean isEmpty = true;

    private HtmlTable(HtmlWriter page, List<String> headings) {
        this.page = page;
        this.headings = headings;
    }

    /** Begins a table. */
    static HtmlTable begin(HtmlWriter page, String... headings) {
        return begin(page, "scroll", List.of(headings));
    }

    /**
     * Begins a table.
     *
     * @param cssClass of what it scrolls in
     */
    static HtmlTable begin(HtmlWriter page, String cssClass, List<String> headings) {
        page.open("div", "class", cssClass, "tabindex", "0").open("table", "class", "stacked");
        page.open("thead").open("tr");
        headings.forEach(heading -> page.element("th", heading, "scope", "col"));
        page.close().close().open("tbody");
        return new HtmlTable(page, headings);
    }

    /** Begins a row; {@code cssClass} may be null. */
    HtmlTable row(String cssClass) {
        endRow();
        page.open("tr", "class", cssClass);
        inRow = true;
        isEmpty = false;
        column = 0;
        return this;
    }

    /** Writes the cell that the row is known by. */
    HtmlTable head(String text) {
        page.element("th", text, "scope", "row");
        column++;
        return this;
    }

    /** Writes a cell; {@code cssClass} may be null. */
    HtmlTable cell(String text, String cssClass) {
        page.element("td", text, "class", cssClass, "data-heading", headings.get(column++));
        return this;
    }

    /** Writes a number, which no line ends in. */
    HtmlTable number(String text) {
        return cell(text, "number");
    }

    /** Writes a cell of code. */
    HtmlTable code(String text) {
        page.open("td", "data-heading", headings.get(column++));
        if (!text.isEmpty()) {
            page.element("code", text);
        }
        page.close();
        return this;
    }

    /** Ends the table, which says so if it has no row. */
    void end() {
        if (isEmpty) {
            page.open("tr").element("td", "no entries", "class", "dim", "colspan", "" + headings.size());
            inRow = true;
        }
        endRow();
        page.close().close().close();
    }

    /** Ends the table, and says below it how many rows are not in it, if any. */
    void end(int omitted, String what) {
        end();
        if (omitted > 0) {
            page.element("p", omitted + " more " + what + "are not shown.", "class", "dim");
        }
    }

    private void endRow() {
        if (inRow) {
            page.close();
            inRow = false;
        }
    }
}
