package dev.kvmguest.vmm.internal.emulator.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** 64-bit code: what DisassemblerTests doesn't show, or not so well. */
class Decoder64Tests {

    private static final long RIP = 0xffff_ffff_8010_0000L;
    private static final int NONE = Registers.NONE;

    private final Decoder decoder = new Decoder(new OperationTable());

    private Instruction decode(String hexadecimal) {
        return decode(CpuMode.LONG64, RIP, hexadecimal);
    }

    private Instruction decode(CpuMode mode, long at, String hexadecimal) {
        byte[] bytes = bytes(hexadecimal);
        return decoder.decode(index -> bytes[index] & 0xff, at, mode);
    }

    private static byte[] bytes(String hexadecimal) {
        return HexFormat.of().parseHex(hexadecimal.replace(" ", ""));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "48 b8 88 77 66 55 44 33 22 11",
                "a1 00 10 00 00 00 00 00 00",
                "67 a1 00 10 00 00",
                "48 c7 05 00 00 00 00 01 00 00 00",
                "48 69 c1 00 10 00 00",
                "48 8b 04 25 00 10 00 00",
                "e8 00 00 00 00",
                "66 e9 00 00 00 00",
                "66 0f 84 00 00 00 00",
                "66 68 34 12",
                "68 78 56 34 12",
                "48 90",
                "41 90",
                "40 06",
                "c4",
                "2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 48 90"
            })
    void noByteBehindTheInstructionIsFetched(String hexadecimal) {
        Instruction instruction = decode(hexadecimal);

        // One more would have been an ArrayIndexOutOfBoundsException.
        assertThat(instruction.length).isEqualTo(bytes(hexadecimal).length);
        assertThat(instruction.nextEip).isEqualTo(RIP + instruction.length);
    }

    @ParameterizedTest
    @CsvSource({
        "13, 48 90, NOP",
        "14, 48 90, TOO_LONG",
        "4, 48 81 84 24 01 00 00 00 02 00 00, TOO_LONG",
        "3, 48 81 84 24 01 00 00 00 02 00 00 00, ADD",
        "5, 48 b8 01 02 03 04 05 06 07 08, MOV",
        "6, 48 b8 01 02 03 04 05 06 07 08, TOO_LONG",
        "15, 48 90, TOO_LONG"
    })
    void moreThanFifteenBytesAreTooLong(int prefixes, String instruction, Mnemonic mnemonic) {
        Instruction decoded = decode("3e".repeat(prefixes) + instruction);

        assertThat(decoded.mnemonic).isEqualTo(mnemonic);
        assertThat(decoded.length).isEqualTo(Math.min(15, prefixes + bytes(instruction).length));
    }

    @Test
    void manyRexPrefixesAreTooLongToo() {
        assertThat(decode("48".repeat(14) + "90").mnemonic).isEqualTo(Mnemonic.NOP);
        assertThat(decode("48".repeat(15) + "90").mnemonic).isEqualTo(Mnemonic.TOO_LONG);
    }

    /** Volume 2A, 2.2.1: it counts only right before the opcode or its escape. */
    @ParameterizedTest
    @ValueSource(strings = {"26", "2e", "36", "3e", "64", "65", "67", "f2", "f3"})
    void aRexPrefixBeforeAnotherPrefixIsIgnored(String prefix) {
        Instruction instruction = decode("4f" + prefix + "8b c8");

        assertThat(instruction.operandSize).isEqualTo(4);
        assertThat(instruction.op0.number).isEqualTo(Registers.RCX);
        assertThat(instruction.op1.number).isEqualTo(Registers.RAX);
        assertThat(decode("4f" + prefix + "88 c4").op0.isHighByte()).isTrue();
    }

    @Test
    void aRexPrefixStandsBetweenMandatoryPrefixAndEscape() {
        Instruction instruction = decode("f2 4c 0f 2a c8");

        assertThat(instruction.mnemonic).isEqualTo(Mnemonic.CVTSI2SD);
        assertThat(instruction.op0.number).isEqualTo(9);
        assertThat(instruction.op1.width).isEqualTo(8);
        assertThat(decode("4c f2 0f 2a c8").op1.width).isEqualTo(4);
    }

    @Test
    void theLastOfTwoRexPrefixesCounts() {
        assertThat(decode("4f 40 8b c8").op0.number).isEqualTo(Registers.RCX);
        assertThat(decode("40 4c 8b c8").op0.number).isEqualTo(9);
    }

    @ParameterizedTest
    @CsvSource({"'', 4", "48, 8", "66, 2", "66 48, 8", "48 66, 2", "40, 4", "66 47, 2"})
    void theOperandSizeIs32BitsUnlessAPrefixSaysOtherwise(String prefixes, int size) {
        Instruction instruction = decode(prefixes + "01 c8");

        assertThat(instruction.operandSize).isEqualTo(size);
        assertThat(instruction.width).isEqualTo(size);
        assertThat(instruction.op0.width).isEqualTo(size);
        assertThat(instruction.addressSize).isEqualTo(8);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "50",
                "58",
                "68 00 00 00 00",
                "6a 00",
                "8f 00",
                "9c",
                "9d",
                "c8 00 00 00",
                "c9",
                "ff 30",
                "0f a0",
                "0f a1",
                "0f a8",
                "0f a9"
            })
    void theStackHas64BitsUnlessAPrefixSays16(String hexadecimal) {
        assertThat(decode(hexadecimal).operandSize).isEqualTo(8);
        assertThat(decode("48" + hexadecimal).operandSize).isEqualTo(8);
        assertThat(decode("66 48" + hexadecimal).operandSize).isEqualTo(8);
        assertThat(decode("66" + hexadecimal).operandSize).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "70 00",
                "c2 00 00",
                "c3",
                "e0 00",
                "e1 00",
                "e2 00",
                "e3 00",
                "e8 00 00 00 00",
                "e9 00 00 00 00",
                "eb 00",
                "ff d0",
                "ff 20",
                "0f 80 00 00 00 00",
                "0f 01 00",
                "0f 01 18",
                "0f 20 c0",
                "0f 23 c0"
            })
    void nearBranchesAndControlRegistersHave64BitsAlways(String hexadecimal) {
        for (String prefix : new String[] {"", "48", "66", "66 48"}) {
            Instruction instruction = decode(prefix + hexadecimal);

            assertThat(instruction.mnemonic).isNotEqualTo(Mnemonic.INVALID);
            assertThat(instruction.operandSize).isEqualTo(8);
            assertThat(instruction.length).isEqualTo(bytes(prefix + hexadecimal).length);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"6d", "6f", "e5 60", "e7 60", "ed", "ef", "d9 20", "d9 30", "dd 20", "dd 30"})
    void portsAndTheX87EnvironmentHaveNoFormOf64Bits(String hexadecimal) {
        assertThat(decode(hexadecimal).width).isEqualTo(4);
        assertThat(decode("48" + hexadecimal).width).isEqualTo(4);
        assertThat(decode("66" + hexadecimal).width).isEqualTo(2);
        assertThat(decode("66 48" + hexadecimal).width).isEqualTo(4);
    }

    @ParameterizedTest
    @CsvSource({
        "ff 28, 6", "48 ff 28, 10", "66 ff 18, 4", "0f b2 00, 6", "48 0f b5 00, 10", "0f 01 10, 10", "0f c7 08, 8",
        "48 0f c7 08, 16", "48 0f ae 00, 512", "d9 30, 28", "48 dd 30, 108", "66 d9 30, 14", "63 00, 4", "48 63 00, 4",
        "66 63 00, 2", "48 8c 00, 2", "48 0f 00 00, 2", "f3 48 0f 2a 00, 8", "66 0f 6e 00, 4", "66 48 0f 7e 00, 8"
    })
    void memoryIsAsWideAsTheFormSays(String hexadecimal, int width) {
        Instruction instruction = decode(hexadecimal);
        Operand memory = instruction.op0.isMemory() ? instruction.op0 : instruction.op1;

        assertThat(memory.isMemory()).isTrue();
        assertThat(memory.width).isEqualTo(width);
    }

    @Test
    void registersHaveTheirFourthBitInRex() {
        Instruction instruction = decode("4e 8b 0c 00");

        assertThat(instruction.op0.number).isEqualTo(9);
        assertThat(instruction.op1.base).isEqualTo(Registers.RAX);
        assertThat(instruction.op1.index).isEqualTo(8);
        assertThat(decode("49 8b c8").op1.number).isEqualTo(8);
        assertThat(decode("41 57").op0.number).isEqualTo(15);
        assertThat(decode("45 0f 28 c8").op0.number).isEqualTo(9);
        assertThat(decode("45 0f 28 c8").op1.number).isEqualTo(8);
        assertThat(decode("44 0f 20 c0").op1.number).isEqualTo(8);
        assertThat(decode("44 0f 21 f8").op1.number).isEqualTo(15);
    }

    /** Volume 2A, 2.2.1.2: REX.R and REX.B say nothing about segment, MMX and x87 registers. */
    @Test
    void otherRegistersHaveNoFourthBit() {
        assertThat(decode("45 8e c0").op0.number).isEqualTo(Cpu.ES);
        assertThat(decode("45 0f 6f c9").op0.number).isEqualTo(1);
        assertThat(decode("45 0f 6f c9").op1.number).isEqualTo(1);
        assertThat(decode("41 d8 c1").op1.number).isEqualTo(1);
    }

    @Test
    void anyRexPrefixMakesByteRegistersTheLowOnes() {
        for (int encoded = 4; encoded < 8; encoded++) {
            String modRm = String.format("%02x", 0xc0 | encoded);
            assertThat(decode("88" + modRm).op0.isHighByte()).isTrue();
            assertThat(decode("88" + modRm).op0.wholeRegister()).isEqualTo(encoded - 4);
            assertThat(decode("40 88" + modRm).op0.isHighByte()).isFalse();
            assertThat(decode("40 88" + modRm).op0.number).isEqualTo(encoded);
            assertThat(decode("41 88" + modRm).op0.number).isEqualTo(8 + encoded);
            assertThat(decode(String.format("40 b%x 00", encoded)).op0.number).isEqualTo(encoded);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "48 8b 00, 0, 16, 0, 0",
        "49 8b 04 24, 12, 16, 0, 0",
        "49 8b 44 24 80, 12, 16, 0, -128",
        "49 8b 45 00, 13, 16, 0, 0",
        "49 8b 85 00 00 00 80, 13, 16, 0, -2147483648",
        "48 8b 04 20, 0, 16, 0, 0",
        "4a 8b 04 20, 0, 12, 0, 0",
        "4b 8b 44 e5 00, 13, 12, 3, 0",
        "48 8b 04 25 00 00 00 80, 16, 16, 0, -2147483648",
        "49 8b 04 25 00 10 00 00, 16, 16, 0, 4096",
        "4b 8b 04 a5 00 10 00 00, 16, 12, 2, 4096",
        "4b 8b 04 6c, 12, 13, 1, 0",
        "67 43 8b 04 6c, 12, 13, 1, 0"
    })
    void addressesHaveTheExtendedRegisters(String hexadecimal, int base, int index, int scale, long displacement) {
        Operand memory = decode(hexadecimal).op1;

        assertThat(memory.base).as("base").isEqualTo(base);
        assertThat(memory.index).as("index").isEqualTo(index);
        assertThat(memory.scale).as("scale").isEqualTo(scale);
        assertThat(memory.value).as("displacement").isEqualTo(displacement);
        assertThat(memory.ripRelative).isFalse();
        assertThat(memory.addressMask).isEqualTo(hexadecimal.startsWith("67") ? 0xffff_ffffL : -1);
    }

    /** The stack segment is that of RSP and RBP alone: R12 and R13 share no more than their encoding. */
    @Test
    void theStackSegmentIsForRspAndRbp() {
        assertThat(decode("48 8b 04 24").op1.segment).isEqualTo(Cpu.SS);
        assertThat(decode("48 8b 45 00").op1.segment).isEqualTo(Cpu.SS);
        assertThat(decode("49 8b 04 24").op1.segment).isEqualTo(Cpu.DS);
        assertThat(decode("49 8b 45 00").op1.segment).isEqualTo(Cpu.DS);
    }

    @ParameterizedTest
    @CsvSource({
        "8b 05 00 00 00 00, 1, 6",
        "8b 05 fa ff ff ff, 1, 0",
        "41 8b 05 10 00 00 00, 1, 17",
        "c6 05 00 00 00 00 01, 0, 7",
        "66 c7 05 00 00 00 00 34 12, 0, 9",
        "48 c7 05 00 00 00 00 78 56 34 12, 0, b",
        "48 83 05 00 00 00 00 05, 0, 8",
        "48 69 05 00 00 00 00 78 56 34 12, 1, b",
        "0f a4 05 00 00 00 00 05, 0, 8",
        "66 0f 70 05 00 00 00 00 1b, 1, 9",
        "ff 15 00 00 00 80, 0, ffffffff80000006",
        "8b 05 ff ff ff 7f, 1, 80000005"
    })
    void anAddressRelativeToRipCountsFromTheEndImmediatesIncluded(String hexadecimal, int position, String distance) {
        Instruction instruction = decode(hexadecimal);
        Operand memory = position == 0 ? instruction.op0 : instruction.op1;

        assertThat(memory.ripRelative).isTrue();
        assertThat(memory.base).isEqualTo(NONE);
        assertThat(memory.index).isEqualTo(NONE);
        assertThat(memory.segment).isEqualTo(Cpu.DS);
        assertThat(memory.value).isEqualTo(RIP + Long.parseUnsignedLong(distance, 16));
    }

    @Test
    void anAddressRelativeToEipIsCutTo32Bits() {
        assertThat(decode("67 8b 05 00 00 00 00").op1.value).isEqualTo(0x8010_0007L);
        assertThat(decode(CpuMode.LONG64, 0, "67 8b 05 f0 ff ff ff").op1.value).isEqualTo(0xffff_fff7L);
        assertThat(decode(CpuMode.LONG64, 0, "8b 05 f0 ff ff ff").op1.value).isEqualTo(-10);
    }

    @Test
    void elsewhereTheSameBytesAreAnAbsoluteAddress() {
        Operand memory = decode(CpuMode.COMPATIBILITY32, 0x1000, "8b 05 00 20 00 00").op1;

        assertThat(memory.ripRelative).isFalse();
        assertThat(memory.value).isEqualTo(0x2000);
        assertThat(decode("8b c5").op1.kind).isEqualTo(Operand.Kind.REGISTER);
    }

    @Test
    void theInstructionAfterOneRelativeToRipIsNot() {
        decode("8b 05 00 00 00 00");

        assertThat(decode("a1 00 10 00 00 00 00 00 00").op1.ripRelative).isFalse();
    }

    @Test
    void anOffsetWithoutModRmHasTheAddressSize() {
        assertThat(decode("a1 88 77 66 55 44 33 22 91").op1.value).isEqualTo(0x9122_3344_5566_7788L);
        assertThat(decode("67 a1 00 00 00 80").op1.value & decode("67 a1 00 00 00 80").op1.addressMask)
                .isEqualTo(0x8000_0000L);
        assertThat(decode("48 a3 00 10 00 00 00 00 00 00").op0.width).isEqualTo(8);
    }

    @Test
    void immediatesOf32BitsAreSignExtendedTo64() {
        assertThat(decode("48 81 c0 00 00 00 80").op1.value).isEqualTo(0xffff_ffff_8000_0000L);
        assertThat(decode("48 81 c0 00 00 00 80").op1.width).isEqualTo(8);
        assertThat(decode("48 83 c0 80").op1.value).isEqualTo(-128);
        assertThat(decode("48 c7 c0 ff ff ff ff").op1.value).isEqualTo(-1);
        assertThat(decode("68 00 00 00 80").op0.value).isEqualTo(0xffff_ffff_8000_0000L);
        assertThat(decode("6a ff").op0.value).isEqualTo(-1);
        assertThat(decode("66 6a ff").op0.value).isEqualTo(0xffff);
        assertThat(decode("48 a9 00 00 00 80").op1.value).isEqualTo(0xffff_ffff_8000_0000L);
        assertThat(decode("c7 c0 00 00 00 80").op1.value).isEqualTo(0x8000_0000L);
    }

    @Test
    void onlyMovHasAnImmediateOf64Bits() {
        assertThat(decode("48 b8 88 77 66 55 44 33 22 91").op1.value).isEqualTo(0x9122_3344_5566_7788L);
        assertThat(decode("b8 00 00 00 80").op1.value).isEqualTo(0x8000_0000L);
        assertThat(decode("66 48 b8 01 00 00 00 00 00 00 00").length).isEqualTo(11);
    }

    @ParameterizedTest
    @CsvSource({
        "0, eb fe, 0",
        "0, eb 80, ffffffffffffff82",
        "ffffffff80001000, e8 fb ff ff ff, ffffffff80001000",
        "7fffffff, e9 00 00 00 00, 80000004",
        "ffffffff, 66 e9 00 00 00 00, 100000005",
        "7ffffffffff0, 0f 84 00 00 00 80, 7fff7ffffff6",
        "100000000, 67 e3 fd, 100000000"
    })
    void nearTargetsHave64Bits(String rip, String hexadecimal, String target) {
        Instruction instruction = decode(CpuMode.LONG64, Long.parseUnsignedLong(rip, 16), hexadecimal);

        assertThat(instruction.op0.kind).isEqualTo(Operand.Kind.RELATIVE);
        assertThat(Long.toHexString(instruction.op0.value)).isEqualTo(target);
    }

    /** That a prefix for FS or GS counts though one for another segment follows is what an AMD EPYC did. */
    @ParameterizedTest
    @CsvSource({"2e, 3", "26, 3", "36, 3", "3e, 3", "64, 4", "65, 5", "64 2e, 4", "2e 64, 4", "65 3e, 5", "64 65, 5"})
    void onlyFsAndGsReplaceASegment(String prefixes, int segment) {
        assertThat(decode(prefixes + "8b 00").op1.segment).isEqualTo(segment);
        assertThat(decode(prefixes + "a4").segment).isEqualTo(segment);
        assertThat(decode(prefixes + "a1 00 00 00 00 00 00 00 00").op1.segment).isEqualTo(segment);
        assertThat(decode(prefixes + "8b 05 00 00 00 00").op1.segment).isEqualTo(segment);
        assertThat(decode(prefixes + "8b 45 00").op1.segment).isEqualTo(segment == Cpu.DS ? Cpu.SS : segment);
    }

    @ParameterizedTest
    @CsvSource({
        "90, NOP",
        "48 90, NOP",
        "46 90, NOP",
        "66 90, NOP",
        "f3 90, PAUSE",
        "f3 48 90, PAUSE",
        "41 90, XCHG",
        "49 90, XCHG",
        "f3 41 90, XCHG",
        "66 41 90, XCHG",
        "41 66 90, NOP"
    })
    void onlyRexBMakes90AnExchange(String hexadecimal, Mnemonic mnemonic) {
        Instruction instruction = decode(hexadecimal);

        assertThat(instruction.mnemonic).isEqualTo(mnemonic);
        if (mnemonic == Mnemonic.XCHG) {
            assertThat(instruction.op0.number).isEqualTo(8);
            assertThat(instruction.op1.number).isEqualTo(Registers.RAX);
            assertThat(instruction.op1.width).isEqualTo(instruction.operandSize);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "06", "07", "0e", "16", "17", "1e", "1f", "27", "2f", "37", "3f", "60", "61", "62", "82", "9a", "c4",
                "c5", "ce", "d4", "d5", "d6", "ea"
            })
    void thisIsGoneFrom64BitCode(String opcode) {
        String following = "00".repeat(13);

        for (String prefix : new String[] {"", "48", "66"}) {
            Instruction instruction = decode(prefix + opcode + following);
            assertThat(instruction.mnemonic).isEqualTo(Mnemonic.INVALID);
            assertThat(instruction.op0).isNull();
            assertThat(instruction.length).isEqualTo(bytes(prefix + opcode).length);
        }
        assertThat(decode(CpuMode.COMPATIBILITY32, 0, opcode + following).mnemonic)
                .isNotEqualTo(Mnemonic.INVALID);
    }

    @ParameterizedTest
    @CsvSource({
        "0f 05, SYSCALL",
        "0f 07, SYSRET",
        "0f 01 f8, SWAPGS",
        "f3 0f ae c0, RDFSBASE",
        "f3 0f ae c8, RDGSBASE",
        "f3 0f ae d0, WRFSBASE",
        "f3 0f ae d8, WRGSBASE"
    })
    void thisIsThereIn64BitCodeOnly(String hexadecimal, Mnemonic mnemonic) {
        assertThat(decode(hexadecimal).mnemonic).isEqualTo(mnemonic);
        for (CpuMode mode : CpuMode.values()) {
            if (!mode.is64()) {
                assertThat(decode(mode, 0, hexadecimal).mnemonic).isEqualTo(Mnemonic.INVALID);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(CpuMode.class)
    void opcodesOfRexPrefixesAndArplAreOthersElsewhere(CpuMode mode) {
        boolean is64 = mode.is64();

        assertThat(decode(mode, 0, "63 c8").mnemonic).isEqualTo(is64 ? Mnemonic.MOVSXD : Mnemonic.ARPL);
        assertThat(decode(mode, 0, "40 90").mnemonic).isEqualTo(is64 ? Mnemonic.NOP : Mnemonic.INC);
        assertThat(decode(mode, 0, "4f 90").mnemonic).isEqualTo(is64 ? Mnemonic.XCHG : Mnemonic.DEC);
    }

    /** Volume 3A, 2.1: compatibility mode executes what protected mode executes. */
    @ParameterizedTest
    @ValueSource(
            strings = {"48", "63 c8", "c4 00", "a1 00 20 00 00", "8b 05 00 20 00 00", "2e 8b 00", "e9 00 00 00 00"})
    void compatibilityModeHasTheCodeOfProtectedMode(String hexadecimal) {
        for (boolean wide : new boolean[] {false, true}) {
            CpuMode mode = CpuMode.ofLongMode(false, wide);
            String code = hexadecimal + "00 00 00 00";
            Instruction instruction = decode(mode, 0x1000, code);
            Instruction expected = decode(CpuMode.of(true, wide), 0x1000, code);

            assertThat(instruction.length).isEqualTo(expected.length);
            assertThat(instruction.mnemonic).isEqualTo(expected.mnemonic);
            assertThat(Disassembler.text(instruction)).isEqualTo(Disassembler.text(expected));
        }
    }

    @Test
    void lockIsAllowedForCmpxchg16b() {
        assertThat(decode("f0 48 0f c7 08").mnemonic).isEqualTo(Mnemonic.CMPXCHG16B);
        assertThat(decode("f0 48 0f c7 08").lock).isTrue();
        assertThat(decode("f0 48 0f c7 c8").mnemonic).isEqualTo(Mnemonic.INVALID);
        assertThat(decode("f0 49 90").mnemonic).isEqualTo(Mnemonic.INVALID);
    }

    @Test
    void zerosAreZerosIn64BitCodeToo() {
        assertThat(decode("00 00").isZeros()).isTrue();
        assertThat(decode("00 01").isZeros()).isFalse();
        assertThat(decode("41 00 00").isZeros()).isFalse();
        assertThat(decode("67 00 00").isZeros()).isFalse();
    }

    @Test
    void ripWrapsAt64Bits() {
        assertThat(decode(CpuMode.LONG64, -1, "90").nextEip).isZero();
        assertThat(decode(CpuMode.LONG64, 0xffff_ffffL, "90").nextEip).isEqualTo(0x1_0000_0000L);
        assertThat(decode(CpuMode.COMPATIBILITY32, 0xffff_ffffL, "90").nextEip).isZero();
    }

    @Test
    void whatTheDecoderKnewOfTheLastInstructionIsForgotten() {
        decode("66 67 64 4f 8b 05 00 00 00 00");
        Instruction instruction = decode("88 20");

        assertThat(instruction.op1.isHighByte()).isTrue();
        assertThat(instruction.op0.base).isEqualTo(Registers.RAX);
        assertThat(instruction.operandSize).isEqualTo(4);
        assertThat(instruction.addressSize).isEqualTo(8);
        assertThat(decode(CpuMode.PROTECTED32, 0, "88 20").op1.isHighByte()).isTrue();
    }
}
