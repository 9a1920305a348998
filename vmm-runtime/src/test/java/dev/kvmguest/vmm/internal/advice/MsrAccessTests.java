package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MsrAccessTests {

    private static String about(String code) {
        return LongGuest.of(code).advice().stream()
                .filter(sentence -> sentence.contains("MSR 0x"))
                .findFirst()
                .orElse("nothing");
    }

    @Test
    void registerThatIsNotThereIsNamed() {
        assertThat(about("b9 02 08 00 00 0f 32")) // mov ecx, 0x802; rdmsr
                .startsWith(
                        "rdmsr at 0x100005 reads MSR 0x802, a register of the x2APIC, which this processor doesn't have,")
                .contains("; ask CPUID for x2APIC");
    }

    @Test
    void registerThatIsThereIsNotBlamed() {
        assertThat(about("b9 74 01 00 00 0f 32 0f 0b")).isEqualTo("nothing"); // mov ecx, 0x174; rdmsr; ud2
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "c0000080 | 40000501 | in which the bits 0x40000000 are reserved;",
                "c0000080 | 100000501 | WRMSR takes the upper half from EDX: keep what RDMSR has put there",
                "c0000101 | 800000000000 | IA32_GS_BASE, which is not canonical:",
                "c0000103 | 100000000 | which has 32 bits;",
                "00000277 | 2 | of which a byte is no memory type;",
                "000000fe | 0 | which can only be read;",
            })
    void valueThatIsRefusedIsExplained(String number, String value, String expected) {
        assertThat(about(LongGuest.wrmsr(Integer.parseUnsignedInt(number, 16), Long.parseLong(value, 16))))
                .startsWith("wrmsr at 0x10000f writes 0x" + value + " to MSR 0x" + number.replaceFirst("^0+", ""))
                .contains(expected);
    }

    @Test
    void upperHalfThatIsOnlyInRaxIsFound() {
        // mov rax, 0xffff800080100000; mov edx, 0x1234; mov ecx, 0xc0000082; wrmsr
        assertThat(about("48 b8 00 00 10 80 00 80 ff ff ba 34 12 00 00 b9 82 00 00 c0 0f 30"))
                // Bits 63 to 47 are all 0, so that the value is taken.
                .isEqualTo("nothing");
        // mov rax, 0xffff800080100000; mov edx, 0x8000; mov ecx, 0xc0000082; wrmsr
        assertThat(about("48 b8 00 00 10 80 00 80 ff ff ba 00 80 00 00 b9 82 00 00 c0 0f 30"))
                .contains(
                        "IA32_LSTAR, which is not canonical", "from EDX, not from RAX, which holds 0xffff800080100000");
    }

    @Test
    void ring3IsNotToldOfRegisters() {
        // mov ecx, 0x802; rdmsr
        assertThat(about(LongGuest.STACK + LongGuest.RING_3 + "b9 02 08 00 00 0f 32"))
                .isEqualTo("nothing");
    }
}
