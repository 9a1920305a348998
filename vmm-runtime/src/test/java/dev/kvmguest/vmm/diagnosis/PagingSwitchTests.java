package dev.kvmguest.vmm.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PagingSwitchTests {

    /** mov eax,cr0; or eax,0x80000000; mov cr0,eax */
    private static final String PAGING_ON = "0f 20 c0 0d 00 00 00 80 0f 22 c0";

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
        // mov dword [0x200004],0x83: linear 4 MiB, as if CR4.PSE were set
        assertThat(DeadGuest.flat("c7 05 04 00 20 00 83 00 00 00" + cr3("00 00 20 00") + PAGING_ON)
                        .get(0))
                .contains("without a page: the page tables at 0x200000 don't map it; map the code");
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
}
