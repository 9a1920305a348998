package dev.kvmguest.vmm.internal.emulator.isa.alu;

import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.AL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.ALL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.CL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.expect;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.instruction;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.register;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.resultFlags;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.samples;

import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import java.util.function.IntBinaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class LogicTests {

    private final AluCpu alu = new AluCpu();

    @ParameterizedTest
    @EnumSource(names = {"AND", "OR", "XOR", "TEST"})
    void allBytesAreCombinedBitByBitAndCarryOverflowAndAdjustCleared(Mnemonic mnemonic) {
        Instruction instruction = instruction(mnemonic, 1, register(1, AL), register(1, CL));
        for (int a = 0; a < 256; a++) {
            for (int b = 0; b < 256; b++) {
                check(instruction, a, b);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"AND,2", "AND,4", "OR,2", "OR,4", "XOR,2", "XOR,4", "TEST,2", "TEST,4"})
    void wideOperandsAreCombinedBitByBit(Mnemonic mnemonic, int width) {
        Instruction instruction = instruction(mnemonic, width, register(width, AL), register(width, CL));
        for (long a : samples(width, 150)) {
            for (long b : samples(width, 150)) {
                check(instruction, a, b);
            }
        }
    }

    private void check(Instruction instruction, long a, long b) {
        Mnemonic mnemonic = instruction.mnemonic;
        IntBinaryOperator ofBits =
                switch (mnemonic) {
                    case OR -> Math::max;
                    case XOR -> (x, y) -> x == y ? 0 : 1;
                    default -> Math::min;
                };
        long result = 0;
        for (int bit = 8 * instruction.width - 1; bit >= 0; bit--) {
            result = 2 * result + ofBits.applyAsInt((int) (a >> bit) & 1, (int) (b >> bit) & 1);
        }

        alu.set(AL, a).set(CL, b).flags(ALL).execute(instruction);

        long left = mnemonic == Mnemonic.TEST ? a : result;
        expect(mnemonic.text(), alu.get(AL), alu.flags(), left, resultFlags(result, instruction.width), a, b);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void complementChangesNoFlag(int width) {
        for (long a : samples(width, 100)) {
            for (int flags : new int[] {0, ALL}) {
                alu.set(AL, a).flags(flags).execute(Mnemonic.NOT, width, register(width, AL));
                expect("not", alu.get(AL), alu.flags(), (1L << 8 * width) - 1 - a, flags, a);
            }
        }
    }
}
