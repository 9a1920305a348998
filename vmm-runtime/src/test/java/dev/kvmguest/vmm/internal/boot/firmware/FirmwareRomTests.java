package dev.kvmguest.vmm.internal.boot.firmware;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Disassembler;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.text.Notation;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What firmware leaves in memory, byte by byte and instruction by instruction. */
class FirmwareRomTests {

    private static final long ROM = 0xf_f000;

    private final GuestMemory memory = new GuestMemory(ByteBuffer.allocate(2 << 20), () -> {});
    private final FirmwareRom rom = new FirmwareRom(ROM);

    FirmwareRomTests() {
        rom.write(memory);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x00, 0x06, 0x10, 0x13, 0x20, 0x21, 0x6f, 0x78, 0x80, 0xff})
    void vectorThatNobodyHasTellsTheMachine(int vector) {
        assertThat(handler(vector, 1)).containsExactly("out 0xbe, al", "iret");
        assertThat(rom.unhandled(memory, 16L * segment(vector), offset(vector))).hasValue(vector);
        assertThat(rom.unhandled(memory, 16L * segment(vector), offset(vector) + 2))
                .hasValue(vector);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x1b, 0x1c, 0x4a})
    void hookForProgramsReturns(int vector) {
        assertThat(handler(vector, 1)).containsExactly("iret");
        assertThat(rom.unhandled(memory, 16L * segment(vector), offset(vector))).isEmpty();
    }

    @Test
    void interruptOfTheMasterIsTakenOnlyIfItIsInService() {
        assertThat(handler(0x0d, 2))
                .containsExactly(
                        "push ax",
                        "mov al, 0xb",
                        "out 0x20, al",
                        "in al, 0x20",
                        "test al, 0x20",
                        "pop ax",
                        "jne 0xf4a3",
                        "out 0xbe, al",
                        "iret",
                        "push ax",
                        "mov al, 0x20",
                        "out 0x20, al",
                        "pop ax",
                        "iret");
    }

    @Test
    void interruptOfTheSlaveHasTwoEndsOfInterrupt() {
        assertThat(handler(0x71, 2))
                .containsSubsequence(
                        "mov al, 0xb",
                        "out 0xa0, al",
                        "in al, 0xa0",
                        "test al, 2",
                        "out 0xbe, al",
                        "mov al, 0x20",
                        "out 0xa0, al",
                        "out 0x20, al",
                        "pop ax",
                        "iret");
    }

    @ParameterizedTest
    @ValueSource(ints = {0x0f, 0x77})
    void spuriousInterruptIsNoException(int vector) {
        assertThat(handler(vector, 2)).doesNotContain("out 0xbe, al");
    }

    @ParameterizedTest
    @CsvSource({"0x08, 0", "0x0d, 5", "0x0e, 6", "0x70, 0", "0x76, 6"})
    void exceptionAtTheVectorOfAnInterruptTellsTheMachine(int vector, int line) {
        int traps = 0;
        for (int offset = 0x400; offset < 0x600; offset++) {
            boolean tells = rom.unhandled(memory, 0xf_0000, 0xf000 + offset).orElse(-1) == vector;
            if (tells && memory.readShort(ROM + offset) == 0xbee6) {
                traps++;
            }
        }
        assertThat(traps).isEqualTo(1);
        assertThat(handler(vector, 2)).contains("test al, " + (line < 4 ? "" + (1 << line) : Notation.hex(1 << line)));
    }

    @Test
    void guestThatHasWrittenOverItIsNotMistakenForIt() {
        long handler = 16L * segment(6) + offset(6);
        memory.writeShort(handler, 0x9090);

        assertThat(rom.unhandled(memory, handler, 0)).isEmpty();
    }

    @Test
    void codeElsewhereIsNotTakenForIt() {
        long handler = 16L * segment(6) + offset(6);

        assertThat(rom.unhandled(memory, 0, 0x7c00)).isEmpty();
        assertThat(rom.unhandled(memory, handler - 0x1_0000, 0)).isEmpty();
        assertThat(rom.unhandled(memory, handler - 0x100, 0x100)).hasValue(6);
    }

    @Test
    void resetVectorResetsTheMachineByTheKeyboardController() {
        assertThat(text(ROM + 0xff0, 0xfff0, 3)).containsExactly("mov al, 0xfe", "out 0x64, al", "hlt");
        assertThat(new String(memory.read(0xf_fff5, 8), StandardCharsets.US_ASCII))
                .isEqualTo("01/01/26");
        assertThat(memory.readByte(0xf_fffe)).isEqualTo(0xfc);
    }

    @Test
    void dataAreaTellsOfTheMachine() {
        assertThat(memory.readShort(0x400)).as("COM1").isEqualTo(0x3f8);
        assertThat(memory.readShort(0x402)).as("COM2").isZero();
        assertThat(memory.readShort(0x40e)).as("extended data").isEqualTo(0x9fc0);
        assertThat(memory.readShort(0x410)).as("equipment").isEqualTo(0x226);
        assertThat(memory.readShort(0x413)).as("KiB").isEqualTo(639);
        assertThat(memory.readShort(0x41a)).as("keyboard buffer, head").isEqualTo(0x1e);
        assertThat(memory.readShort(0x41c)).as("keyboard buffer, tail").isEqualTo(0x1e);
        assertThat(memory.readByte(0x449)).as("video mode").isEqualTo(3);
        assertThat(memory.readShort(0x44a)).as("columns").isEqualTo(80);
        assertThat(memory.readShort(0x463)).as("CRT controller").isEqualTo(0x3d4);
        assertThat(memory.readInt(0x46c)).as("ticks").isZero();
        assertThat(memory.readShort(0x480)).as("keyboard buffer, start").isEqualTo(0x1e);
        assertThat(memory.readShort(0x482)).as("keyboard buffer, end").isEqualTo(0x3e);
        assertThat(memory.readByte(0x484)).as("rows less 1").isEqualTo(24);
        assertThat(memory.readByte(0x500)).isZero();
    }

    @Test
    void disketteParametersAreThoseOf1440Kib() {
        long address = memory.readShort(0x7a) * 16L + memory.readShort(0x78);

        assertThat(memory.readByte(address + 3)).as("512 bytes a sector").isEqualTo(2);
        assertThat(memory.readByte(address + 4)).as("sectors a track").isEqualTo(18);
    }

    @Test
    void romElsewhereIsWhereItsVectorsLead() {
        FirmwareRom low = new FirmwareRom(0x9_e000);

        low.write(memory);

        long handler = 16L * segment(6) + offset(6);
        assertThat(handler).isBetween(0x9_e000L, 0x9_efffL);
        assertThat(memory.readShort(0x413)).as("KiB").isEqualTo(0x9_e000 >> 10);
        assertThat(low.unhandled(memory, handler, 0)).hasValue(6);
    }

    @ParameterizedTest
    @ValueSource(strings = {"REAL16", "PROTECTED32"})
    void vectorsAreNoInstructions(CpuMode mode) {
        for (int address = 0; address < 0x400; address += 4) {
            if (address != 4 * 0x1e) {
                assertThat(CodeReader.decode(memory.read(address, 15), address, mode))
                        .isEmpty();
            }
        }
    }

    @Test
    void vectorsVeryLowInMemoryLeadToTheSameCode() {
        new FirmwareRom(0x3000).write(memory);

        assertThat(16L * segment(7) + offset(7)).isEqualTo(0x301d);
        assertThat(memory.readShort(0x301d)).isEqualTo(0xbee6);
    }

    private int segment(int vector) {
        return memory.readShort(4 * vector + 2);
    }

    private int offset(int vector) {
        return memory.readShort(4 * vector);
    }

    /** Returns the instructions of a vector's handler, as many as end with so many IRETs. */
    private List<String> handler(int vector, int irets) {
        assertThat(16L * segment(vector) + offset(vector)).isBetween(ROM, ROM + 0xfff);
        // As if it were in segment F000, for which jumps are the same.
        int ip = (int) (16L * segment(vector) + offset(vector) - 0xf_0000);
        List<String> all = new ArrayList<>();
        for (int left = irets; left > 0; ) {
            Instruction next = instruction(0xf_0000 + ip, ip);
            String text = Disassembler.text(next);
            ip += next.length;
            if (text.startsWith("jmp ")) {
                ip = Integer.decode(text.substring(4));
            } else {
                all.add(text);
            }
            left -= text.equals("iret") ? 1 : 0;
        }
        return all;
    }

    private List<String> text(long address, int ip, int count) {
        List<String> all = new ArrayList<>();
        int offset = 0;
        for (int i = 0; i < count; i++) {
            Instruction next = instruction(address + offset, ip + offset);
            all.add(Disassembler.text(next));
            offset += next.length;
        }
        return all;
    }

    private Instruction instruction(long address, int ip) {
        return CodeReader.decode(memory.read(address, 15), ip, CpuMode.REAL16).orElseThrow();
    }
}
