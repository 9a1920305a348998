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
}
