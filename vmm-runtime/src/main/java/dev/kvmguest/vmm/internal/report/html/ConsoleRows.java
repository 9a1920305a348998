package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.diagnosis.Timeline.Entry;
import dev.kvmguest.vmm.diagnosis.Timeline.Kind;
import dev.kvmguest.vmm.internal.board.PcBoard;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A timeline for people: single bytes that a guest wrote to a console one after the other are one row, with the text.
 * That it looked at COM1's line status between two of them, as it must, is only counted.
 */
final class ConsoleRows {

    private static final int LINE_STATUS = PcBoard.COM1 + 5;
    private static final Set<Long> CONSOLES = Set.of((long) PcBoard.DEBUG_CONSOLE, (long) PcBoard.COM1);

    private final List<Row> rows = new ArrayList<>();
    private final List<Entry> text = new ArrayList<>();
    private final List<Entry> looks = new ArrayList<>();
    private long looksBetween;

    /**
     * A row.
     *
     * @param entry one exchange, or all that are folded into it
     * @param isText whether its values are characters that went to a console
     * @param looks how often the line status was read between them
     */
    record Row(Entry entry, boolean isText, long looks) {}

    private ConsoleRows() {}

    /** Returns the rows of exchanges, in their order. */
    static List<Row> of(List<Entry> entries) {
        ConsoleRows all = new ConsoleRows();
        entries.forEach(all::add);
        all.endText();
        return all.rows;
    }

    private void add(Entry entry) {
        if (isText(entry)) {
            if (!text.isEmpty() && text.get(0).address() != entry.address()) {
                endText();
            }
            looksBetween += looks.stream().mapToLong(Entry::times).sum();
            looks.clear();
            text.add(entry);
        } else if (isLook(entry) && !text.isEmpty() && text.get(0).address() == PcBoard.COM1) {
            looks.add(entry);
        } else {
            endText();
            rows.add(new Row(entry, false, 0));
        }
    }

    private static boolean isText(Entry entry) {
        return entry.kind() == Kind.OUT && CONSOLES.contains(entry.address()) && isByte(entry);
    }

    private static boolean isLook(Entry entry) {
        return entry.kind() == Kind.IN && entry.address() == LINE_STATUS && isByte(entry);
    }

    private static boolean isByte(Entry entry) {
        return entry.width().orElse(0) == 1;
    }

    /** Ends a row of text; a look at the status that no byte came after is no part of it. */
    private void endText() {
        if (!text.isEmpty()) {
            rows.add(new Row(folded(), true, looksBetween));
        }
        looks.forEach(look -> rows.add(new Row(look, false, 0)));
        text.clear();
        looks.clear();
        looksBetween = 0;
    }

    private Entry folded() {
        Entry first = text.get(0);
        ByteArrayOutputStream values = new ByteArrayOutputStream();
        long times = 0;
        for (Entry entry : text) {
            if (entry.values().length < entry.times()) {
                // Not all of its bytes are known, only the last ones: what came before doesn't join on to them.
                values.reset();
            }
            values.writeBytes(entry.values());
            times += entry.times();
        }
        return new Entry(first.kind(), first.address(), values.toByteArray(), times, first.eip(), OptionalInt.of(1));
    }
}
