package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.advice.DeadGuest.Table;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class PageLevelsTests {

    /**
     * mov eax,0x20; mov cr4,eax; mov eax,0x9000; mov cr3,eax; mov ecx,0xc0000080; rdmsr; or eax,0x100; wrmsr; mov
     * eax,cr0; or eax,0x80000000; mov cr0,eax; hlt
     */
    private static final String ENTER =
            "b8 20 00 00 00 0f 22 e0 b8 00 90 00 00 0f 22 d8 b9 80 00 00 c0 0f 32 0d 00 01 00 00 0f 30 0f 20 c0 0d 00 00 00 80 0f 22 c0 f4";

    private static final String LOST =
            "mov cr0, eax at 0x1026 left the code that follows it at 0x1029 without a page: ";

    private static String entering(Table... tables) {
        return DeadGuest.inProtectedMode(ENTER, tables).get(0);
    }

    @Test
    void emptyMapIsTold() {
        assertThat(entering(new Table(0x9000, 0)))
                .isEqualTo(LOST
                        + "CR3 is 0x9000, and no entry of a page-map level-4 table there is present; fill it, at its"
                        + " physical address, before CR3 is set");
    }

    @Test
    void firstEntryThatIsMissingIsNamed() {
        assertThat(entering(new Table(0x9000, 0xa003), new Table(0xa000, 0xb003), new Table(0xb000, 0, 0x20_0083)))
                .isEqualTo(LOST
                        + "page-directory entry 0 at 0xb000 is not present; map the code that sets CR0.PG or CR3 at"
                        + " the address at which it runs, too");
    }

    @Test
    void bit7ThatIsMissingInThePageDirectoryIsTold() {
        assertThat(entering(new Table(0x9000, 0xa003), new Table(0xa000, 0xb003), new Table(0xb000, 0x3)))
                .isEqualTo(LOST
                        + "page-directory entry 0 at 0xb000 is 0x3, without bit 7 (PS), and so leads to a table at 0x0"
                        + " in place of a page of 2 MiB; set bit 7 there, as in 0x83");
    }

    @Test
    void bit7ThatIsMissingInAPageOf1GibIsTold() {
        assertThat(entering(new Table(0x9000, 0xa003), new Table(0xa000, 0x3)))
                .contains(
                        "page-directory-pointer entry 0 at 0xa000 is 0x3, without bit 7 (PS)",
                        "in place of a page of 1 GiB");
    }

    @Test
    void bit7InAnEntryOfATableIsTold() {
        assertThat(entering(new Table(0x9000, 0xa083), new Table(0xa000, 0xb003), new Table(0xb000, 0x83)))
                .isEqualTo(LOST
                        + "page-map-level-4 entry 0 at 0x9000 is 0xa083, with bit 7 (PS) set, which is reserved there,"
                        + " and leads to a table; clear bit 7 there");
    }

    @Test
    void pageDirectoryAtTheTopIsTold() {
        assertThat(entering(new Table(0x9000, 0x83)))
                .isEqualTo(LOST
                        + "CR3 is 0x9000, and the table there is a page directory; CR3 takes a page-map level-4 table,"
                        + " whose entries lead to tables of page directories");
    }

    @Test
    void tableOfPageDirectoriesAtTheTopIsTold() {
        assertThat(entering(new Table(0x9000, 0xb003), new Table(0xb000, 0xc003), new Table(0xc000, 0x3, 0x1003)))
                .isEqualTo(LOST
                        + "CR3 is 0x9000, and the table there is one of page directories; CR3 takes a page-map level-4"
                        + " table, whose entries lead to tables of page directories");
    }

    @Test
    void tablesOf32BitPagingAreTold() {
        // A page table of 4-byte entries at 0xa000, with pages 0 to 3.
        assertThat(entering(new Table(0x9000, 0xa003), new Table(0xa000, 0x1003_0000_0003L, 0x3003_0000_2003L)))
                .startsWith(LOST
                        + "the tables at 0x9000 are those of 32-bit paging, with entries of 4 bytes in two levels;");
    }

    @Test
    void mapThatIsNotAlignedIsToldEvenIfItsLowBitsMeanSomething() {
        // mov eax,0x20; mov cr4,eax; mov eax,0x9010; mov cr3,eax; mov ecx,0xc0000080; rdmsr; or eax,0x100; wrmsr; mov
        // eax,cr0; or eax,0x80000000; mov cr0,eax; hlt
        String code =
                "b8 20 00 00 00 0f 22 e0 b8 10 90 00 00 0f 22 d8 b9 80 00 00 c0 0f 32 0d 00 01 00 00 0f 30 0f 20 c0 0d 00 00 00 80 0f 22 c0 f4";

        assertThat(DeadGuest.inProtectedMode(
                                code, new Table(0x9010, 0xa003), new Table(0xa000, 0xb003), new Table(0xb000, 0x83))
                        .get(0))
                .isEqualTo(
                        LOST + "CR3 is 0x9010, but its lower 12 bits don't count, so that the page-map level-4 table is"
                                + " read from 0x9000; align it to 4096 bytes");
    }

    @Test
    void reservedBitsAreTold() {
        assertThat(entering(new Table(0x9000, 0xa003), new Table(0xa000, 0x4_0000_0000_b003L), new Table(0xb000, 0x83)))
                .isEqualTo(LOST
                        + "page-directory-pointer entry 0 at 0xa000 has reserved bits 0x4000000000000; clear them");
    }

    @Test
    void mapThatLeadsElsewhereIsTold() {
        // Linear 0 is physical 2 MiB, where zeros are.
        assertThat(entering(new Table(0x9000, 0xa003), new Table(0xa000, 0xb003), new Table(0xb000, 0x20_0083)))
                .contains(
                        "on another page, which is physical 0x201029 in place of 0x1029: the page tables at 0x9000 don't map"
                                + " it;");
    }

    @Test
    void mapThatIsRightIsNotBlamedForWhatComesLater() {
        // The same, and int3 after it.
        assertThat(DeadGuest.inProtectedMode(
                        ENTER.replace(" f4", " cc"),
                        new Table(0x9000, 0xa003),
                        new Table(0xa000, 0xb003),
                        new Table(0xb000, 0x83)))
                .isNotEmpty()
                .noneMatch(sentence -> sentence.contains("without a page") || sentence.contains("page-map"));
    }

    @Test
    void linearAddressInAnEntryIsTold() {
        // mov rax,0x109000; mov cr3,rax
        String code = "48 c7 c0 00 90 10 00 0f 22 d8";

        assertThat(DeadGuest.inUpperHalf(code, new Table(0x10_9ff8, 0xffff_ffff_8010_a003L), new Table(0x10_a000, 0))
                        .get(0))
                .endsWith(
                        "without a page: page-map-level-4 entry 511 at 0x109ff8 is 0xffffffff8010a003, with the linear"
                                + " address of the image's 0xffffffff8010a000; entries take physical addresses, 0x10a000 here");
    }

    @Test
    void linearAddressByTheMapAtEntryIsTold() {
        // mov rax,0x109000; mov cr3,rax
        String code = "48 c7 c0 00 90 10 00 0f 22 d8";

        assertThat(DeadGuest.inLongMode(code, new Table(0x10_9000, 0xffff_ffff_8010_a003L), new Table(0x10_a000, 0))
                        .get(0))
                .endsWith(
                        "without a page: page-map-level-4 entry 0 at 0x109000 is 0xffffffff8010a003, with the linear address of"
                                + " the image's 0xffffffff8010a000; entries take physical addresses, 0x10a000 here");
    }

    @Test
    void stackThatTheNewTablesDontMapIsTold() {
        // mov rsp,0xffffffff8010a008; mov rax,0x109000; mov cr3,rax; push rax
        String code = "48 c7 c4 08 a0 10 80 48 c7 c0 00 90 10 00 0f 22 d8 50";

        assertThat(DeadGuest.inLongMode(
                                code,
                                new Table(0x10_9000, 0x10_b003),
                                new Table(0x10_a000, 0),
                                new Table(0x10_b000, 0x10_c003),
                                new Table(0x10_c000, 0x83))
                        .get(0))
                .isEqualTo(
                        "mov cr3, rax at 0x10000e left the stack at RSP 0xffffffff8010a008 without a page, which is at"
                                + " physical 0x10a008; map it too, or load RSP with an address that the new tables map");
    }

    @Test
    void stackThatWasNeverThereIsNotBlamedOnTheTables() {
        // mov rsp,0x700000000000; mov rax,0x109000; mov cr3,rax; push rax
        String code = "48 bc 00 00 00 00 00 70 00 00 48 c7 c0 00 90 10 00 0f 22 d8 50";

        assertThat(DeadGuest.inLongMode(
                        code,
                        new Table(0x10_9000, 0x10_b003),
                        new Table(0x10_b000, 0x10_c003),
                        new Table(0x10_c000, 0x83)))
                .noneMatch(sentence -> sentence.contains("left the stack"));
    }

    /** Returns a kernel whose second half is linked for the last 2 GiB, with tables that map the first 2 MiB alone. */
    private static List<String> half(String code) {
        byte[] bytes = TestGuest.bytes(code);
        List<GuestImage.Segment> segments = List.of(
                new GuestImage.Segment(0x10_0000, 0x10_0000, bytes, bytes.length),
                new Table(0x10_9000, 0x10_b003).segment(0),
                new Table(0x10_b000, 0x10_c003).segment(0),
                new Table(0x10_c000, 0x83).segment(0),
                new Table(0x10_d000, 0xf4f4_f4f4L, 0).segment(0xffff_ffff_8000_0000L));
        GuestImage image =
                new GuestImage("kernel", GuestImage.Format.ELF64, segments, OptionalLong.of(0x10_0000), List.of());
        return DeadGuest.image(image, BootMode.LONG);
    }

    @Test
    void jumpToTheUpperHalfBeforeItIsMappedIsTold() {
        // mov rax,0x109000; mov cr3,rax; mov rax,0xffffffff8010d000; jmp rax
        String code = "48 c7 c0 00 90 10 00 0f 22 d8 48 c7 c0 00 d0 10 80 ff e0";

        assertThat(half(code).get(0))
                .isEqualTo(
                        "execution went to 0xffffffff8010d000, after jmp rax at 0x100011, which is where the linker put it, but"
                                + " it was loaded at physical 0x10d000, to which the page tables don't lead from there; map it there, or"
                                + " link the image for the address that it is loaded at");
    }

    @Test
    void returnIntoTheUpperHalfBeforeItIsMappedIsTold() {
        // mov rsp,0x108000; mov rax,0x109000; mov cr3,rax; push 0xffffffff8010d000; ret
        String code = "48 c7 c4 00 80 10 00 48 c7 c0 00 90 10 00 0f 22 d8 68 00 d0 10 80 c3";

        assertThat(half(code).get(0))
                .startsWith(
                        "execution went to 0xffffffff8010d000, after ret at 0x100016, which is where the linker put it,");
    }

    @Test
    void stackInTheUpperHalfBeforeItIsMappedIsTold() {
        // mov rax,0x109000; mov cr3,rax; mov rsp,0xffffffff8010d010; push rax
        String code = "48 c7 c0 00 90 10 00 0f 22 d8 48 c7 c4 10 d0 10 80 50";

        assertThat(half(code).get(0))
                .isEqualTo(
                        "RSP is 0xffffffff8010d010, where the linker put the stack, but it was loaded at physical 0x10d010, to"
                                + " which the page tables don't lead from there; map it before RSP is loaded with that address");
    }

    @Test
    void stackThatIsFullIsNotBlamedOnTheTables() {
        // mov rsp,0xffffffff80200000; mov rax,0x109000; mov cr3,rax; push rax: the page above is mapped
        String code = "48 c7 c4 00 00 20 80 48 c7 c0 00 90 10 00 0f 22 d8 50";

        assertThat(DeadGuest.inUpperHalf(
                        code,
                        new Table(0x10_9ff8, 0x10_b003),
                        new Table(0x10_bff0, 0x10_c003),
                        new Table(0x10_c000, 0x10_d003, 0x20_0083),
                        new Table(0x10_d800, 0x10_0003),
                        new Table(0x1f_fff0, 0, 0)))
                .isNotEmpty()
                .noneMatch(
                        sentence -> sentence.contains("left the stack") || sentence.contains("where the linker put"));
    }
}
