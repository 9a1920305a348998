package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DivisionTests {

    @ParameterizedTest
    @CsvSource({
        "b9 00 00 00 00 f7 f1, 'div ecx at 0x1005 divides by 0; '", // mov ecx,0; div ecx
        "b9 ff 00 00 00 f6 f5, 'div ch at 0x1005 divides by 0; '", // mov ecx,0xff; div ch
        "b9 00 00 01 00 66 f7 f9, 'idiv cx at 0x1005 divides by 0; '", // mov ecx,0x10000; idiv cx
        "ba 05 00 00 00 b9 01 00 00 00 f7 f1, 'div ecx at 0x100a has a quotient that doesn''t fit'", // edx=5, ecx=1
        "f7 35 00 20 00 00, 'divides by 0 or has a quotient that doesn''t fit; '", // div dword [0x2000]
    })
    void divisionIsNamedWithWhatIsKnownOfItsDivisor(String code, String expected) {
        assertThat(DeadGuest.flat(code).get(0)).contains(expected).contains("give IDT[0] a handler");
    }

    @ParameterizedTest
    @CsvSource({
        "b9 00 00 00 00 48 f7 f1, 'div rcx at 0x100005 divides by 0; '", // mov ecx,0; div rcx
        // mov edx,5; mov ecx,3; div rcx
        "ba 05 00 00 00 b9 03 00 00 00 48 f7 f1, 'div rcx at 0x10000a has a quotient that doesn''t fit'",
        // mov edx,5; mov r9,0x100000000; mov edx,r9d; mov edx,5; div r9d
        "49 b9 00 00 00 00 01 00 00 00 41 f7 f1, 'div r9d at 0x10000a divides by 0; '",
    })
    void divisorsOf64BitCodeAreWhole(String code, String expected) {
        assertThat(MappedGuest.advice(code).get(0)).contains(expected).contains("give IDT[0] a handler");
    }

    @Test
    void otherExceptionAtADivisionIsNoDivisionByZero() {
        assertThat(DeadGuest.paged("f7 35 00 00 00 70")) // div dword [0x70000000]: #PF
                .noneMatch(sentence -> sentence.contains("divides"));
    }

    @Test
    void realModeHasVectorsInPlaceOfGates() {
        // lidt [0x9000], where zeros are; xor bl,bl; div bl
        assertThat(DeadGuest.adviceFor(TestGuest.real("0f 01 1e 00 90 30 db f6 f3")))
                .containsExactly(
                        "div bl at 0x1007 divides by 0; check the operands before it, and give IVT[0] a handler that says"
                                + " where it happened",
                        "IDTR's limit is 0x0, so that there is no IVT[0], the vector of #DE; real mode has IDTR's base 0 and"
                                + " limit 0x3ff, for 256 vectors of 4 bytes");
    }
}
