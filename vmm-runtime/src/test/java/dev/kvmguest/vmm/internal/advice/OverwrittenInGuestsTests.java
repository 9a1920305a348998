package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Guests that overwrite their tables, with a replay that finds out how. */
class OverwrittenInGuestsTests {

    /** mov dword [0x558],0x00081000; mov dword [0x55c],0x00008e00: IDT[6]. */
    private static final String GATE = "c7 05 58 05 00 00 00 10 08 00 c7 05 5c 05 00 00 00 8e 00 00";

    private static List<String> flat(String code) {
        return DeadGuest.reported(TestGuest.flat(code));
    }

    private static VcpuConfig paged(String code) {
        return TestGuest.real(code).withBoot(BootMode.PAGED);
    }

    @Test
    void clearingOfMemoryOverBothTablesIsToldForEach() {
        // The gate; mov edi,0x400; xor eax,eax; mov ecx,0x300; rep stosd; ud2
        assertThat(flat(GATE + "bf 00 04 00 00 31 c0 b9 00 03 00 00 f3 ab 0f 0b"))
                .containsExactly(
                        "entry 1 of the GDT at 0x500 was overwritten by rep stosd at 0x1020, the last instruction that was executed;"
                                + " keep what is written there out of 0x500-0x527, or have the table elsewhere",
                        "IDT[6] at 0x558 was overwritten by rep stosd at 0x1020, the last instruction that was executed; keep what is"
                                + " written there out of 0x528-0xd27, or have the table elsewhere");
    }

    @Test
    void clearingByteByByteIsToldToo() {
        // The gate; mov edi,0x400; here: mov byte [edi],0; inc edi; cmp edi,0x1000; jb here; ud2
        assertThat(flat(GATE + "bf 00 04 00 00 c6 07 00 47 81 ff 00 10 00 00 0f 82 f0 ff ff ff 0f 0b"))
                .hasSize(2)
                .allSatisfy(
                        sentence -> assertThat(sentence).contains(" was overwritten by mov byte [edi], 0 at 0x1019, "));
    }

    @Test
    void tableThatWasMadeAndClearedLongBeforeTheEndIsToldToo() {
        // The same, and then mov ecx,0x100000; loop $; ud2
        assertThat(flat(GATE + "bf 00 04 00 00 31 c0 b9 00 03 00 00 f3 ab b9 00 00 10 00 e2 fe 0f 0b"))
                .hasSize(2)
                .allSatisfy(
                        sentence -> assertThat(sentence).contains("rep stosd at 0x1020, 1048577 instructions before"));
    }

    @Test
    void recursionThatRunsIntoTheTablesIsCounted() {
        // mov esp,0x600; here: mov eax,0x10; mov ds,eax; call here
        assertThat(flat("bc 00 06 00 00 b8 10 00 00 00 8e d8 e8 f4 ff ff ff").get(0))
                .startsWith(
                        "entry 2 of the GDT at 0x500 was overwritten by call 0x1005 at 0x100c, 1 instruction before the"
                                + " end; the stack has run into the GDT at 0x500-0x527, and the return address 0x1011 is on it")
                .contains(" times: end recursion, or move the stack");
    }

    @ParameterizedTest
    @CsvSource({"60 05, IDT[6] at 0x558", "98 05, IDT[13] at 0x590"}) // where the chain comes to first, and later
    void gateOfTheBootThatIsPushedIntoIsToldThoughItWasNone(String esp, String gate) {
        // mov esp,(just above the gate); push 0x11111111; ud2
        assertThat(flat("bc" + esp + "00 00 68 11 11 11 11 0f 0b"))
                .contains(
                        gate
                                + " was overwritten by push 0x11111111 at 0x1005, the last instruction that was executed; the"
                                + " stack has run into the IDT at 0x528-0xd27: end recursion, or move the stack away from the table");
    }

    @Test
    void clearingOverThePageDirectoryIsTold() {
        // mov edi,0x80100000; xor eax,eax; mov ecx,0x4000; rep stosd
        assertThat(DeadGuest.reported(paged("bf 00 00 10 80 31 c0 b9 00 40 00 00 f3 ab"))
                        .get(0))
                .startsWith("page-directory entry 512 at 0x100800, which mapped the running code at 0x8000100c, was"
                        + " overwritten by rep stosd at 0x8000100c, ");
    }

    @Test
    void copyOverThePageDirectoryIsTold() {
        // mov esi,0x80001000; mov edi,0x80100000; mov ecx,0x4000; rep movsd: zeros but for the first bytes
        assertThat(DeadGuest.reported(paged("be 00 10 00 80 bf 00 00 10 80 b9 00 40 00 00 f3 a5"))
                        .get(0))
                .startsWith("page-directory entry 512 at 0x100800, which mapped the running code at 0x8000100f, was"
                        + " overwritten by rep movsd at 0x8000100f, ");
    }

    @Test
    void tablesThatOnlyTheirMakerHasWrittenAreNotCalledOverwritten() {
        // IDT[6] with P clear, and ESP just above the table: mov dword [0x55c],0x0e00; mov esp,0xd00; ud2
        assertThat(flat("c7 05 5c 05 00 00 00 0e 00 00 bc 00 0d 00 00 0f 0b"))
                .isNotEmpty()
                .noneMatch(sentence -> sentence.contains("was overwritten"));
    }
}
