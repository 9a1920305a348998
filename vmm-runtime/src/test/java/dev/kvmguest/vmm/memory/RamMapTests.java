package dev.kvmguest.vmm.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.memory.RamMap.Extent;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class RamMapTests {

    private static final long GIB = 1L << 30;

    @Test
    void ramThatFitsBelowTheDevicesIsOneRange() {
        RamMap map = new RamMap(3 * GIB);

        assertThat(map.isSplit()).isFalse();
        assertThat(map.extents()).containsExactly(new Extent(0, 0xc000_0000L));
        assertThat(map.end()).isEqualTo(0xc000_0000L);
        assertThat(map.words()).isEqualTo("which ends at 0xbfffffff");
    }

    @Test
    void whatDoesNotFitBeginsAt4Gib() {
        RamMap map = new RamMap(3 * GIB + 4096);

        assertThat(map.extents())
                .containsExactly(new Extent(0, 0xc000_0000L), new Extent(0x1_0000_0000L, 0x1_0000_1000L));
        assertThat(map.words()).isEqualTo("which is at 0x0-0xbfffffff and 0x100000000-0x100000fff");
        assertThat(new RamMap(16 * GIB).end()).isEqualTo(17 * GIB);
    }

    @Test
    void addressesBetweenAreNotRam() {
        RamMap map = new RamMap(4 * GIB);

        assertThat(LongStream.of(0, 0xbfff_ffffL, 0x1_0000_0000L, 0x1_3fff_ffffL))
                .allMatch(map::contains);
        assertThat(LongStream.of(0xc000_0000L, 0xffff_ffffL, 0x1_4000_0000L, -1, Long.MIN_VALUE))
                .noneMatch(map::contains);
    }

    @Test
    void rangeIsRamIfAllOfItIs() {
        RamMap map = new RamMap(4 * GIB);

        assertThat(map.contains(0xbfff_fff8L, 8)).isTrue();
        assertThat(map.contains(0xbfff_fff9L, 8)).isFalse();
        assertThat(map.contains(0xbfff_f000L, 2 * GIB)).isFalse();
        assertThat(map.contains(0xffff_fff8L, 16)).isFalse();
        assertThat(map.contains(0x1_3fff_fff8L, 8)).isTrue();
        assertThat(map.contains(0x1_3fff_fff9L, 8)).isFalse();
        assertThat(map.contains(0x1_4000_0000L, 0)).isTrue();
        assertThat(map.contains(Long.MAX_VALUE, 1)).isFalse();
        assertThat(map.contains(0, -1)).isFalse();
        assertThat(map.contains(0, Long.MAX_VALUE)).isFalse();
    }

    @Test
    void offsetsLeaveTheGapOut() {
        RamMap map = new RamMap(4 * GIB);

        assertThat(map.offset(0xbfff_ffffL)).isEqualTo(0xbfff_ffffL);
        assertThat(map.offset(0x1_0000_0000L)).isEqualTo(0xc000_0000L);
        assertThat(map.offset(0x1_3fff_ffffL)).isEqualTo(0xffff_ffffL);
    }
}
