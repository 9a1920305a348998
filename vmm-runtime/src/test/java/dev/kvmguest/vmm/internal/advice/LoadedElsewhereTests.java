package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class LoadedElsewhereTests {

    /** Returns what is advised about a flat binary that was linked for an address and is loaded at 0x100000. */
    private static List<String> linkedFor(long address, String code) {
        byte[] bytes = TestGuest.bytes(code);
        GuestImage image = new GuestImage(
                "kernel",
                GuestImage.Format.FLAT,
                List.of(new Segment(0, address, bytes, bytes.length)),
                OptionalLong.empty(),
                List.of(new Symbol("_start", address, 0x10), new Symbol("counter", address + 0x10, 8)));
        return DeadGuest.image(image, BootMode.LONG);
    }

    @Test
    void pointerOfTheLinkersIsTold() {
        // mov rax,[rip+1]; jmp +8; the pointer; mov eax,[rax]
        assertThat(linkedFor(0x80_0000_0000L, "48 8b 05 02 00 00 00 eb 08 10 00 00 00 80 00 00 00 8b 00")
                        .get(0))
                .isEqualTo(
                        "mov eax, [rax] at 0x100011 uses 0x8000000010 (counter), where the linker put it and no page is,"
                                + " while the code runs at other addresses than the linker's: it was loaded at physical 0x100010; link the"
                                + " image for the address that it runs at, or have it apply its relocations first");
    }

    @Test
    void otherPointersAreNone() {
        // the same with a pointer to another place
        assertThat(linkedFor(0x80_0000_0000L, "48 8b 05 02 00 00 00 eb 08 10 00 00 00 81 00 00 00 8b 00"))
                .noneMatch(sentence -> sentence.contains("linker"));
    }

    @Test
    void pointerOfAnImageThatBeginsAtZeroIsToldOfABareBinary() {
        // call [rip+2]; jmp +8; the pointer 0x12; hlt; nop; ret
        assertThat(MappedGuest.advice("ff 15 02 00 00 00 eb 08 12 00 00 00 00 00 00 00 f4 90 c3")
                        .get(0))
                .startsWith(
                        "call qword [rel 0x100008] at 0x100000 went to 0x12, which the pointer at 0x100008 has as in the"
                                + " file: an address of an image that begins at 0, while what belongs there was loaded at 0x100012; link"
                                + " the image for 0x100000, where it is loaded, without -pie");
    }

    @Test
    void pointerOfAnImageThatBeginsAtZeroIsFoundThroughARegister() {
        // mov rax,[rip+2]; jmp rax; the pointer 0x12; hlt; nop; ret
        assertThat(MappedGuest.advice("48 8b 05 02 00 00 00 ff e0 12 00 00 00 00 00 00 00 f4 90 c3")
                        .get(0))
                .startsWith(
                        "jmp rax at 0x100007 went to 0x12, which the pointer at 0x100009 has as in the file: an address of"
                                + " an image that begins at 0");
    }

    @Test
    void pointerThatTheGuestMadeIsNone() {
        // mov eax,0x12; mov [rip+2],rax: the same, but the pointer is 0 in the file
        assertThat(MappedGuest.advice(
                        "b8 12 00 00 00 48 89 05 08 00 00 00 ff 15 02 00 00 00 eb 08 00 00 00 00 00 00 00 00 f4"))
                .noneMatch(sentence -> sentence.contains("begins at 0"));
    }

    /** lgdt [linked + 0x20]; jmp 8:0x100e; six bytes for LGDT at 0x20, and the GDT, whose code segment is 8. */
    private static final String LOADS_GDT = "0f 01 15 20 00 20 00 ea 0e 10 00 00 08 00" + "f4".repeat(18)
            + "0f 00 28 00 20 00 00 00 00 00 00 00 00 00 00 00 ff ff 00 00 00 9a cf 00";

    @Test
    void operandOfLgdtThatIsTheLinkersIsTold() {
        assertThat(unpaged(0x20_0000, LOADS_GDT).get(0))
                .isEqualTo(
                        "lgdt [0x200020] at 0x1000 reads 0x200020 (gdt_register), which is where the linker put it, but"
                                + " it was loaded at physical 0x1020, and paging is off; load the image at 0x200000, for which it"
                                + " is linked, or link it for 0x1000, where it is loaded");
    }

    @Test
    void addressOfAHigherHalfThatIsUsedWithPagingOffIsTold() {
        assertThat(unpaged(0xc000_1000L, LOADS_GDT.replace("15 20 00 20 00", "15 20 10 00 c0"))
                        .get(0))
                .startsWith("lgdt [0xc0001020] at 0x1000 reads 0xc0001020 (gdt_register), which is where the linker put"
                        + " it, but it was loaded at physical 0x1020, and paging is off; switch paging on with it mapped"
                        + " before any such access, or link");
    }

    @Test
    void imageThatHasMovedToItsAddressUsesItRightly() {
        // mov esi,0x1000; mov edi,0x200000; mov ecx,0x40; rep movsb; lgdt [0x200020]; jmp 0x18:0x1000: no such segment
        assertThat(unpaged(
                        0x20_0000,
                        "be 00 10 00 00 bf 00 00 20 00 b9 40 00 00 00 f3 a4 0f 01 15 20 00 20 00 ea 00 10 00 00 18 00 f4"
                                + LOADS_GDT.substring(LOADS_GDT.indexOf("0f 00 28"))))
                .noneMatch(sentence -> sentence.contains("linker"));
    }

    @Test
    void addressThatIsReadOnlyByAnImageLoadedWhereItIsLinkedIsRight() {
        // lgdt [0x1020], whose table has no segment 0x18
        assertThat(unpaged(
                        0x1000,
                        LOADS_GDT
                                .replace("15 20 00 20 00", "15 20 10 00 00")
                                .replace("08 00f4", "18 00f4")
                                .replace("28 00 20 00", "28 10 00 00")))
                .noneMatch(sentence -> sentence.contains("linker"));
    }

    @Test
    void storeToAnAddressOfTheLinkersProvesNothing() {
        // mov [0x200020],eax: what is there afterwards is what the guest put there; ud2
        assertThat(unpaged(0x20_0000, "a3 20 00 20 00 0f 0b" + "f4".repeat(25) + "01 02 03 04"))
                .noneMatch(sentence -> sentence.contains("linker"));
    }

    /** Returns what is advised about a flat binary that is loaded at 0x1000, in protected mode. */
    private static List<String> unpaged(long linked, String code) {
        byte[] bytes = TestGuest.bytes(code);
        return DeadGuest.image(
                new GuestImage(
                        "kernel",
                        GuestImage.Format.FLAT,
                        List.of(new Segment(0, linked, bytes, bytes.length)),
                        OptionalLong.empty(),
                        List.of(new Symbol("_start", linked, 0x20), new Symbol("gdt_register", linked + 0x20, 6))),
                BootMode.PROTECTED);
    }
}
