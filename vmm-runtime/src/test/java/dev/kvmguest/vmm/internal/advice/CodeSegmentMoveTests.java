package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CodeSegmentMoveTests {

    @ParameterizedTest
    @CsvSource({
        "b8 08 00 00 00 8e c8, 0x1005", // mov eax,8; mov cs,eax
        "b8 08 00 00 00 66 8e c8, 0x1005", // mov eax,8; mov cs,ax
        "8e 0d 00 20 00 00, 0x1000", // mov cs,[0x2000]
    })
    void moveToTheCodeSegmentIsNamedWithTheFarJumpInItsPlace(String code, String at) {
        assertThat(DeadGuest.flat(code).get(0))
                .isEqualTo(
                        "the instruction at " + at + " is MOV to CS, which always raises #UD; load CS with a far jump,"
                                + " such as jmp 0x8:next, and only DS, ES, FS, GS and SS with MOV");
    }

    @Test
    void otherSegmentNumbersThatDoNotExistAreNotThat() {
        assertThat(DeadGuest.flat("8e f8")).noneMatch(sentence -> sentence.contains("MOV to CS")); // number 7
        assertThat(DeadGuest.flat("0f 0b 8e c8")).noneMatch(sentence -> sentence.contains("MOV to CS")); // ud2 before
    }

    @Test
    void realModeHasNoMoveToCsEither() {
        // lidt [0x9000], where zeros are, so that #UD has no vector; mov cs,ax
        assertThat(DeadGuest.adviceFor(TestGuest.real("0f 01 1e 00 90 8e c8")).get(0))
                .startsWith("the instruction at 0x1005 is MOV to CS");
    }
}
