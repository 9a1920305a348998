package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.advice.DeadGuest.Table;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@link CodeSize} says of 64-bit code, and in 64-bit mode. */
class CodeSize64Tests {

    private static final String SIZE = "bits and was executed as of";

    /**
     * mov eax,0x20; mov cr4,eax; mov eax,0x9000; mov cr3,eax; mov ecx,0xc0000080; rdmsr; or eax,0x100; wrmsr; mov
     * eax,cr0; or eax,0x80000000; mov cr0,eax
     */
    private static final String ACTIVATE =
            "b8 20 00 00 00 0f 22 e0 b8 00 90 00 00 0f 22 d8 b9 80 00 00 c0 0f 32 0d 00 01 00 00 0f 30 0f 20 c0 0d 00 00 00 80 0f 22 c0";

    private static final Table[] MAP = {
        new Table(0x9000, 0xa003),
        new Table(0xa000, 0xb003),
        new Table(0xb000, 0x83),
        new Table(
                0x8000,
                0x8010L << 16 | 0x1f,
                0,
                0,
                0x00af_9a00_0000_ffffL,
                0x00cf_9200_0000_ffffL,
                0x00cf_9a00_0000_ffffL)
    };

    private static List<String> activated(String code) {
        return DeadGuest.inProtectedMode(ACTIVATE + code, MAP);
    }

    @Test
    void farJumpThatIsLeftOutIsToldByAPrefix() {
        // mov rsp,0x7000; ud2
        assertThat(activated("48 c7 c4 00 70 00 00 0f 0b").get(0))
                .isEqualTo(
                        "the code at 0x1029 is of 64 bits and was executed as of 32, so that mov rsp, 0x7000 at 0x1029 became"
                                + " dec eax: CS has the segment that it had before CR0.PG was set, which is compatibility mode; jump far to"
                                + " a segment with L set and D clear, right after that, or assemble the code for 32 bits (.code32, bits"
                                + " 32)");
    }

    @Test
    void farJumpToASegmentOf32BitsIsTold() {
        // In 32-bit code lgdt [0x8000]; jmp 0x18:0x1037, and there in 64-bit code mov rax,0x123456789; ud2
        String code = "0f 01 15 00 80 00 00 ea 37 10 00 00 18 00 48 b8 89 67 45 23 01 00 00 00 0f 0b";

        assertThat(activated(code).get(0))
                .isEqualTo(
                        "the code at 0x1037 is of 64 bits and was executed as of 32, so that mov rax, 0x123456789 at 0x1037"
                                + " became dec eax: L is clear in CS's descriptor, entry 3 of the GDT at 0x8010, which is compatibility"
                                + " mode; jump far to a segment with L set and D clear, such as 0x8 of this GDT, or assemble the code for"
                                + " 32 bits (.code32, bits 32)");
    }

    @Test
    void longModeThatIsNotActiveIsTold() {
        // In 32-bit code lgdt [0x8000]; jmp 8:0x100e, and there in 64-bit code mov rsp,0x7000; ud2
        String code = "0f 01 15 00 80 00 00 ea 0e 10 00 00 08 00 48 c7 c4 00 70 00 00 0f 0b";

        assertThat(DeadGuest.inProtectedMode(code, MAP).get(0))
                .isEqualTo(
                        "the code at 0x100e is of 64 bits and was executed as of 16, so that mov rsp, 0x7000 at 0x100e became dec"
                                + " ax: long mode is not active, since CR4.PAE and EFER.LME and CR0.PG are clear; set CR4.PAE, CR3,"
                                + " EFER.LME and CR0.PG, in this order, before the far jump to 64-bit code, or assemble the code for 16 bits"
                                + " (.code16, bits 16)");
    }

