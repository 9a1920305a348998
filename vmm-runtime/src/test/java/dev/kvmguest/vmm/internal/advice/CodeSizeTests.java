package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CodeSizeTests {

    private static final String SIZE = "bits and was executed as of";

    /**
     * Returns a guest that goes from real mode to protected mode, to the code given, at 0x1012: lgdt [0x1040]; mov
     * eax,cr0; or al,1; mov cr0,eax; jmp 8:0x1012. Byte 6 of its code segment's descriptor is as given.
     */
    private static List<String> switched(String flags, String code) {
        String start = "0f 01 16 40 10 0f 20 c0 0c 01 0f 22 c0 ea 12 10 08 00";
        int length = TestGuest.bytes(code).length;
        return DeadGuest.adviceFor(TestGuest.real(start + code + "90".repeat(0x28 - 18 - length) + "00".repeat(8)
                + "ff ff 00 00 00 9a" + flags + "00 ff ff 00 00 00 92 cf 00 17 00 28 10 00 00"));
    }

    @Test
    void codeOf32BitsInASegmentOf16IsToldByTheZerosOfItsNumbers() {
        // mov eax,0x10; mov ds,eax; ud2
        assertThat(switched("8f", "b8 10 00 00 00 8e d8 0f 0b").get(0))
                .isEqualTo("the code at 0x1012 is of 32 bits and was executed as of 16, so that mov eax, 0x10 at 0x1012"
                        + " became mov ax, 0x10: D is clear in CS's descriptor, entry 1 of the GDT at 0x1028; set D there, bit"
                        + " 6 of byte 6, or assemble the code for 16 bits (.code16, bits 16)");
    }

    @ParameterizedTest
    @CsvSource({
        "cf, b8 10 00 00 00 8e d8 0f 0b", // mov eax,0x10; mov ds,eax; ud2 in a segment of 32 bits
        "8f, b8 10 00 8e d8 0f 0b", // mov ax,0x10; mov ds,ax; ud2 in one of 16 bits
        "8f, b8 10 00 8e d8 31 c0 8e d0", // and one that dies otherwise: xor ax,ax; mov ss,ax
    })
    void codeOfTheRightSizeIsNotBlamed(String flags, String code) {
        assertThat(switched(flags, code)).isNotEmpty().noneMatch(sentence -> sentence.contains(SIZE));
    }

    @Test
    void zerosBehindTheCodeAreNotThoseOfANumber() {
        // mov ax,0x10; add [bx+si],al, twice; ud2
        assertThat(switched("8f", "b8 10 00 00 00 00 00 0f 0b")).noneMatch(sentence -> sentence.contains(SIZE));
    }

    /** Returns what is advised about a flat binary of which symbols are known. */
    private static List<String> labelled(String code, BootMode boot, long... labels) {
        byte[] bytes = TestGuest.bytes(code);
        List<GuestImage.Symbol> symbols = Arrays.stream(labels)
                .mapToObj(label -> new GuestImage.Symbol("label" + Long.toHexString(label), label, 0))
                .toList();
        return DeadGuest.image(
                new GuestImage(
                        "kernel",
                        GuestImage.Format.FLAT,
                        List.of(new GuestImage.Segment(0x1000, 0x1000, bytes, bytes.length)),
                        OptionalLong.empty(),
                        symbols),
                boot);
    }

    /** In 16-bit code mov ax,0x10; mov ds,ax; ud2, in 32-bit code mov eax,0xd88e0010; ud2. */
    private static final String EITHER = "b8 10 00 8e d8 0f 0b";

    @Test
    void codeOf16BitsInASegmentOf32IsToldByALabelThatIsTorn() {
        assertThat(labelled(EITHER, BootMode.PROTECTED, 0x1003).get(0))
                .isEqualTo(
                        "the code at 0x1000 is of 16 bits and was executed as of 32, so that mov ax, 0x10 at 0x1000 became"
                                + " mov eax, 0xd88e0010: D is set in CS's descriptor, entry 1 of the GDT at 0x500; clear D there, bit"
                                + " 6 of byte 6, or boot it in real mode, or assemble the code for 32 bits (.code32, bits 32)");
    }

    @ParameterizedTest
    @ValueSource(longs = {0x1000, 0x1005})
    void labelBetweenInstructionsSaysNothing(long label) {
        assertThat(labelled(EITHER, BootMode.PROTECTED, label)).noneMatch(sentence -> sentence.contains(SIZE));
    }

    @Test
    void labelThatIsTornEitherWaySaysNothing() {
        assertThat(labelled(EITHER, BootMode.PROTECTED, 0x1003, 0x1004)).noneMatch(sentence -> sentence.contains(SIZE));
    }

    @Test
    void codeOf32BitsInRealModeIsToldToo() {
        // mov eax,0x10, of which real mode makes mov ax,0x10; add [bx+si],al; lidt [0x9000], to die of it;
        // int3
        assertThat(labelled("b8 10 00 00 00 0f 01 1e 00 90 cc", BootMode.REAL, 0x1005)
                        .get(0))
                .startsWith("the code at 0x1000")
                .contains("executed as of 16", "the guest is in real mode; boot it in protected mode");
    }

    @Test
    void nearJumpThroughAnotherSegmentIsNotTakenForAFarOne() {
        // jmp dword [fs:0x100a] to 0x1010, which would be code of 16 bits if the jump had loaded CS
        String code = "64 ff 25 0a 10 00 00 90 90 90 10 10 00 00 90 90" + EITHER;

        assertThat(labelled(code, BootMode.PROTECTED, 0x1013)).noneMatch(sentence -> sentence.contains(SIZE));
    }

    @Test
    void codeSegmentMayBeLoadedByAReturnWithAPrefix() {
        // lgdt [0x1040]; mov eax,cr0; or al,1; mov cr0,eax; push dword 8; push dword 0x1018; o32 retf, to code of 32
        // bits in a segment of 16: mov eax,0x10; mov ds,eax; ud2
        String code = "0f 01 16 40 10 0f 20 c0 0c 01 0f 22 c0 66 6a 08 66 68 18 10 00 00 66 cb"
                + "b8 10 00 00 00 8e d8 0f 0b" + "90".repeat(7) + "00".repeat(8)
                + "ff ff 00 00 00 9a 8f 00 ff ff 00 00 00 92 cf 00 17 00 28 10 00 00";

        assertThat(DeadGuest.adviceFor(TestGuest.real(code)).get(0))
                .startsWith("the code at 0x1018 is of 32 bits and was executed as of 16");
    }
}
