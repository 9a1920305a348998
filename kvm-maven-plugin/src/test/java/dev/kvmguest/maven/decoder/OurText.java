package dev.kvmguest.maven.decoder;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The operands that the decoder has found, in the form of {@link LlvmText#operands()}. */
final class OurText {

    private static final List<String> LOW_BYTES = List.of("al", "cl", "dl", "bl");
    private static final List<String> HIGH_BYTES = List.of("ah", "ch", "dh", "bh");
    private static final List<String> WORD_REGISTERS = List.of("ax", "cx", "dx", "bx", "sp", "bp", "si", "di");
    private static final List<String> SEGMENTS = List.of("es", "cs", "ss", "ds", "fs", "gs");

    /** The first register whose name is a number. */
    private static final int R8 = 8;

    private static final Pattern STRING = Pattern.compile("(MOVS|CMPS|LODS|SCAS|STOS|INS|OUTS)[BWDQ]");
    private static final Pattern NUMBER = Pattern.compile("-?\\d+");
    private static final String TARGET = "to ";

    private OurText() {}

    /** Returns whether these are an instruction's operands. */
    static boolean hasOperands(Instruction instruction, List<String> theirs) {
        List<String> ours = operands(instruction);
        for (int i = 0; i < theirs.size() && i < ours.size(); i++) {
            if (!isSame(instruction, ours.get(i), theirs.get(i))) {
                return false;
            }
        }
        return ours.size() == theirs.size();
    }

    private static boolean isSame(Instruction instruction, String ours, String theirs) {
        if (ours.equals(theirs) || theirs.startsWith("?") && ours.endsWith(theirs.substring(1))) {
            return true;
        }
        if (!NUMBER.matcher(theirs).matches()) {
            return false;
        }
        long number = Long.parseLong(theirs);
        if (ours.startsWith(TARGET)) {
            long mask = AddressPolicy.offsetMask(instruction.operandSize);
            return ours.equals(TARGET + (instruction.nextEip + number & mask));
        }
        // LLVM prints some numbers with a sign and some without.
        long value = Long.parseLong(ours);
        return value == number
                || value == (number & 0xff)
                || value == (number & 0xffff)
                || value == (number & 0xffff_ffffL);
    }

    /** Returns an instruction's operands as LLVM has them: those of strings are explicit there. */
    static List<String> operands(Instruction instruction) {
        String name = instruction.mnemonic.name();
        if (STRING.matcher(name).matches()) {
            return stringOperands(instruction, name.substring(0, name.length() - 1));
        }
        return Stream.of(instruction.op0, instruction.op1, instruction.op2)
                .filter(Objects::nonNull)
                .map(operand -> operand(instruction, operand))
                .toList();
    }

    private static List<String> stringOperands(Instruction instruction, String name) {
        String source = stringMemory(instruction, instruction.segment, "si");
        String destination = stringMemory(instruction, Cpu.ES, "di");
        String accumulator = register(Registers.RAX, instruction.width);
        return switch (name) {
            case "MOVS" -> List.of(destination, source);
            case "CMPS" -> List.of(source, destination);
            case "LODS" -> List.of(accumulator, source);
            case "SCAS" -> List.of(accumulator, destination);
            case "STOS" -> List.of(destination, accumulator);
            case "INS" -> List.of(destination, "dx");
            default -> List.of("dx", source);
        };
    }

    private static String stringMemory(Instruction instruction, int segment, String register) {
        String prefix =
                switch (instruction.addressSize) {
                    case 2 -> "";
                    case 4 -> "e";
                    default -> "r";
                };
        return instruction.width + " " + segment(instruction, segment) + " [" + prefix + register + "++0]";
    }

    private static String operand(Instruction instruction, Operand operand) {
        return switch (operand.kind) {
            case REGISTER -> register(operand.number, operand.width);
            case MEMORY -> memory(instruction, operand);
            case IMMEDIATE -> Long.toString(operand.value);
            case RELATIVE -> TARGET + operand.value;
            case FAR_POINTER -> operand.segment + ":" + operand.value;
            case SEGMENT -> SEGMENTS.get(operand.number);
            case CONTROL -> "cr" + operand.number;
            case DEBUG -> "dr" + operand.number;
            case MMX -> "mm" + operand.number;
            case XMM -> "xmm" + operand.number;
            case X87 -> "st" + operand.number;
        };
    }

    private static String memory(Instruction instruction, Operand operand) {
        int width = instruction.addressSize;
        String base = operand.base == Registers.NONE ? "" : register(operand.base, width);
        long displacement = operand.value;
        if (operand.ripRelative) {
            base = width == 4 ? "eip" : "rip";
            displacement -= instruction.nextEip;
        }
        String index =
                operand.index == Registers.NONE ? "" : (1 << operand.scale) + "*" + register(operand.index, width);
        return operand.width + " " + segment(instruction, operand.segment) + " [" + base + "+" + index + "+"
                + (displacement & operand.addressMask) + "]";
    }

    private static String segment(Instruction instruction, int number) {
        return LlvmText.segment(SEGMENTS.get(number), instruction.mode);
    }

    private static String register(int number, int width) {
        return switch (width) {
            case 1 -> byteRegister(number);
            case 2 -> number < R8 ? WORD_REGISTERS.get(number) : "r" + number + "w";
            case 4 -> number < R8 ? "e" + WORD_REGISTERS.get(number) : "r" + number + "d";
            default -> number < R8 ? "r" + WORD_REGISTERS.get(number) : "r" + number;
        };
    }

    private static String byteRegister(int number) {
        if ((number & Registers.HIGH_BYTE) != 0) {
            return HIGH_BYTES.get(number - Registers.HIGH_BYTE);
        }
        if (number < LOW_BYTES.size()) {
            return LOW_BYTES.get(number);
        }
        return number < R8 ? WORD_REGISTERS.get(number) + "l" : "r" + number + "b";
    }
}
