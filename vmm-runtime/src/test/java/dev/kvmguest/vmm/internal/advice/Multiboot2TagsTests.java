package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.internal.boot.Multiboot2Kernel;
import dev.kvmguest.vmm.internal.boot.MultibootKernel;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The information is at the first multiple of 8 after the kernel: 8 bytes, and the tag of the command line, 12 bytes. */
class Multiboot2TagsTests {

    private static List<String> advice(String code) {
        return DeadGuest.adviceFor(Multiboot2Kernel.flat(TestGuest.bytes(code)).withCommandLine("abc"));
    }

    @Test
    void fieldOfMultiboot1IsTold() {
        // mov eax,[ebx+0x30]; ud2
        assertThat(advice("8b 43 30 0f 0b").get(0))
                .matches(
                        "mov eax, \\[ebx\\+0x30\\] at 0x100040 reads 0x\\w+, where Multiboot 1 has mmap_addr, and this is"
                                + " Multiboot 2's information at 0x\\w+, as EAX said at entry \\(0x36d76289\\): from offset 8 on"
                                + " it has tags; look for the one that has what is wanted, or give the kernel a Multiboot 1 header");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // mov eax,[ebx]; mov eax,[ebx+8]; mov eax,[ebx+12]; ud2: the size, and the head of the first tag
                "8b 03 8b 43 08 8b 43 0c 0f 0b",
                // lea esi,[ebx+8]; mov eax,[esi+0x10]; ud2: of a tag
                "8d 73 08 8b 46 10 0f 0b",
                // mov ebx,0x100000; mov eax,[ebx+0x30]; ud2: of something else
                "bb 00 00 10 00 8b 43 30 0f 0b",
            })
    void fieldsOfMultiboot2AreNone(String code) {
        assertThat(advice(code)).noneMatch(said -> said.contains("Multiboot 1 has"));
    }

    @Test
    void informationOfMultiboot1HasThem() {
        // mov eax,[ebx+0x30]; ud2
        assertThat(DeadGuest.adviceFor(MultibootKernel.flat(TestGuest.bytes("8b 43 30 0f 0b"))))
                .noneMatch(said -> said.contains("Multiboot 1 has"));
    }

    @Test
    void sizeThatIsNotRoundedUpIsTold() {
        // lea esi,[ebx+8]; add esi,[esi+4]; mov eax,[esi]; ud2
        assertThat(advice("8d 73 08 03 76 04 8b 06 0f 0b").get(0))
                .matches(
                        "mov eax, \\[esi\\] at 0x100046 reads 0x\\w+, where no tag of the Multiboot 2 information is: there"
                                + " ends the one at 0x\\w+, of 12 bytes, and the next begins at 0x\\w+; go on by the tag's size,"
                                + " rounded up to a multiple of 8: \\(size \\+ 7\\) & ~7");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // lea esi,[ebx+8]; mov ecx,[esi+4]; add ecx,7; and ecx,-8; add esi,ecx; mov eax,[esi]; ud2
                "8d 73 08 8b 4e 04 83 c1 07 83 e1 f8 01 ce 8b 06 0f 0b",
                // lea esi,[ebx+8]; mov al,[esi+11]; ud2: the last byte of the tag
                "8d 73 08 8a 46 0b 0f 0b",
            })
    void tagsThatAreFoundRightlyAreNotTold(String code) {
        assertThat(advice(code)).noneMatch(said -> said.contains("no tag"));
    }
}
