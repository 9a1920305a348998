package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.advice.DeadGuest.Table;
import java.util.List;
import org.junit.jupiter.api.Test;

class LongModeStepsTests {

    private static final String ORDER = "; the order is CR4.PAE, CR3, EFER.LME and then CR0.PG";

    // mov eax,0x20; mov cr4,eax
    private static final String PAE = "b8 20 00 00 00 0f 22 e0";

    // mov eax,0x9000; mov cr3,eax
    private static final String MAP = "b8 00 90 00 00 0f 22 d8";

    // mov ecx,0xc0000080; rdmsr; or eax,0x100; wrmsr
    private static final String ENABLE = "b9 80 00 00 c0 0f 32 0d 00 01 00 00 0f 30";

    // mov eax,cr0; or eax,0x80000000; mov cr0,eax
    private static final String PAGING = "0f 20 c0 0d 00 00 00 80 0f 22 c0";

    // hlt
    private static final String END = "f4 00";

    private static List<String> entering(String code) {
        return DeadGuest.inProtectedMode(
                code,
                new Table(0x9000, 0xa003),
                new Table(0xa000, 0xb003),
                new Table(0xb000, 0x83),
                new Table(0xc000, 0xb001, 0, 0, 0));
    }

    @Test
    void paeThatIsClearIsTold() {
        assertThat(entering(MAP + ENABLE + PAGING + END).get(0))
                .isEqualTo(
                        "mov cr0, eax at 0x101e sets CR0.PG with EFER.LME set and CR4.PAE (bit 5) clear, and long mode"
                                + " can't be without PAE" + ORDER);
    }

    @Test
    void enableThatIsMissingIsToldByTheTables() {
        assertThat(entering(PAE + MAP + PAGING + END).get(0))
                .isEqualTo(
                        "mov cr0, eax at 0x1018 sets CR0.PG with CR4.PAE set and EFER.LME clear, which is PAE paging with"
                                + " three levels, and page-directory-pointer entry 0 at 0x9000 has bits set that are reserved there,"
                                + " 0x2: the tables are those of long mode; set EFER.LME (bit 8 of MSR 0xc0000080) before CR0.PG");
    }

    @Test
    void enableThatComesTooLateIsTold() {
        // mov eax,0xc000; mov cr3,eax
        String ofPae = "b8 00 c0 00 00 0f 22 d8";

        assertThat(entering(PAE + ofPae + PAGING + ENABLE + END).get(0))
                .isEqualTo(
                        "wrmsr at 0x1027 sets EFER.LME while CR0.PG is set; clear CR0.PG before, on a page that is mapped"
                                + " at its physical address" + ORDER);
    }

    @Test
    void enableThatIsTakenBackWhilePagingIsTold() {
        // mov ecx,0xc0000080; rdmsr; and eax,0xfffffeff; wrmsr
        assertThat(DeadGuest.inLongMode("b9 80 00 00 c0 0f 32 25 ff fe ff ff 0f 30")
                        .get(0))
                .isEqualTo(
                        "wrmsr at 0x10000c clears EFER.LME while CR0.PG is set; jump far to a 32-bit code segment and clear"
                                + " CR0.PG before");
    }

    @Test
    void otherBitsOfEferAreNotItsBusiness() {
        // mov ecx,0xc0000080; rdmsr; or eax,2; wrmsr
        assertThat(DeadGuest.inLongMode("b9 80 00 00 c0 0f 32 83 c8 02 0f 30"))
                .noneMatch(sentence -> sentence.contains("EFER.LME"));
    }

    @Test
    void paeThatIsClearedInLongModeIsTold() {
        // mov rax,cr4; and eax,0xffffffdf; mov cr4,rax
        assertThat(DeadGuest.inLongMode("0f 20 e0 83 e0 df 0f 22 e0").get(0))
                .isEqualTo(
                        "mov cr4, rax at 0x100006 clears CR4.PAE in long mode, which can't be without it; leave it set");
    }

    @Test
    void otherBitsOfCr4AreNotItsBusiness() {
        // mov rax,cr4; or eax,0x40000000; mov cr4,rax
        assertThat(DeadGuest.inLongMode("0f 20 e0 0d 00 00 00 40 0f 22 e0"))
                .noneMatch(sentence -> sentence.contains("CR4.PAE"));
    }

    @Test
    void pagingThatIsClearedIn64BitModeIsTold() {
        // mov rax,cr0; and eax,0x7fffffff; mov cr0,rax
        assertThat(DeadGuest.inLongMode("0f 20 c0 25 ff ff ff 7f 0f 22 c0").get(0))
                .isEqualTo(
                        "mov cr0, rax at 0x100008 clears CR0.PG in 64-bit mode; jump far to a 32-bit code segment first");
    }

    @Test
    void linearAddressForCr3IsTold() {
        // mov rax,0xffffffff80109000; mov cr3,rax
        String code = "48 c7 c0 00 90 10 80 0f 22 d8";

        assertThat(DeadGuest.inLongMode(code, new Table(0x10_9000, 0)).get(0))
                .isEqualTo("mov cr3, rax at 0x100007 loads CR3 with 0xffffffff80109000, a linear address; it takes the"
                        + " physical one, 0x109000");
    }

    @Test
    void numberForCr3ThatIsNoAddressAtAllIsNotGuessedAt() {
        // mov rax,0x123456789abcd000; mov cr3,rax
        assertThat(DeadGuest.inLongMode("48 b8 00 d0 bc 9a 78 56 34 12 0f 22 d8"))
                .noneMatch(sentence -> sentence.contains("linear address"));
    }

    @Test
    void privilegedInstructionInRing3IsAnotherMatter() {
        // mov rsp,0x10a000; mov rax,0x109000; mov cr3,rax; push 0x1b; push 0x10a000; push 2; push 0x23; push 0x100023;
        // iretq; mov cr4,rax
        String code =
                "48 c7 c4 00 a0 10 00 48 c7 c0 00 90 10 00 0f 22 d8 6a 1b 68 00 a0 10 00 6a 02 6a 23 68 23 00 10 00 48 cf 0f 22 e0";

        assertThat(DeadGuest.inLongMode(
                        code,
                        new Table(0x10_9000, 0x10_a007),
                        new Table(0x10_a000, 0x10_b007),
                        new Table(0x10_b000, 0x87)))
                .noneMatch(sentence -> sentence.contains("CR4"));
    }
}
