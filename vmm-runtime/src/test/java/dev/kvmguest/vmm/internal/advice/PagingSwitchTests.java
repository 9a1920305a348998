package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class PagingSwitchTests {

    /** mov eax,cr0; or eax,0x80000000; mov cr0,eax; hlt */
    private static final String PAGING_ON = "0f 20 c0 0d 00 00 00 80 0f 22 c0 f4";

    /** mov eax,(four bytes that follow); mov cr3,eax */
    private static String cr3(String value) {
        return "b8" + value + "0f 22 d8";
    }

    @Test
    void emptyDirectoryIsTold() {
        assertThat(DeadGuest.flat(cr3("00 00 20 00") + PAGING_ON).get(0))
                .startsWith(
                        "mov cr0, eax at 0x1010 left the code that follows it at 0x1013 without a page: CR3 is 0x200000,"
                                + " and no entry of a page directory there is present");
    }

    @Test
    void directoryBehindRamIsTold() {
        assertThat(DeadGuest.flat(cr3("00 00 00 70") + PAGING_ON).get(0))
                .contains("without a page: CR3 is 0x70000000, where no RAM is; it takes the physical address");
    }

    @Test
    void directoryThatMapsOtherThingsIsTold() {
        // mov dword [0x200004],0x201001: linear 4 MiB
        assertThat(DeadGuest.flat("c7 05 04 00 20 00 01 10 20 00" + cr3("00 00 20 00") + PAGING_ON)
                        .get(0))
                .contains("without a page: the page tables at 0x200000 don't map it; map the code");
    }

    @Test
    void codeBehindReservedBitsIsTold() {
        // mov dword [0x200000],0x200083: bit 21
        assertThat(DeadGuest.flat("c7 05 00 00 20 00 83 00 20 00" + LARGE_PAGES + cr3("00 00 20 00") + PAGING_ON)
                        .get(0))
                .endsWith("without a page: page-directory entry 0 at 0x200000 has reserved bits 0x200000; clear them");
    }

    @Test
    void largePageWithoutItsBitInCr4IsTold() {
        // mov dword [0x200000],0x83
        assertThat(DeadGuest.flat("c7 05 00 00 20 00 83 00 00 00" + cr3("00 00 20 00") + PAGING_ON)
                        .get(0))
                .contains(
                        " without a page: its page-directory entry is one of a 4 MiB page (bit 7), and CR4.PSE is clear,"
                                + " so that it is taken for a page table; set CR4.PSE before CR0.PG");
    }

    @Test
    void tablesForPaeWithoutItsBitInCr4AreTold() {
        // mov dword [0x200000],0x201001; mov dword [0x201000],0x83
        assertThat(DeadGuest.flat("c7 05 00 00 20 00 01 10 20 00 c7 05 00 10 20 00 83 00 00 00" + cr3("00 00 20 00")
                                + PAGING_ON)
                        .get(0))
                .contains("CR4.PAE is clear, and the page tables at 0x200000 are those for the opposite; set CR4.PAE");
    }

    /** mov eax,0x10; mov cr4,eax: CR4.PSE */
    private static final String LARGE_PAGES = "b8 10 00 00 00 0f 22 e0";

    @Test
    void directoryThatIsNotAlignedIsTold() {
        // mov dword [0x200100],0x83
        assertThat(DeadGuest.flat("c7 05 00 01 20 00 83 00 00 00" + LARGE_PAGES + cr3("00 01 20 00") + PAGING_ON)
                        .get(0))
                .contains(
                        "without a page: CR3 is 0x200100, but its lower 12 bits don't count, so that the page directory"
                                + " is read from 0x200000; align it to 4096 bytes");
    }

    @Test
    void pageThatIsAnotherOneIsTold() {
        // mov dword [0x200000],0x400083: linear 0 is physical 4 MiB, where zeros are: add [eax],al
        assertThat(DeadGuest.flat("c7 05 00 00 20 00 83 00 40 00" + LARGE_PAGES + cr3("00 00 20 00") + PAGING_ON)
                        .get(0))
                .contains(
                        "left the code that follows it at 0x1025 on another page, which is physical 0x401025 in place of"
                                + " 0x1025: the page tables at 0x200000 don't map it;");
    }

    /** Returns what is advised about a kernel that is linked for the upper half, entered with paging off. */
    private static String upperHalf(String code) {
        return upperHalf(code, BootMode.PROTECTED, 0x1000).get(0);
    }

    private static List<String> upperHalf(String code, BootMode boot, long entry) {
        byte[] bytes = TestGuest.bytes(code);
        GuestImage image = new GuestImage(
                "kernel",
                GuestImage.Format.ELF32,
                List.of(new GuestImage.Segment(0x1000, 0x8000_1000L, bytes, 0x3000)),
                OptionalLong.of(entry),
                List.of(new GuestImage.Symbol("directory", 0x8000_2000L, 0x1000)));
        return DeadGuest.image(image, boot);
    }

    @Test
    void linearAddressOfTheDirectoryIsTold() {
        // mov dword [0x2000],0x83
        assertThat(upperHalf("c7 05 00 20 00 00 83 00 00 00" + LARGE_PAGES + cr3("00 20 00 80") + PAGING_ON))
                .contains(
                        "without a page: CR3 is 0x80002000 (directory), the linear address of the page directory; it takes"
                                + " the physical one, 0x2000");
    }

    @Test
    void linearAddressOfSomethingElseIsJustWhereNoRamIs() {
        // mov dword [0x2000],0x83: not at 0x3000
        assertThat(upperHalf("c7 05 00 20 00 00 83 00 00 00" + LARGE_PAGES + cr3("00 30 00 80") + PAGING_ON))
                .contains("without a page: CR3 is 0x80003000, where no RAM is");
    }

    /** mov eax,cr0; and eax,0x7fffffff; mov cr0,eax */
    private static final String PAGING_OFF = "0f 20 c0 25 ff ff ff 7f 0f 22 c0";

    @Test
    void codeThatSwitchesPagingOffWhereItIsOnlyWithPagingIsTold() {
        assertThat(upperHalf(PAGING_OFF + "f4", BootMode.PAGED, 0x8000_1000L))
                .first()
                .isEqualTo(
                        "mov cr0, eax at 0x80001008 switched paging off, so that the code that follows it is fetched from"
                                + " physical 0x8000100b, where no RAM is, and not from 0x100b; jump to a page that is mapped at its"
                                + " physical address first, and clear CR0.PG there");
    }

    @Test
    void codeThatSwitchesPagingOffWhereItIsWithoutIsNotBlamed() {
        // mov eax,0x1007; jmp eax; (at physical 0x1007) paging off; ud2
        assertThat(upperHalf("b8 07 10 00 00 ff e0" + PAGING_OFF + "0f 0b", BootMode.PAGED, 0x8000_1000L))
                .noneMatch(sentence -> sentence.contains("switched paging off"));
    }

    @Test
    void changeOfCr0WithPagingOffBeforeIsNotBlamed() {
        // mov eax,cr0; mov cr0,eax; ud2
        assertThat(upperHalf("0f 20 c0 0f 22 c0 0f 0b", BootMode.PROTECTED, 0x1000))
                .noneMatch(sentence -> sentence.contains("switched paging off"));
    }

    @Test
    void changeOfCr3ThatUnmapsTheCodeIsTold() {
        assertThat(DeadGuest.paged(cr3("00 00 20 00")).get(0))
                .startsWith("mov cr3, eax at 0x80001005 left the code that follows it at 0x80001008 without a page:");
    }

    @Test
    void jumpToAnUnmappedAddressIsNotBlamedOnTheSwitch() {
        assertThat(DeadGuest.paged("b8 00 00 00 70 ff e0")) // mov eax,0x70000000; jmp eax
                .noneMatch(sentence -> sentence.contains("CR3"));
    }

    @Test
    void accessToAnUnmappedAddressAfterTheSwitchIsNotBlamedOnIt() {
        // mov eax,cr3; mov cr3,eax; mov eax,[0x70000000]
        assertThat(DeadGuest.paged("0f 20 d8 0f 22 d8 a1 00 00 00 70"))
                .noneMatch(sentence -> sentence.contains("without a page"));
    }

    @Test
    void handlerWithoutAPageIsNotTheCodeBehindTheSwitch() {
        // mov dword [0x558],0x00080000; mov dword [0x55c],0x70008e00: IDT[6]; mov esp,0x9000; mov eax,cr3; mov cr3,eax;
        // ud2
        assertThat(DeadGuest.paged("c7 05 58 05 00 00 00 00 08 00 c7 05 5c 05 00 00 00 8e 00 70 bc 00 90 00 00 0f 20 d8"
                        + "0f 22 d8 0f 0b"))
                .noneMatch(sentence -> sentence.contains("left the code that follows"));
    }

    @Test
    void instructionThatSwitchesPagingOnMayHaveAPrefix() {
        // mov eax,cr0; or eax,0x80000000; rep mov cr0,eax; hlt
        assertThat(DeadGuest.flat(cr3("00 00 20 00") + "0f 20 c0 0d 00 00 00 80 f3 0f 22 c0 f4")
                        .get(0))
                .startsWith(
                        "rep mov cr0, eax at 0x1010 left the code that follows it at 0x1014 without a page: CR3 is");
    }
}
