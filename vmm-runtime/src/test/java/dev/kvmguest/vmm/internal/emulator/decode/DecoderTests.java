package dev.kvmguest.vmm.internal.emulator.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What DisassemblerTests doesn't show, or not so well. */
class DecoderTests {

    private static final long EIP = 0x1000;
    private static final long LOW_32 = 0xffff_ffffL;

    private final Decoder decoder = new Decoder(new OperationTable());

    private Instruction decode(boolean default32, String hexadecimal) {
        return decode(default32, EIP, hexadecimal);
    }

    private Instruction decode(boolean default32, long eip, String hexadecimal) {
        byte[] bytes = bytes(hexadecimal);
        return decoder.decode(index -> bytes[index] & 0xff, eip, CpuMode.of(true, default32));
    }

    private static byte[] bytes(String hexadecimal) {
        return HexFormat.of().parseHex(hexadecimal.replace(" ", ""));
    }

    private static void assertMemory(
            Operand operand, int segment, int base, int index, int scale, long displacement, long mask) {
        assertThat(operand.kind).isEqualTo(Operand.Kind.MEMORY);
        assertThat(operand.segment).as("segment").isEqualTo(segment);
        assertThat(operand.base).as("base").isEqualTo(base);
        assertThat(operand.index).as("index").isEqualTo(index);
        assertThat(operand.scale).as("scale").isEqualTo(scale);
        assertThat(operand.value).as("displacement").isEqualTo(displacement);
        assertThat(operand.addressMask).as("mask").isEqualTo(mask);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "90",
                "66 b8 34 12",
                "b8 78 56 34 12",
                "8b 84 8b 78 56 34 12",
                "67 8b 87 34 12",
                "81 84 24 01 00 00 00 02 00 00 00",
                "66 9a 34 12 08 00",
                "9a 78 56 34 12 08 00",
                "0f 84 00 00 00 00",
                "0f ba 20 05",
                "c8 10 00 01",
                "a1 00 30 00 00",
                "dd 44 24 08",
                "66 0f 6e 44 24 18",
                "0f c8",
                "0f 01 10",
                "0f 20 00",
                "2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 90",
                "f0 01 c0",
                "8d c0",
                "0f 04",
                "2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e"
            })
    void noByteBehindTheInstructionIsFetched(String hexadecimal) {
        Instruction instruction = decode(true, hexadecimal);

        // One more would have been an ArrayIndexOutOfBoundsException.
        assertThat(instruction.length).isEqualTo(bytes(hexadecimal).length);
        assertThat(instruction.nextEip).isEqualTo(EIP + instruction.length);
    }

    @Test
    void bytesAreFetchedOneAfterAnother() {
        byte[] bytes = bytes("2e 66 81 84 24 01 00 00 00 34 12");
        StringBuilder order = new StringBuilder();

        decoder.decode(
                index -> {
                    order.append(index).append(' ');
                    return bytes[index] & 0xff;
                },
                EIP,
                CpuMode.PROTECTED32);

        assertThat(order).hasToString("0 1 2 3 4 5 6 7 8 9 10 ");
    }

    @Test
    void aFetchThatFaultsEndsDecodingWithItsFault() {
        byte[] bytes = bytes("b8 78");
        Decoder.Bytes fetch = index -> {
            if (index == bytes.length) {
                throw CpuFault.generalProtection();
            }
            return bytes[index] & 0xff;
        };

        assertThatThrownBy(() -> decoder.decode(fetch, EIP, CpuMode.PROTECTED32))
                .isInstanceOf(CpuFault.class);
        assertThat(decode(true, "90").mnemonic).isEqualTo(Mnemonic.NOP);
    }

    @ParameterizedTest
    @CsvSource({
        "13, 0f 0b, UD2",
        "14, 0f 0b, TOO_LONG",
        "14, 90, NOP",
        "15, 90, TOO_LONG",
        "16, 90, TOO_LONG",
        "4, 81 84 24 01 00 00 00 02 00 00 00, ADD",
        "5, 81 84 24 01 00 00 00 02 00 00 00, TOO_LONG",
        "10, b8 78 56 34 12, MOV",
        "11, b8 78 56 34 12, TOO_LONG",
        "13, 8b 44 24 10, TOO_LONG"
    })
    void moreThanFifteenBytesAreTooLong(int prefixes, String instruction, Mnemonic mnemonic) {
        Instruction decoded = decode(true, "3e".repeat(prefixes) + instruction);

        assertThat(decoded.mnemonic).isEqualTo(mnemonic);
        assertThat(decoded.length).isEqualTo(Math.min(15, prefixes + bytes(instruction).length));
    }

    @Test
    void prefixesMayComeInAnyOrder() {
        for (String prefixes : new String[] {"f0 66 67 64", "64 67 66 f0", "66 f0 64 67", "67 64 f0 66"}) {
            Instruction instruction = decode(true, prefixes + "01 07");

            assertThat(instruction.mnemonic).isEqualTo(Mnemonic.ADD);
            assertThat(instruction.lock).isTrue();
            assertThat(instruction.operandSize).isEqualTo(2);
            assertThat(instruction.addressSize).isEqualTo(2);
            assertMemory(instruction.op0, Cpu.FS, Registers.RBX, Registers.NONE, 0, 0, 0xffff);
        }
    }

    @Test
    void aRepeatedPrefixDoesWhatOneDoes() {
        Instruction instruction = decode(true, "66 66 67 67 8b 07");

        assertThat(instruction.operandSize).isEqualTo(2);
        assertThat(instruction.addressSize).isEqualTo(2);
    }

    @Test
    void theLastOfSeveralSegmentPrefixesCounts() {
        assertThat(decode(true, "2e 64 26 8b 00").op1.segment).isEqualTo(Cpu.ES);
        assertThat(decode(true, "26 65 a4").segment).isEqualTo(Cpu.GS);
    }

    @Test
    void theLastOfTwoRepeatPrefixesCounts() {
        assertThat(decode(true, "f2 f3 a6").repeat).isEqualTo(Instruction.REP);
        assertThat(decode(true, "f3 f2 a6").repeat).isEqualTo(Instruction.REPNE);
        assertThat(decode(true, "f3 f2 0f 10 c1").mnemonic).isEqualTo(Mnemonic.MOVSD_XMM);
    }

    @Test
    void aMandatoryPrefixIsNoRepeatPrefix() {
        assertThat(decode(true, "f3 0f 10 c1").repeat).isEqualTo(Instruction.NO_REPEAT);
        assertThat(decode(true, "f3 90").repeat).isEqualTo(Instruction.NO_REPEAT);
        assertThat(decode(true, "f3 c3").repeat).isEqualTo(Instruction.REP);
    }

    @Test
    void aRepeatPrefixGoesBefore66AsMandatoryPrefix() {
        assertThat(decode(true, "66 f3 0f 6f c1").mnemonic).isEqualTo(Mnemonic.MOVDQU);
        assertThat(decode(true, "f2 66 0f 58 c1").mnemonic).isEqualTo(Mnemonic.ADDSD);
    }

    @ParameterizedTest
    @ValueSource(strings = {"f3 0f 28 c1", "f2 0f 6f c1", "66 0f 77", "66 0f 12 c1", "f3 0f ae 00", "66 0f c3 00"})
    void mmxAndSseWithAPrefixThatTheyDoNotHaveAreNoInstructions(String hexadecimal) {
        assertThat(decode(true, hexadecimal).mnemonic).isEqualTo(Mnemonic.INVALID);
    }

    @ParameterizedTest
    @CsvSource({
        "true, 40, 4",
        "true, 66 40, 2",
        "false, 40, 2",
        "false, 66 40, 4",
        "true, fe c0, 1",
        "false, 66 fe c0, 1",
        "true, a4, 1",
        "true, 66 a5, 2",
        "false, 66 a5, 4",
        "true, e4 60, 1",
        "true, e6 60, 1",
        "true, ee, 1",
        "true, e7 60, 4",
        "true, ef, 4",
        "false, ed, 2",
        "true, 66 06, 2",
        "true, 0f b6 c1, 4",
        "true, 0f 94 c0, 1",
        "true, c0 e0 04, 1",
        "true, c1 e0 04, 4",
        "true, d2 e0, 1"
    })
    void theWidthIsTheOperandSizeOrThatOfAByteForm(boolean default32, String hexadecimal, int width) {
        assertThat(decode(default32, hexadecimal).width).isEqualTo(width);
    }

    @ParameterizedTest
    @CsvSource({
        "00, 3, 6, 0",
        "01, 3, 7, 0",
        "02, 5, 6, 0",
        "03, 5, 7, 0",
        "04, 6, 16, 0",
        "05, 7, 16, 0",
        "07, 3, 16, 0",
        "06 34 92, 16, 16, -28108",
        "40 7f, 3, 6, 127",
        "41 80, 3, 7, -128",
        "46 fe, 5, 16, -2",
        "47 01, 3, 16, 1",
        "82 00 80, 5, 6, -32768",
        "83 ff 7f, 5, 7, 32767",
        "86 00 00, 5, 16, 0",
        "84 ff ff, 6, 16, -1"
    })
    void addressesOf16Bits(String modRm, int base, int index, long displacement) {
        int segment = base == Registers.RBP ? Cpu.SS : Cpu.DS;

        assertMemory(decode(false, "8b" + modRm).op1, segment, base, index, 0, displacement, 0xffff);
        assertMemory(decode(true, "67 8b" + modRm).op1, segment, base, index, 0, displacement, 0xffff);
    }

    @ParameterizedTest
    @CsvSource({
        "00, 0, 16, 0, 0",
        "05 00 00 00 80, 16, 16, 0, -2147483648",
        "06, 6, 16, 0, 0",
        "45 00, 5, 16, 0, 0",
        "45 fc, 5, 16, 0, -4",
        "80 ff ff ff 7f, 0, 16, 0, 2147483647",
        "85 ff ff ff ff, 5, 16, 0, -1",
        "04 24, 4, 16, 0, 0",
        "04 a4, 4, 16, 0, 0",
        "04 c8, 0, 1, 3, 0",
        "04 25 00 10 00 00, 16, 16, 0, 4096",
        "04 8d 00 10 00 00, 16, 1, 2, 4096",
        "44 2d 00, 5, 5, 0, 0",
        "44 44 80, 4, 0, 1, -128",
        "84 05 00 00 00 f0, 5, 0, 0, -268435456",
        "04 2c, 4, 5, 0, 0"
    })
    void addressesOf32Bits(String modRm, int base, int index, int scale, long displacement) {
        int segment = base == Registers.RBP || base == Registers.RSP ? Cpu.SS : Cpu.DS;

        assertMemory(decode(true, "8b" + modRm).op1, segment, base, index, scale, displacement, LOW_32);
        assertMemory(decode(false, "67 8b" + modRm).op1, segment, base, index, scale, displacement, LOW_32);
    }

    @Test
    void aSegmentPrefixReplacesTheStackSegmentToo() {
        assertThat(decode(true, "3e 8b 45 00").op1.segment).isEqualTo(Cpu.DS);
        assertThat(decode(true, "64 8b 04 24").op1.segment).isEqualTo(Cpu.FS);
        assertThat(decode(false, "26 8b 46 00").op1.segment).isEqualTo(Cpu.ES);
    }

    @Test
    void anOffsetWithoutModRmHasTheAddressSize() {
        assertMemory(decode(true, "a1 00 80 00 00").op1, Cpu.DS, Registers.NONE, Registers.NONE, 0, 0x8000, LOW_32);
        assertMemory(decode(true, "65 67 a0 34 12").op1, Cpu.GS, Registers.NONE, Registers.NONE, 0, 0x1234, 0xffff);
        assertThat(decode(false, "67 a2 34 12 00 00").length).isEqualTo(6);
    }

    @Test
    void immediatesAreExtendedToTheOperandAndCutToIt() {
        assertThat(decode(true, "83 c0 ff").op1.value).isEqualTo(LOW_32);
        assertThat(decode(false, "83 c0 ff").op1.value).isEqualTo(0xffff);
        assertThat(decode(true, "6a 80").op0.value).isEqualTo(0xffff_ff80L);
        assertThat(decode(true, "b0 80").op1.value).isEqualTo(0x80);
        assertThat(decode(true, "b8 00 00 00 80").op1.value).isEqualTo(0x8000_0000L);
        assertThat(decode(true, "6b c1 fe").op2.value).isEqualTo(0xffff_fffeL);
        assertThat(decode(true, "c1 e0 ff").op1.value).isEqualTo(0xff);
    }

    @ParameterizedTest
    @CsvSource({
        "true, 1000, eb fe, 1000", "true, 1000, eb 80, f82", "true, 0, eb fd, ffffffff",
        "true, fffffff0, eb 7f, 71", "true, 1000, e8 fb ff ff ff, 1000", "true, 80001000, e9 fb ff ff ff, 80001000",
        "true, 80001000, 66 e9 00 00, 1004", "true, 80001000, 66 eb 00, 1003", "true, 1000, 66 0f 84 00 00, 1005",
        "false, 1000, eb fe, 1000", "false, fff0, eb 7f, 71", "false, 0, e8 f0 ff, fff3",
        "false, fff0, 66 e8 00 00 01 00, 1fff6", "false, 1000, 0f 85 00 f0, 4", "true, 12340, e2 fe, 12340",
        "true, 12340, 66 e2 fe, 2341"
    })
    void nearTargetsAreCutToTheOperandSize(boolean default32, String eip, String hexadecimal, String target) {
        Instruction instruction = decode(default32, Long.parseLong(eip, 16), hexadecimal);

        assertThat(instruction.op0.kind).isEqualTo(Operand.Kind.RELATIVE);
        assertThat(Long.toHexString(instruction.op0.value)).isEqualTo(target);
    }

    @Test
    void farPointersAreAnOffsetAndASelector() {
        Operand wide = decode(true, "ea 00 10 00 80 08 00").op0;
        Operand narrow = decode(true, "66 9a f0 ff 00 f0").op0;

        assertThat(wide.kind).isEqualTo(Operand.Kind.FAR_POINTER);
        assertThat(wide.value).isEqualTo(0x8000_1000L);
        assertThat(wide.segment).isEqualTo(8);
        assertThat(narrow.value).isEqualTo(0xfff0);
        assertThat(narrow.segment).isEqualTo(0xf000);
    }

    @Test
    void conditionsAreTheLowestBitsOfTheOpcode() {
        for (int condition = 0; condition < 16; condition++) {
            String digit = Integer.toHexString(condition);
            assertThat(decode(true, "7" + digit + "00").condition).isEqualTo(condition);
            assertThat(decode(true, "0f 8" + digit + "00000000").condition).isEqualTo(condition);
            assertThat(decode(true, "0f 9" + digit + "c0").condition).isEqualTo(condition);
            assertThat(decode(true, "0f 4" + digit + "c0").condition).isEqualTo(condition);
            assertThat(decode(true, "7" + digit + "00").mnemonic.ordinal())
                    .isEqualTo(Mnemonic.JO.ordinal() + condition);
        }
    }

    /** The list of the manual: volume 2, LOCK. */
    @Test
    void lockIsForReadingAndWritingMemoryOnly() {
        Set<Mnemonic> lockable = EnumSet.noneOf(Mnemonic.class);
        Set<String> withRegister = new TreeSet<>();
        for (int opcode = 0; opcode < 0x200; opcode++) {
            for (int modRm = 0; modRm < 0x100; modRm++) {
                String escape = opcode < 0x100 ? "" : "0f";
                String hexadecimal = String.format("f0 %s %02x %02x %024x", escape, opcode & 0xff, modRm, 0);
                Instruction instruction = decode(true, hexadecimal);
                if (instruction.lock && instruction.mnemonic != Mnemonic.INVALID) {
                    lockable.add(instruction.mnemonic);
                    if (!instruction.op0.isMemory()) {
                        withRegister.add(hexadecimal);
                    }
                }
            }
        }

        assertThat(lockable)
                .containsExactlyInAnyOrder(
                        Mnemonic.ADC,
                        Mnemonic.ADD,
                        Mnemonic.AND,
                        Mnemonic.BTC,
                        Mnemonic.BTR,
                        Mnemonic.BTS,
                        Mnemonic.CMPXCHG,
                        Mnemonic.CMPXCHG8B,
                        Mnemonic.DEC,
                        Mnemonic.INC,
                        Mnemonic.NEG,
                        Mnemonic.NOT,
                        Mnemonic.OR,
                        Mnemonic.SBB,
                        Mnemonic.SUB,
                        Mnemonic.XADD,
                        Mnemonic.XCHG,
                        Mnemonic.XOR);
        assertThat(withRegister).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "f0 03 00",
                "f0 01 c0",
                "f0 39 00",
                "f0 85 00",
                "f0 0f a3 00",
                "f0 0f ba 20 01",
                "f0 90",
                "f0 89 00",
                "f0 a4",
                "f0 87 c1",
                "f0 0f c7 c8",
                "f0 ff 10",
                "f0 0f 58 00",
                "f0 d9 00",
                "f0 0f 22 c0"
            })
    void lockAnywhereElseIsNoInstruction(String hexadecimal) {
        Instruction instruction = decode(true, hexadecimal);

        assertThat(instruction.mnemonic).isEqualTo(Mnemonic.INVALID);
        assertThat(instruction.op0).isNull();
        assertThat(instruction.lock).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "8d c0",
                "62 c0",
                "c4 c0",
                "c5 c0",
                "0f b2 c0",
                "0f b4 c0",
                "0f b5 c0",
                "ff d8",
                "ff e8",
                "0f 01 c0",
                "0f 01 d2",
                "0f 01 f8",
                "0f c7 c8",
                "0f c3 c0",
                "0f 2b c0",
                "0f e7 c0",
                "66 0f e7 c0",
                "0f 13 c0"
            })
    void whatNeedsMemoryIsNoInstructionWithARegister(String hexadecimal) {
        assertThat(decode(true, hexadecimal).mnemonic).isEqualTo(Mnemonic.INVALID);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f 50 00", "0f d7 00", "0f c5 00", "0f 71 10", "66 0f 73 18", "0f f7 00", "f2 0f d6 00"})
    void whatNeedsARegisterIsNoInstructionWithMemory(String hexadecimal) {
        assertThat(decode(true, hexadecimal).mnemonic).isEqualTo(Mnemonic.INVALID);
    }

    @Test
    void segmentRegistersThatAreNotThereAreNoInstruction() {
        assertThat(decode(true, "8e c8").mnemonic).isEqualTo(Mnemonic.INVALID);
        assertThat(decode(true, "8c c8").mnemonic).isEqualTo(Mnemonic.MOV_SEGMENT);
        assertThat(decode(true, "8c f0").mnemonic).isEqualTo(Mnemonic.INVALID);
        assertThat(decode(true, "8e f8").mnemonic).isEqualTo(Mnemonic.INVALID);
    }

    /** Volume 2, MOV to and from control registers: mod is ignored. */
    @Test
    void moveOfControlRegistersTakesRmForARegisterAlways() {
        Instruction instruction = decode(true, "0f 20 04");

        assertThat(instruction.mnemonic).isEqualTo(Mnemonic.MOV_CONTROL);
        assertThat(instruction.length).isEqualTo(3);
        assertThat(instruction.op0.number).isEqualTo(Registers.RSP);
        assertThat(instruction.op0.width).isEqualTo(4);
    }

    @Test
    void whatTheDecoderKnewOfTheLastInstructionIsForgotten() {
        decode(true, "f0 66 67 64 01 07");
        Instruction instruction = decode(true, "89 03");

        assertThat(instruction.lock).isFalse();
        assertThat(instruction.operandSize).isEqualTo(4);
        assertThat(instruction.addressSize).isEqualTo(4);
        assertMemory(instruction.op0, Cpu.DS, Registers.RBX, Registers.NONE, 0, 0, LOW_32);
    }
}
