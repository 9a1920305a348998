package dev.kvmguest.vmm.internal.report.html;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.diagnosis.Timeline.Entry;
import dev.kvmguest.vmm.diagnosis.Timeline.Kind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConsoleRowsTests {

    private static final Entry LOOK =
            new Entry(Kind.IN, 0x3fd, new byte[] {0x60}, 2, OptionalLong.of(0x2000), OptionalInt.of(1));

    @ParameterizedTest
    @ValueSource(ints = {0xe9, 0x3f8})
    void bytesInARowAreOneRowWithTheText(int port) {
        assertThat(rows(out(port, "H"), out(port, "e"), out(port, "llo"))).containsExactly("OUT Hello x5 at 0x1000");
    }

    @Test
    void looksAtTheLineStatusBetweenBytesAreCounted() {
        assertThat(rows(out(0x3f8, "a"), LOOK, LOOK, out(0x3f8, "b"), LOOK, out(0x3f8, "c")))
                .containsExactly("OUT abc x3 at 0x1000 with 6 looks");
    }

    @Test
    void looksThatNoByteComesAfterAreRowsOfTheirOwn() {
        assertThat(rows(LOOK, out(0x3f8, "a"), LOOK, LOOK)).containsExactly("IN", "OUT a x1 at 0x1000", "IN", "IN");
        assertThat(rows(out(0xe9, "a"), LOOK, out(0xe9, "b")))
                .containsExactly("OUT a x1 at 0x1000", "IN", "OUT b x1 at 0x1000");
    }

    @Test
    void whatComesBetweenDividesTheText() {
        Entry halt = new Entry(Kind.HALT, 0, new byte[0], 1, OptionalLong.empty(), OptionalInt.empty());

        assertThat(rows(out(0x3f8, "a"), halt, out(0x3f8, "b"), out(0xe9, "c")))
                .containsExactly("OUT a x1 at 0x1000", "HALT", "OUT b x1 at 0x1000", "OUT c x1 at 0x1000");
    }

    @Test
    void wordsAndOtherPortsAreNoText() {
        Entry word = new Entry(Kind.OUT, 0xe9, new byte[2], 1, OptionalLong.empty(), OptionalInt.of(2));
        Entry received = new Entry(Kind.IN, 0x3f8, new byte[1], 1, OptionalLong.empty(), OptionalInt.of(1));

        assertThat(rows(word, out(0x80, "a"), out(0x80, "b"), received)).containsExactly("OUT", "OUT", "OUT", "IN");
    }

    /** Of many equal exchanges only the last bytes are known. */
    @Test
    void textBeforeAGapIsNotJoinedToWhatComesAfterIt() {
        Entry cut = new Entry(
                Kind.OUT,
                0xe9,
                "tail".getBytes(StandardCharsets.US_ASCII),
                100,
                OptionalLong.of(0x3000),
                OptionalInt.of(1));

        assertThat(rows(out(0xe9, "head"), cut, out(0xe9, "!"))).containsExactly("OUT tail! x105 at 0x1000");
    }

    private static Entry out(int port, String text) {
        return new Entry(
                Kind.OUT,
                port,
                text.getBytes(StandardCharsets.US_ASCII),
                text.length(),
                OptionalLong.of(0x1000),
                OptionalInt.of(1));
    }

    private static List<String> rows(Entry... entries) {
        List<String> rows = new ArrayList<>();
        for (ConsoleRows.Row row : ConsoleRows.of(List.of(entries))) {
            Entry entry = row.entry();
            rows.add(
                    row.isText()
                            ? entry.kind() + " " + new String(entry.values(), StandardCharsets.US_ASCII) + " x"
                                    + entry.times() + " at 0x"
                                    + Long.toHexString(entry.eip().orElse(0))
                                    + (row.looks() == 0 ? "" : " with " + row.looks() + " looks")
                            : entry.kind().toString());
        }
        return rows;
    }
}
