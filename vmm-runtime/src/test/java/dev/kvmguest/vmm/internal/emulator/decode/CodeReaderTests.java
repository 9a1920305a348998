package dev.kvmguest.vmm.internal.emulator.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import org.junit.jupiter.api.Test;

class CodeReaderTests {

    @Test
    void readsTheFirstInstructionOfBytes() {
        byte[] code = {(byte) 0x83, 0x3d, 0x04, 0x20, 0, 0, 0, 0x74, (byte) 0xf7};

        GuestInstruction compare =
                CodeReader.read(code, 0x1000, CpuMode.PROTECTED32).orElseThrow();

        assertThat(compare.text()).isEqualTo("cmp dword [0x2004], 0");
        assertThat(compare.eip()).isEqualTo(0x1000);
        assertThat(compare.bytes()).containsExactly(0x83, 0x3d, 0x04, 0x20, 0, 0, 0);
        assertThat(compare.symbol()).isEmpty();
    }

    @Test
    void jumpsGoToAddressesInTheCodeSegment() {
        byte[] jump = {(byte) 0xeb, (byte) 0xfe};

        assertThat(CodeReader.read(jump, 0x8000_1000L, CpuMode.PROTECTED32)
                        .orElseThrow()
                        .text())
                .isEqualTo("jmp 0x80001000");
    }

    @Test
    void sameBytesAreOtherInstructionsInCodeOfAnotherSize() {
        byte[] move = {(byte) 0xb8, 1, 0, 0, 0};

        assertThat(CodeReader.read(move, 0, CpuMode.PROTECTED16).orElseThrow().text())
                .isEqualTo("mov ax, 1");
        assertThat(CodeReader.read(move, 0, CpuMode.PROTECTED32).orElseThrow().text())
                .isEqualTo("mov eax, 1");
    }

    @Test
    void bytesThatAreNoInstructionOrNotAllOfOneAreNothing() {
        assertThat(CodeReader.read(new byte[0], 0, CpuMode.PROTECTED32)).isEmpty();
        assertThat(CodeReader.read(new byte[] {(byte) 0xb8, 1}, 0, CpuMode.PROTECTED32))
                .isEmpty();
        assertThat(CodeReader.read(new byte[] {0x0f, (byte) 0xff}, 0, CpuMode.PROTECTED32))
                .isEmpty();
        assertThat(CodeReader.read(new byte[32], 0, CpuMode.PROTECTED32)).isPresent();
    }

    @Test
    void whatAReportShowsIsDecodedInTheSizeOfItsText() {
        byte[] move = {(byte) 0xb8, 1, 0, 0, 0};
        GuestInstruction in16 =
                CodeReader.read(move, 0x1000, CpuMode.PROTECTED16).orElseThrow();
        GuestInstruction in32 =
                CodeReader.read(move, 0x1000, CpuMode.PROTECTED32).orElseThrow();

        assertThat(CodeReader.decode(in16, CpuMode.PROTECTED32).orElseThrow().operandSize)
                .isEqualTo(2);
        assertThat(CodeReader.decode(in32, CpuMode.PROTECTED16).orElseThrow().operandSize)
                .isEqualTo(4);
        assertThat(CodeReader.decode(CodeReader.unread(0x1000), CpuMode.REAL16)).isEmpty();
    }
}
