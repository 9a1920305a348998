package dev.kvmguest.vmm.internal.emulator.isa.alu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Decoder;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The ALU against a processor, undefined flags and divide errors included. {@code processor.txt} has a checksum of what
 * the processor made of each instruction in many states; {@code record.c} beside it has taken them, from the same states.
 */
class RealProcessorTests {

    private static final int STATES = 10_000;
    private static final int[] REGISTERS = {Registers.RAX, Registers.RCX, Registers.RDX, Registers.RBX};

    /** An instruction, and the checksum. */
    private record Form(String text, byte[] bytes, int checksum) {

        @Override
        public String toString() {
            return text;
        }
    }

    private final AluCpu alu = new AluCpu();
    private final ByteBuffer state = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);

    static List<Form> forms() {
        try (InputStream in = RealProcessorTests.class.getResourceAsStream("processor.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split(" ; "))
                    .map(parts -> new Form(
                            parts[1], HexFormat.ofDelimiter(" ").parseHex(parts[0]), HexFormat.fromHexDigits(parts[2])))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("forms")
    void leavesWhatAProcessorLeaves(Form form) {
        assertThat(checksum(form, false)).isEqualTo(form.checksum);
        assertThat(checksum(form, true)).as("quick forms").isEqualTo(form.checksum);
    }

    private int checksum(Form form, boolean quickForms) {
        Decoder decoder = new Decoder(AluCpu.operations(quickForms));
        Instruction instruction = decoder.decode(index -> form.bytes[index] & 0xff, 0, CpuMode.PROTECTED32);
        CRC32 checksum = new CRC32();
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < STATES; i++) {
            for (int register : REGISTERS) {
                long number = random.nextLong();
                alu.set(register, (int) (number >>> 32) >> (number & 31));
            }
            alu.flags((int) random.nextLong() & AluCpu.ALL);
            checksum.update(execute(instruction));
        }
        return (int) checksum.getValue();
    }

    /** Returns what is left in the registers, then the flags; just a zero after a fault. */
    private ByteBuffer execute(Instruction instruction) {
        state.clear();
        try {
            alu.execute(instruction);
        } catch (CpuFault fault) {
            return state.putInt(0).flip();
        }
        for (int register : REGISTERS) {
            state.putInt((int) alu.get(register));
        }
        return state.putInt(alu.flags()).flip();
    }
}