    @Test
    void kernelThatIsBootedInProtectedModeIsToldByItsStack() {
        // push rbp; mov rbp,rsp; ud2
        assertThat(DeadGuest.inProtectedMode("55 48 89 e5 0f 0b").get(0))
                .startsWith(
                        "the code at 0x1000 is of 64 bits and was executed as of 32, so that mov rbp, rsp at 0x1001 became dec"
                                + " eax: long mode is not active");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "48 bb 10 00 00 00 0f 0b", // dec eax; mov ebx,0x10; ud2
                "48 b8 10 00 00 00 74 00 0f 0b", // dec eax; mov eax,0x10; je 0x1008; ud2
                "48 8b 00 0f 0b", // dec eax; mov eax,[eax]; ud2
                "48 75 00 48 75 00 48 75 00 0f 0b", // dec eax; jne 0x1003; dec eax; jne 0x1006; dec eax; jne 0x1009;
                // ud2
                "49 83 ec 10 0f 0b", // dec ecx; sub esp,0x10; ud2
                "bc 00 90 00 00 48 83 ec 0c 50 0f 0b" // mov esp,0x9000; dec eax; sub esp,0xc; push eax; ud2
            })
    void countersOf32BitCodeAreNotTakenForPrefixes(String code) {
        assertThat(DeadGuest.inProtectedMode(code)).noneMatch(sentence -> sentence.contains(SIZE));
    }

    @Test
    void codeOf32BitsInCompatibilityModeIsNotBlamed() {
        // mov eax,0x10; mov ds,eax; ud2
        assertThat(activated("b8 10 00 00 00 8e d8 0f 0b")).isNotEmpty().noneMatch(sentence -> sentence.contains(SIZE));
    }

    @Test
    void codeOf64BitsIn64BitModeIsNotBlamed() {
        // mov rsp,0x7000; push rbp; mov rbp,rsp; mov eax,[0x100000]; ud2
        assertThat(DeadGuest.inLongMode("48 c7 c4 00 70 00 00 55 48 89 e5 8b 04 25 00 00 10 00 0f 0b"))
                .isNotEmpty()
                .noneMatch(sentence -> sentence.contains(SIZE));
    }

    /** Returns a guest in long mode with a label one byte after its start. */
    private static List<String> labelled(String code, long label) {
        byte[] bytes = TestGuest.bytes(code);
        return DeadGuest.image(
                new GuestImage(
                        "kernel",
                        GuestImage.Format.ELF64,
                        List.of(new GuestImage.Segment(0x10_0000, 0x10_0000, bytes, bytes.length)),
                        OptionalLong.of(0x10_0000),
                        List.of(new GuestImage.Symbol("label", label, 0))),
                BootMode.LONG);
    }

    /** In 32-bit code inc ecx; mov eax,0x10; ud2, in 64-bit code mov r8d,0x10; ud2. */
    private static final String EITHER = "41 b8 10 00 00 00 0f 0b";

    @Test
    void codeOf32BitsIn64BitModeIsToldByALabelThatIsTorn() {
        assertThat(labelled(EITHER, 0x10_0001).get(0))
                .isEqualTo(
                        "the code at 0x100000 is of 32 bits and was executed as of 64, so that inc ecx at 0x100000 became mov r8d,"
                                + " 0x10: L is set in CS's descriptor, entry 1 of the GDT at 0x500, which is 64-bit mode; jump far to a"
                                + " segment of 32 bits, or boot it in a mode of 32 bits, or assemble the code for 64 bits (.code64, bits"
                                + " 64)");
    }

    @ParameterizedTest
    @ValueSource(longs = {0x10_0000, 0x10_0003, 0x10_0006})
    void labelThatSaysNothingIsNotGuessedBy(long label) {
        assertThat(labelled(EITHER, label)).noneMatch(sentence -> sentence.contains(SIZE));
    }

    private static List<String> function(String code, int size, boolean object) {
        byte[] bytes = TestGuest.bytes(code);
        return DeadGuest.image(
                new GuestImage(
                        "kernel",
                        GuestImage.Format.ELF64,
                        List.of(new GuestImage.Segment(0x10_0000, 0x10_0000, bytes, bytes.length)),
                        OptionalLong.of(0x10_0000),
                        List.of(new GuestImage.Symbol("f", 0x10_0000, size, 0x10_0000 + size, object, false))),
                BootMode.LONG);
    }

    @Test
    void instructionThat64BitModeDoesNotHaveIsTold() {
        // nop; pushad
        assertThat(function("90 60 0f 0b", 4, false).get(0))
                .startsWith(
                        "the code at 0x100000 (f) is of 32 bits and was executed as of 64, so that pushad at 0x100001 became no"
                                + " instruction at all: L is set in CS's descriptor");
    }

    @Test
    void dataAfterCodeSaysNothing() {
        // nop, and no code any more
        assertThat(function("90 60 0f 0b", 1, false)).noneMatch(sentence -> sentence.contains(SIZE));
        assertThat(function("90 60 0f 0b", 4, true)).noneMatch(sentence -> sentence.contains(SIZE));
    }

    @Test
    void jumpToAByteThatIsNoInstructionSaysNothing() {
        // jmp 0x100003; nop; (60)
        assertThat(function("eb 01 90 60 0f 0b", 6, false)).noneMatch(sentence -> sentence.contains(SIZE));
    }

    @Test
    void addressOf32BitsThatTookTheNextInstructionForItsUpperHalfIsTold() {
        // In 32-bit code mov [0x100000],eax; push 0x12345678; ud2
        assertThat(DeadGuest.inLongMode("a3 00 00 10 00 68 78 56 34 12 0f 0b").get(0))
                .startsWith(
                        "the code at 0x100000 is of 32 bits and was executed as of 64, so that mov [0x100000], eax at 0x100000"
                                + " became mov [qword 0x3456786800100000], eax:");
    }

    @Test
    void addressOfTheUpperHalfThatIsNotMappedIsNotTakenForOneOf32() {
        // mov [qword 0xffff800000100000],eax
        assertThat(DeadGuest.inLongMode("a3 00 00 10 00 00 80 ff ff")).noneMatch(sentence -> sentence.contains(SIZE));
    }

    @Test
    void stackThatIsMadeRoomOnIsToldByAPrefix() {
        // mov esp,0x7000; sub rsp,0x10; mov eax,[rsp]; ud2
        assertThat(activated("bc 00 70 00 00 48 83 ec 10 8b 04 24 0f 0b").get(0))
                .contains("so that sub rsp, 0x10 at 0x102e became dec eax");
    }

    @Test
    void addressOf64BitsThatIsWrongIsNotTakenForOneOf32() {
        // mov [qword 0x1234567800900000],eax
        assertThat(DeadGuest.inLongMode("a3 00 00 90 00 78 56 34 12")).noneMatch(sentence -> sentence.contains(SIZE));
    }
}
