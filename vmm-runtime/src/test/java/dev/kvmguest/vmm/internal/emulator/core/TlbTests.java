package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class TlbTests {

    /** Both ends of the address space, of its canonical halves and of the lower 4 GiB, in the first and the last slot. */
    private static final long[] CORNERS = {
        0,
        0x1000,
        0xf_f000,
        0xffff_f000L,
        0x1_0000_0000L,
        0x7fff_ffff_f000L,
        0x8000_0000_0000L,
        0x7fff_ffff_ffff_f000L,
        Long.MIN_VALUE,
        0xffff_8000_0000_0000L,
        0xffff_ffff_fff0_0000L,
        0xffff_ffff_ffff_f000L
    };

    private final Tlb tlb = new Tlb();

    private static LongStream pages() {
        return LongStream.concat(
                LongStream.of(CORNERS), new Random(1).longs(100_000).map(page -> page & Tlb.PAGE_MASK));
    }

    private boolean hits(long linear) {
        return ((tlb.tags[Tlb.slot(linear)] ^ linear) & Tlb.PAGE_MASK) == 0;
    }

    @Test
    void noAddressOf64BitsHitsAnEmptyEntry() {
        assertThat(pages().filter(this::hits)).isEmpty();
    }

    @Test
    void pageHitsUntilItIsInvalidated() {
        for (long page : CORNERS) {
            tlb.put(page, 0x5000);
            assertThat(hits(page + 0xfff)).as("put %x", page).isTrue();

            tlb.invalidate(page + 0x123);
            assertThat(hits(page)).as("invalidated %x", page).isFalse();
        }
    }

    @Test
    void frameTakesAllItsPagesWithIt() {
        tlb.put(0, 0x5000);
        tlb.put(0xffff_ffff_ffff_f000L, 0x5000);
        tlb.put(0x3000, 0x6000);

        tlb.invalidateFrame(0x5000);

        assertThat(hits(0)).isFalse();
        assertThat(hits(0xffff_ffff_ffff_f000L)).isFalse();
        assertThat(hits(0x3000)).isTrue();
    }

    @Test
    void flushedTlbIsAsANewOne() {
        pages().forEach(page -> tlb.put(page, 0x5000));

        tlb.flush();

        assertThat(pages().filter(this::hits)).isEmpty();
    }
}
