package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.inspection.PlacedImage;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.memory.RamMap;
import java.util.Arrays;
import java.util.Optional;

/**
 * Recognizes that ESP went below 0 where a function made room for its local variables: what it subtracted is more than
 * there was below the stack.
 *
 * <p>Silent unless ESP is above all RAM and an instruction of the image explains it.
 */
public final class StackBelowZero {

    private static final long ALL = 0x1_0000_0000L;
    /** Stacks are lowered by less than this all the time. */
    private static final long SMALLEST = 0x1000;

    /** SUB ESP and ADD ESP with 32 bits, and LEA ESP, [ESP + 32 bits]. */
    private static final byte[][] OPCODES = {
        {(byte) 0x81, (byte) 0xec}, {(byte) 0x81, (byte) 0xc4}, {(byte) 0x8d, (byte) 0xa4}
    };

    private StackBelowZero() {}

    /** An instruction of the image subtracts from ESP more than it was. */
    static Optional<String> byLocals(Evidence evidence) {
        return byLocals(evidence.registers(), evidence.image(), evidence.memory());
    }

    /**
     * Returns the same for a guest with these registers.
     *
     * @param registers where ESP is
     * @param image what the guest runs
     * @param memory its memory
     * @return a sentence without a full stop; empty if ESP isn't below 0, or nothing explains it
     */
    public static Optional<String> byLocals(CpuState registers, PlacedImage image, LinearMemory memory) {
        long esp = CpuMode.stackTop(registers);
        boolean below = registers.protectedMode()
                && esp > memory.ram().lowEnd()
                && !memory.isRam(esp - 4)
                && ALL - esp > SMALLEST;
        return below
                ? image.segments().stream()
                        .flatMap(segment -> find(image, segment, esp, memory.ram(), CpuMode.of(registers)).stream())
                        .findFirst()
                : Optional.empty();
    }

    private static Optional<String> find(PlacedImage image, Segment segment, long esp, RamMap ram, CpuMode mode) {
        byte[] code = segment.data();
        for (int i = 0; i + 6 < code.length; i++) {
            long at = image.linear(segment) + i;
            Optional<Instruction> instruction = isCandidate(code, i)
                    ? CodeReader.decode(
                            Arrays.copyOfRange(code, i, Math.min(code.length, i + CodeReader.LONGEST)), at, mode)
                    : Optional.empty();
            long bytes = instruction.map(StackBelowZero::lowersBy).orElse(0L);
            // ESP before it was somewhere in RAM, and may be a little lower now than it was after it.
            long before = esp + bytes - ALL;
            if (bytes >= SMALLEST && before > 0 && ram.contains(before)) {
                String words = CodeReader.describe(instruction.get())
                        .namedBy(image.image())
                        .inWords();
                return Optional.of("ESP is " + hex(esp) + ", below 0 and where no RAM is: " + words
                        + " makes room for " + bytes + " bytes of local variables, and took ESP there from "
                        + "about " + hex(before) + "; make large arrays static, or the stack larger");
            }
        }
        return Optional.empty();
    }

    private static boolean isCandidate(byte[] code, int i) {
        return Arrays.stream(OPCODES).anyMatch(opcode -> code[i] == opcode[0] && code[i + 1] == opcode[1]);
    }

    /** Returns how many bytes an instruction lowers ESP by; 0 if it doesn't. */
    private static long lowersBy(Instruction instruction) {
        boolean ofEsp = instruction.op0 != null
                && instruction.op0.isRegister()
                && instruction.op0.number == Registers.RSP
                && instruction.op0.width == Integer.BYTES;
        if (ofEsp && instruction.mnemonic == Mnemonic.SUB && instruction.op1.kind == Operand.Kind.IMMEDIATE) {
            return instruction.op1.value;
        }
        if (ofEsp && instruction.mnemonic == Mnemonic.ADD && instruction.op1.kind == Operand.Kind.IMMEDIATE) {
            return instruction.op1.value > Integer.MAX_VALUE ? ALL - instruction.op1.value : 0;
        }
        boolean lea = ofEsp
                && instruction.mnemonic == Mnemonic.LEA
                && instruction.op1.base == Registers.RSP
                && instruction.op1.index == Registers.NONE;
        return lea ? Math.max(0, -instruction.op1.value) : 0;
    }
}
