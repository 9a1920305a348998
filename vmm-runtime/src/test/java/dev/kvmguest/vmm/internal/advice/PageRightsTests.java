package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Guests whose code begins at 0x100008, and whose page at 0x120000 has another entry than others. */
class PageRightsTests {

    private static final int PAGE = 0x120;
    /** mov ecx,0xc0000080; rdmsr; or eax,0x800; wrmsr: EFER.NXE. */
    private static final String NXE = "b9 80 00 00 c0 0f 32 0d 00 08 00 00 0f 30";
    /** mov rax,cr0; or eax,0x10000; mov cr0,rax. */
    private static final String WP = "0f 20 c0 0d 00 00 01 00 0f 22 c0";
    /** mov rax,cr4; or eax,0x100000; mov cr4,rax. */
    private static final String SMEP = "0f 20 e0 0d 00 00 10 00 0f 22 e0";
    /** mov rax,cr4; or eax,0x200000; mov cr4,rax. */
    private static final String SMAP = "0f 20 e0 0d 00 00 20 00 0f 22 e0";

    private static final String STAC = "0f 01 cb";
    /** mov ebx,0x120000; jmp rbx. */
    private static final String JUMP = "bb 00 00 12 00 ff e3";
    /** mov byte [0x120000],1. */
    private static final String WRITE = "c6 04 25 00 00 12 00 01";
    /** mov eax,[0x120000]. */
    private static final String READ = "8b 04 25 00 00 12 00";

    private static final String UD2 = "0f 0b";

    private static List<String> adviceFor(String code, long entry) {
        return DeadGuest.adviceFor(MappedGuest.paged(code, Map.of(PAGE, entry), new Symbol("page", 0x120000, 0x1000)));
    }

    @Test
    void executionOfAPageWithNxIsTold() {
        assertThat(adviceFor(NXE + JUMP, 0x8000_0000_0012_0003L).get(0))
                .isEqualTo("execution went to 0x120000 (page) after jmp rbx at 0x10001b, which page-table entry 288 at"
                        + " 0x113900 forbids to execute: its bit 63, NX, is set; clear NX where code is, or else look at what led"
                        + " there");
    }

    @ParameterizedTest
    @CsvSource({
        WRITE + ", 'mov byte [0x120000], 1 at 0x100008 uses 0x120000 (page)'",
        JUMP + ", 'execution went to 0x120000 (page) after jmp rbx at 0x10000d'",
    })
    void nxThatIsNotSwitchedOnIsAReservedBit(String code, String use) {
        assertThat(adviceFor(code, 0x8000_0000_0012_0003L).get(0))
                .startsWith(use
                        + " by way of page-table entry 288 at 0x113900, in which bit 63, NX, is set, and EFER.NXE is"
                        + " clear, so that it must be 0; set EFER.NXE");
    }

    @Test
    void otherReservedBitsAreTold() {
        assertThat(adviceFor(READ, 0x0008_0000_0012_0003L).get(0))
                .startsWith(
                        "mov eax, [0x120000] at 0x100008 uses 0x120000 (page) by way of page-table entry 288 at 0x113900, in"
                                + " which bits 0x8000000000000 are set that must be 0; clear them");
    }

    @Test
    void writeToAReadOnlyPageIsTold() {
        assertThat(adviceFor(WP + WRITE, 0x12_0001).get(0))
                .startsWith(
                        "mov byte [0x120000], 1 at 0x100013 writes to 0x120000 (page), which page-table entry 288 at"
                                + " 0x113900 makes read-only: its bit 1, R/W, is clear, and CR0.WP is set, so that it counts in ring 0"
                                + " too; set the bit");
    }

    @Test
    void whoWroteTheEntryIsToldByTheGuestsRun() {
        // and byte [0x113900],0xfd: bit 1
        assertThat(DeadGuest.reported(MappedGuest.paged("80 24 25 00 39 11 00 fd" + WP + WRITE, Map.of()))
                        .get(0))
                .contains(
                        "so that it counts in ring 0 too, as and byte [0x113900], 0xfd at 0x100008, 3 instructions before the"
                                + " end, left it; set the bit");
    }

    @Test
    void pagesOfProgramsAreNotTheKernelsWithSmepAndSmap() {
        assertThat(adviceFor(SMEP + JUMP, 0x12_0007).get(0))
                .startsWith(
                        "ring 0 went on at 0x120000 (page), a page of ring 3 (U/S is set in all its entries), after jmp rbx"
                                + " at 0x100018, which CR4.SMEP forbids; ");
        assertThat(adviceFor(SMAP + READ, 0x12_0007).get(0))
                .startsWith(
                        "mov eax, [0x120000] at 0x100013 uses, in ring 0, 0x120000 (page), a page of ring 3 (U/S is set in"
                                + " all its entries), which CR4.SMAP forbids while RFLAGS.AC is clear; execute STAC");
    }

    @ParameterizedTest
    @CsvSource({
        SMAP + STAC + READ + UD2 + ", 0x120007",
        WRITE + UD2 + ", 0x120001", // CR0.WP is clear
        READ + ", 0", // no page
        NXE + READ + UD2 + ", 0x120003",
    })
    void whatIsAllowedOrMissingIsNotTold(String code, long entry) {
        assertThat(adviceFor(code, entry)).noneMatch(sentence -> sentence.contains("(page)"));
    }

    @Test
    void tablesOf32BitCodeAreToldToo() {
        // and dword [0x101014],~2: the page at 0x5000; mov eax,cr0; or eax,0x10000; mov cr0,eax; mov byte [0x5000],1
        assertThat(DeadGuest.adviceFor(TestGuest.real(
                                        "83 25 14 10 10 00 fd 0f 20 c0 0d 00 00 01 00 0f 22 c0 c6 05 00 50 00 00 01")
                                .withBoot(BootMode.PAGED_4K))
                        .get(0))
                .startsWith(
                        "mov byte [0x5000], 1 at 0x80001012 writes to 0x5000, which page-table entry 5 at 0x101014 makes"
                                + " read-only: its bit 1, R/W, is clear, and CR0.WP is set");
    }
}
