package dev.kvmguest.vmm.internal.emulator.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class DisassemblerTests {

    private static final int EIP = 0x1000;

    /** A line of disassembly.txt. */
    record Case(CpuMode mode, byte[] bytes, String text) {

        static Case of(String line) {
            String[] columns = line.split(" \\| ");
            return new Case(
                    columns[0].equals("64") ? CpuMode.LONG64 : CpuMode.of(true, columns[0].equals("32")),
                    HexFormat.ofDelimiter(" ").parseHex(columns[1]),
                    columns[2]);
        }

        Instruction instruction() {
            return instruction(bytes);
        }

        /** Returns what other bytes are in the same place. */
        Instruction instruction(byte[] other) {
            return new Decoder(new OperationTable()).decode(index -> other[index] & 0xff, EIP, mode);
        }
    }

    static List<Case> cases() throws IOException {
        try (InputStream text = DisassemblerTests.class.getResourceAsStream("disassembly.txt")) {
            return new String(text.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .map(Case::of)
                    .toList();
        }
    }

    @TestFactory
    Stream<DynamicTest> bytesHaveThisText() throws IOException {
        return cases().stream()
                .map(line -> dynamicTest(8 * line.mode.addressSize() + " bits: " + line.text, () -> {
                    Instruction instruction = line.instruction();

                    assertThat(Disassembler.text(instruction)).isEqualTo(line.text);
                    assertThat(instruction.length).isEqualTo(line.bytes.length);
                }));
    }

    @Test
    void everyMnemonicIsInTheTable() throws IOException {
        Set<Mnemonic> inTable = cases().stream()
                .map(line -> line.instruction().mnemonic)
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(Mnemonic.class)));

        // What there is with operands of 64 bits only.
        inTable.addAll(EnumSet.of(Mnemonic.PEXTRQ, Mnemonic.PINSRQ));
        assertThat(EnumSet.complementOf(EnumSet.copyOf(inTable))).isEmpty();
    }
}
