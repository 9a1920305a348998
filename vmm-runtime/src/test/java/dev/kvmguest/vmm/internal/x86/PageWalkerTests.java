package dev.kvmguest.vmm.internal.x86;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PageWalkerTests {

    private final PageWalker walker = new PageWalker();

    @Test
    void smallPageOf32BitPagingIsFoundByADirectoryAndATable() {
        walker.start(0x12_3018, 0, 0, 0x8040_1abc);
        assertThat(walker.level()).isEqualTo(PageLevel.DIRECTORY);
        assertThat(walker.index()).isEqualTo(0x201);
        assertThat(walker.address()).isEqualTo(0x12_3000 + 0x201 * 4);
        walker.take(0x5007);
        assertThat(walker.isPage()).isFalse();
        walker.descend();

        assertThat(walker.level()).isEqualTo(PageLevel.TABLE);
        assertThat(walker.address()).isEqualTo(0x5000 + 4);
        walker.take(0xffff_f063L);
        assertThat(walker.isPage()).isTrue();
        assertThat(walker.pageSize()).isEqualTo(0x1000);
        assertThat(walker.physical()).isEqualTo(0xffff_fabcL);
        assertThat(walker.reserved()).isZero();
    }

    @Test
    void largePageOf32BitPagingNeedsPseAndMayBeAbove4GiB() {
        long entry = 0x0080_2083 | 0x1_e000;
        walker.start(0, Cr4.PSE, 0, 0x0041_2345);
        walker.take(entry);
        assertThat(walker.isPage()).isTrue();
        assertThat(walker.pageSize()).isEqualTo(0x40_0000);
        assertThat(walker.physical()).isEqualTo(0xf_0081_2345L);

        walker.start(0, 0, 0, 0x0041_2345);
        walker.take(entry);
        assertThat(walker.isPage()).isFalse();
        assertThat(walker.frame()).isEqualTo(0x0081_e000);
    }

    @Test
    void largePageOfPaeIsHalfAsLargeAndNeedsNoPse() {
        walker.start(0x1020, Cr4.PAE, 0, 0xc061_2345L);
        assertThat(walker.level()).isEqualTo(PageLevel.POINTER);
        assertThat(walker.address()).isEqualTo(0x1020 + 3 * 8);
        walker.take(0x2001);
        walker.descend();
        assertThat(walker.address()).isEqualTo(0x2000 + 3 * 8);
        walker.take(0x9_0020_0083L);

        assertThat(walker.isPage()).isTrue();
        assertThat(walker.physical()).isEqualTo(0x9_0021_2345L);
    }

    @Test
    void reservedBitsDependOnLevelAndFeatures() {
        walker.start(0, Cr4.PAE, 0, 0);
        walker.take(0x2003);
        assertThat(walker.reserved())
                .as("rights of a page-directory-pointer entry")
                .isEqualTo(2);
        walker.descend();
        walker.take(PageEntry.NO_EXECUTE | 0x3001);
        assertThat(walker.reserved()).as("no-execute without EFER.NXE").isEqualTo(PageEntry.NO_EXECUTE);
        walker.take(PageEntry.NO_EXECUTE);
        assertThat(walker.reserved()).as("an entry that is not present").isZero();
        walker.take(0x20_2083);
        assertThat(walker.reserved()).as("address bits within a 2 MiB page").isEqualTo(0x2000);

        walker.start(0, Cr4.PAE, Efer.NXE, 0);
        walker.take(0x2001);
        walker.descend();
        walker.take(PageEntry.NO_EXECUTE | 0x3001);
        assertThat(walker.reserved()).as("no-execute with EFER.NXE").isZero();

        walker.start(0, Cr4.PSE, 0, 0);
        walker.take(0x20_0083);
        assertThat(walker.reserved()).as("bit 21 of a 4 MiB page").isEqualTo(0x20_0000);
    }
}
