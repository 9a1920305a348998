package dev.kvmguest.vmm.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Overlap;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MemoryLayoutTests {

    private static final Range IDT = new Range(Kind.IDT, "the boot IDT", 0x528, 0xd28);
    private static final Range IMAGE = new Range(Kind.IMAGE, "image kernel", 0x1000, 0x3000);
    private static final Range BSS = new Range(Kind.BSS, "the BSS of image kernel", 0x3000, 0x5000);

    @Test
    void stackMayBeInTheBssOfItsImageButNotInATable() {
        Range inBss = new Range(Kind.STACK, "the stack", 0x4000, 0x5000);
        Range inTable = new Range(Kind.STACK, "the boot stack", 0x400, 0x600);

        assertThat(layout(IDT, IMAGE, BSS, inBss).overlaps()).isEmpty();
        assertThat(layout(IDT, IMAGE, BSS, inTable).overlaps()).containsExactly(new Overlap(inTable, IDT));
    }

    @Test
    void stackThatReachesBeyondTheBssOverlapsIt() {
        Range stack = new Range(Kind.STACK, "the stack", 0x4000, 0x5001);

        assertThat(layout(BSS, stack).overlaps()).containsExactly(new Overlap(BSS, stack));
    }

    @Test
    void neighboursDoNotOverlapNorDoesOneStackWithTwoNames() {
        Range stack = new Range(Kind.STACK, "the stack", 0x8000, 0x9000);

        assertThat(layout(IMAGE, BSS, stack, new Range(Kind.STACK, "the kernel stack", 0x8000, 0x9000))
                        .overlaps())
                .isEmpty();
    }

    @Test
    void tableHasRoomForAddressesAbove4Gib() {
        MemoryLayout layout = layout(
                new Range(Kind.IMAGE, "low", 0x1000, 0x2000),
                new Range(Kind.IMAGE, "high", 0x1_4000_0000L, 0x1_4000_1000L),
                new Range(Kind.END_OF_RAM, "end of RAM", 0x4_4000_0000L, 0x4_4000_0000L));

        assertThat(layout.table())
                .isEqualTo("0x00001000-0x00001fff       4096 bytes  low\n"
                        + "0x140000000-0x140000fff     4096 bytes  high\n"
                        + "0x440000000                             end of RAM\n");
    }

    @Test
    void manyOverlapsAreCut() {
        List<Range> ranges = IntStream.range(0, 100)
                .mapToObj(i -> new Range(Kind.STACK, "stack " + i, i, 1000))
                .toList();

        assertThat(new MemoryLayout(ranges, List.of()).overlaps()).hasSize(64);
    }

    @Test
    void rangesOfAnAddressAreThoseThatHoldIt() {
        Range stack = new Range(Kind.STACK, "the stack", 0x4000, 0x5000);
        MemoryLayout layout = layout(IMAGE, BSS, stack, new Range(Kind.END_OF_RAM, "end of RAM", 0x6000, 0x6000));

        assertThat(layout.at(0x4fff)).containsExactly(BSS, stack);
        assertThat(layout.at(0x2fff)).containsExactly(IMAGE);
        assertThat(layout.at(0x5000)).isEmpty();
        assertThat(layout.at(0x6000)).isEmpty();
    }

    private static MemoryLayout layout(Range... ranges) {
        return new MemoryLayout(List.of(ranges), List.of());
    }
}
