package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SegmentUseTests {

    @ParameterizedTest
    @CsvSource({
        // xor eax,eax; mov gs,ax; mov eax,[gs:0x14]
        "31 c0 66 8e e8 65 a1 14 00 00 00, 'GS is null, so that mov eax, [gs:0x14] at 0x1005 can''t use it; gs:0x14 is where"
                + " compilers keep the stack protector''s canary: compile with -fno-stack-protector'",
        // xor eax,eax; mov fs,ax; mov eax,[fs:0]
        "31 c0 66 8e e0 64 a1 00 00 00 00, 'fs:0x0 is where compilers look for thread-local variables: give FS'",
        // xor eax,eax; mov gs,ax; mov eax,[gs:ebx+0x14]: a table, no canary
        "31 c0 66 8e e8 65 8b 43 14, 'can''t use it; load GS with the selector of a data segment first, which is 0x10 in this"
                + " GDT'",
        // xor eax,eax; mov es,ax; mov edi,0x9000; stosd
        "31 c0 66 8e c0 bf 00 90 00 00 ab, 'ES is null, so that stosd at 0x100a can''t use it; load ES with'",
        // xor eax,eax; mov ds,ax; lodsb
        "31 c0 66 8e d8 ac, 'DS is null, so that lodsb at 0x1005'",
    })
    void nullSegmentIsNamedWithWhatUsedIt(String code, String expected) {
        assertThat(DeadGuest.flat(code).get(0)).contains(expected);
    }

    @Test
    void nullSegmentThatNothingUsesIsNoMistake() {
        assertThat(DeadGuest.flat("31 c0 66 8e e8 0f 0b")) // xor eax,eax; mov gs,ax; ud2
                .noneMatch(sentence -> sentence.contains("GS"));
        // xor eax,eax; mov gs,ax; lea eax,[gs:0x14]; mov cr4 with reserved bits: #GP(0)
        assertThat(DeadGuest.flat("31 c0 66 8e e8 65 8d 05 14 00 00 00 b8 00 00 00 80 0f 22 e0"))
                .noneMatch(sentence -> sentence.contains("GS"));
    }

    @Test
    void codeSegmentThatIsWrittenIsToldWithTheSelectorForData() {
        // mov eax,8; mov ds,ax; mov dword [0x9000],1
        assertThat(DeadGuest.flat("b8 08 00 00 00 66 8e d8 c7 05 00 90 00 00 01 00 00 00")
                        .get(0))
                .startsWith(
                        "DS holds the selector 0x8, a code segment, which can't be written, so that mov dword [0x9000], 1"
                                + " at 0x1008 raises #GP; load DS with the selector of a writable data segment, which is 0x10 in this"
                                + " GDT; GDTR is still the boot table's");
    }

    @Test
    void codeSegmentThatIsReadIsNoMistake() {
        // mov eax,8; mov ds,ax; mov eax,[0x9000]; ud2
        assertThat(DeadGuest.flat("b8 08 00 00 00 66 8e d8 a1 00 90 00 00 0f 0b"))
                .noneMatch(sentence -> sentence.contains("DS holds"));
    }

    @Test
    void segmentThatRealModeLeftIsTold() {
        // 1000: cli; lgdt [0x1020]; mov eax,cr0; or al,1; mov cr0,eax; jmp 8:0x1013; 1013: mov eax,[0x123456]
        // 1020: limit 0xf, base 0x1028; 1028: null, code
        String code = "fa 0f 01 16 20 10 0f 20 c0 0c 01 0f 22 c0 ea 13 10 08 00 a1 56 34 12 00"
                + "90".repeat(8)
                + "0f 00 28 10 00 00 00 00"
                + "00 00 00 00 00 00 00 00 ff ff 00 00 00 9a cf 00";

        assertThat(DeadGuest.adviceFor(TestGuest.real(code)).get(0))
                .startsWith(
                        "mov eax, [0x123456] at 0x1013 goes to offset 0x123456, and DS is still as real mode left it, with"
                                + " the limit 0xffff; load it with the selector of a data segment after the far jump");
    }
}
