package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SegmentLoadTests {

    @ParameterizedTest
    @CsvSource({
        // mov eax,0x40; mov ds,ax
        "b8 40 00 00 00 8e d8, 'loads the selector 0x40, which is beyond the GDT''s limit 0x27; it takes data, or code that"
                + " can be read, and GDTR is still the boot table''s'",
        // jmp 0x10:0x1000
        "ea 00 10 00 00 10 00, 'loads the selector 0x10, but entry 2 of the GDT at 0x500 is a writable data segment; it"
                + " takes a code segment; a selector is 8 times'",
        // mov eax,8; mov ss,ax
        "b8 08 00 00 00 8e d0, 'loads the selector 0x8, but entry 1 of the GDT at 0x500 is a 32-bit code segment; it takes a"
                + " writable data segment'",
        // mov esp,0x9000; push 0x10; push 0x1000; retf
        "bc 00 90 00 00 6a 10 68 00 10 00 00 cb, 'loads the selector 0x10, but entry 2 of the GDT at 0x500 is a writable'",
        // mov esp,0x9000; push 0x08; push 0x8000; push 2; push 0x1b; push 0x1000; iretd: SS is none of ring 3
        "bc 00 90 00 00 6a 08 68 00 80 00 00 6a 02 6a 1b 68 00 10 00 00 cf, 'loads the selector 0x8, but entry 1 of the GDT"
                + " at 0x500 is a 32-bit code segment; it takes a writable data segment'",
        "31 c0 8e d0, 'loads the null selector, which SS and CS don''t take; a selector is 8 times'", // xor eax,eax;
        // mov ss,ax
        // mov eax,0x100000; mov ss,ax
        "b8 00 00 10 00 8e d0, 'loads the null selector, which SS and CS don''t take'",
        "ea 00 10 00 00 00 00, 'loads the null selector, which SS and CS don''t take'", // jmp 0:0x1000
        // mov eax,0x10; ltr ax
        "b8 10 00 00 00 0f 00 d8, 'loads the selector 0x10, but entry 2 of the GDT at 0x500 is a writable data segment; it"
                + " takes a TSS that isn''t busy'",
        // mov eax,0x0c; mov es,ax
        "b8 0c 00 00 00 8e c0, 'loads the selector 0xc, which is one into the LDT (bit 2 is set), and there is no LDT'",
        // mov eax,0x20; mov ss,ax
        "b8 20 00 00 00 8e d0, 'loads the selector 0x20, whose segment has DPL 3 while the code is in ring 0'",
        // mov dword [0x504+8],0: entry 1 loses its access byte; mov dword [0x508],0; jmp 8:0x1000
        "c7 05 0c 05 00 00 00 00 00 00 c7 05 08 05 00 00 00 00 00 00 ea 00 10 00 00 08 00, 'loads the selector 0x8, but"
                + " entry 1 of the GDT at 0x500 is empty'",
        // mov byte [0x515],0x12: entry 2 loses P; mov eax,0x10; mov ds,ax
        "c6 05 15 05 00 00 12 b8 10 00 00 00 8e d8, 'loads the selector 0x10, but entry 2 of the GDT at 0x500 is not present'",
    })
    void selectorIsToldWithWhatIsThere(String code, String expected) {
        assertThat(DeadGuest.flat(code).get(0)).contains(expected);
    }

    @Test
    void targetBeyondTheLimitIsNotTakenForTheNullSelector() {
        // mov dword [0x508],0; mov dword [0x50c],0x00409a00: entry 1 has limit 0; jmp 8:0x1000
        assertThat(DeadGuest.flat("c7 05 08 05 00 00 00 00 00 00 c7 05 0c 05 00 00 00 9a 40 00 ea 00 10 00 00 08 00"))
                .noneMatch(advice -> advice.contains("null selector"));
    }

    @Test
    void halfOfAnAddressIsNoSelector() {
        assertThat(DeadGuest.flat("bc 00 90 10 00 54 58 8e d8")
                        .get(0)) // mov esp,0x109000; push esp; pop eax; mov ds,eax
                .isEqualTo(
                        "mov ds, ax at 0x1007 loads the low half of 0x109000, which is no selector but an address on the"
                                + " stack: what was pushed last was popped in place of the saved segment register; pop in the reverse"
                                + " order of the pushes, and remove arguments from the stack before");
        // mov esp,0x9000; mov eax,0x109000; mov ax,0x9000; mov ds,eax: the upper half is of something else
        assertThat(DeadGuest.flat("bc 00 90 10 00 b8 00 00 10 00 66 b8 00 90 8e d8")
                        .get(0))
                .contains("loads the selector 0x9000, which is beyond the GDT's limit");
    }

    @Test
    void kernelOnTheLoadersTableIsToldThatNothingIsPromised() {
        // A Multiboot header for a flat image; xor eax,eax; mov ss,ax
        byte[] kernel =
                TestGuest.bytes("02 b0 ad 1b 00 00 01 00 fe 4f 51 e4 00 00 10 00 00 00 10 00 00 00 00 00 00 00 00 00"
                        + "20 00 10 00 31 c0 8e d0 f4 90 90 90");

        assertThat(DeadGuest.image(GuestImage.of("kernel", kernel), BootMode.MULTIBOOT)
                        .get(0))
                .contains(
                        "loads the null selector, which SS and CS don't take, and GDTR is still the boot loader's, which"
                                + " another loader may have elsewhere");
    }

    @Test
    void selectorOfTheLoadersTableIsToldAfterLgdt() {
        // lgdt [0x101a]; mov esp,0x9000; pushfd; push cs; push 0x1000; iretd; 101a: limit 0x1f, base 0x1020; code is
        // 0x10
        assertThat(DeadGuest.flat("0f 01 15 1a 10 00 00 bc 00 90 00 00 9c 0e 68 00 10 00 00 cf 90 90 90 90 90 90"
                                + "1f 00 20 10 00 00"
                                + "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
                                + "ff ff 00 00 00 9a cf 00 ff ff 00 00 00 92 cf 00")
                        .get(0))
                .isEqualTo(
                        "iretd at 0x1013 loads the selector 0x8, but entry 1 of the GDT at 0x1020 is empty; it takes a code"
                                + " segment; 0x8 is a selector of the boot loader's GDT, from before LGDT: load CS with a far jump and"
                                + " the other segment registers with MOV right after LGDT, and use the new selectors in gates");
    }

    @Test
    void generalProtectionWithoutASelectorIsNoSegmentLoad() {
        assertThat(DeadGuest.flat("b8 00 00 00 80 0f 22 e0")) // mov eax,0x80000000; mov cr4,eax: reserved
                .noneMatch(sentence -> sentence.contains("selector"));
    }

    @Test
    void errorCodeOfAGateIsNoSelector() {
        // mov esp,0x9000; push 0x208; push 0x202: what would be CS, and as an error code IDT[64]; int 0x40
        assertThat(DeadGuest.flat("bc 00 90 00 00 68 08 02 00 00 68 02 02 00 00 cd 40"))
                .noneMatch(sentence -> sentence.contains("loads"));
    }

    @Test
    void interruptThatFindsNoGateBeforeASegmentLoadIsNotThatLoads() {
        // The timer at vector 0x20: mov al,0x11; out 0x20,al; mov al,0x20; out 0x21,al; mov al,4; out 0x21,al; mov
        // al,1;
        // out 0x21,al; mov al,0xfe; out 0x21,al; its first tick passes in a loop: mov eax,0x10; mov ecx,0x1000000; loop
        // $;
        // sti; nop; mov ss,eax
        assertThat(DeadGuest.flat("b0 11 e6 20 b0 20 e6 21 b0 04 e6 21 b0 01 e6 21 b0 fe e6 21"
                        + "b8 10 00 00 00 b9 00 00 00 01 e2 fe fb 90 8e d0 eb fe"))
                .anyMatch(sentence -> sentence.startsWith("a device's interrupt came at vector 0x20"))
                .noneMatch(sentence -> sentence.contains("loads"));
    }

    @Test
    void generalProtectionAtAGateIsNoSegmentLoad() {
        assertThat(DeadGuest.flat("cd 40")).noneMatch(sentence -> sentence.contains("selector")); // int 0x40
    }
}
