package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StackBelowZeroTests {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "81 ec 00 00 10 00 90", // sub esp,0x100000; nop
                "81 c4 00 00 f0 ff 90", // add esp,-0x100000; nop
                "8d a4 24 00 00 f0 ff", // lea esp,[esp-0x100000]
            })
    void roomForAnArrayThatIsMoreThanTheStackIsTold(String room) {
        // mov esp,0x90000; ...; call on; on: ret
        assertThat(DeadGuest.flat("bc 00 00 09 00" + room + "e8 01 00 00 00 f4 c3")
                        .get(0))
                .startsWith("ESP is 0xfff90000, below 0 and where no RAM is: ")
                .contains(
                        " at 0x1005 makes room for 1048576 bytes of local variables, and took ESP there from about 0x90000;"
                                + " make large arrays static");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "48 81 ec 00 00 20 00 90", // sub rsp,0x200000; nop
                "48 81 c4 00 00 e0 ff 90", // add rsp,-0x200000; nop
                "48 8d a4 24 00 00 e0 ff", // lea rsp,[rsp-0x200000]
            })
    void roomIsToldIn64BitCodeToo(String room) {
        // mov esp,0x180000; ...; call on; on: ret
        assertThat(MappedGuest.advice("bc 00 00 18 00" + room + "e8 01 00 00 00 f4 c3" + "90".repeat(8))
                        .get(0))
                .startsWith("RSP is 0xfffffffffff7fff8, below 0 and where no RAM is: ")
                .contains(" at 0x100005 makes room for 2097152 bytes of local variables, and took RSP there from about"
                        + " 0x17fff8; make large arrays static");
        // mov rsp,0xffffffff80180000, and the same: a stack of the upper half is not below 0
        assertThat(MappedGuest.advice("48 c7 c4 00 00 18 80" + room + "e8 01 00 00 00 f4 c3" + "90".repeat(8)))
                .noneMatch(sentence -> sentence.contains("local variables, and took"));
    }

    @Test
    void stackThatWasSetToWhereNoRamIsIsNoArray() {
        // mov esp,0xfff90000; call on; hlt; on: ret
        assertThat(DeadGuest.flat("bc 00 00 f9 ff e8 01 00 00 00 f4 c3"))
                .noneMatch(sentence -> sentence.contains("local variables, and took"));
    }

    @Test
    void arrayThatHasRoomIsNotTold() {
        // mov esp,0x200000; sub esp,0x100000; ud2
        assertThat(DeadGuest.flat("bc 00 00 20 00 81 ec 00 00 10 00 0f 0b"))
                .noneMatch(sentence -> sentence.contains("local variables"));
    }
}
