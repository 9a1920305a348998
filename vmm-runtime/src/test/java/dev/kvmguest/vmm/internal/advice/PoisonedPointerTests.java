package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PoisonedPointerTests {

    /** mov eax,[rbx+8]. */
    private static final String USE = "8b 43 08";

    @ParameterizedTest
    @CsvSource({
        "68 65 6c 6c 6f 00 00 00, 'RBX is 0x6f6c6c6568, no address but the text \"hello\", and', copied past the end",
        "ef be ad de 00 00 00 00, 'RBX is 0xdeadbeef, no address but a number that free or new', used after it was freed",
        "cc cc cc cc 00 00 00 00, 'RBX is 0xcccccccc, no address but the byte 0xcc four times', used after it was freed",
    })
    void pointerIsToldByWhatItIs(String bytes, String expected, String remedy) {
        // The bytes are RBX's: mov rbx, and mov eax,[rbx+8]
        assertThat(DeadGuest.adviceFor(MappedGuest.paged("48 bb" + bytes + USE, Map.of()))
                        .get(0))
                .startsWith(expected)
                .contains("mov eax, [rbx+8] at 0x100012 uses memory there; mov rbx, 0x")
                .contains(remedy);
    }

    @Test
    void pointerOf32BitCodeIsToldWithWhereItWasLoadedFrom() {
        // mov ebx,[0x80001010]; mov eax,[ebx]; nop; the pointer
        assertThat(DeadGuest.paged("8b 1d 10 10 00 80 8b 03 90 90 90 90 90 90 90 90 ef be ad de")
                        .get(0))
                .startsWith(
                        "EBX is 0xdeadbeef, no address but a number that free or new memory is often filled with, and mov"
                                + " eax, [ebx] at 0x80001006 uses memory there; mov ebx, [0x80001010] at 0x80001000 loaded it: look for");
    }

    @ParameterizedTest
    @CsvSource({
        "ff ff ff ff ff ff ff ff", // -1
        "00 10 00 40 00 00 00 00",
        "68 65 6c 6c 00 00 00 00", // four letters are a number
        "68 65 6c 6c 07 00 00 00",
    })
    void otherPointersAreNotTold(String bytes) {
        // The bytes are RBX's: mov rbx, and mov eax,[rbx+8]
        assertThat(DeadGuest.adviceFor(MappedGuest.paged("48 bb" + bytes + USE, Map.of())))
                .noneMatch(sentence -> sentence.contains("no address but"));
    }
}
