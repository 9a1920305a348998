package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Disassembler;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.Code;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Recognizes code of 16, 32 or 64 bits that was executed as of another size, because of the D and L bits of CS or
 * since long mode is not active (Intel SDM volume 3A, 3.4.5, 5.2.1 and 21.1).
 *
 * <p>Most bytes mean something either way. So the code is read both ways from where CS was loaded, the guest was
 * entered or long mode activated, up to the first jump. The rule is silent unless something in it shows which one is
 * meant.
 */
final class CodeSize {

    /** The trace has no more; with fewer it begins where the guest was entered. */
    private static final int WHOLE_TRACE = 32;

    private static final long LARGEST_16 = 0xffff;

    private static final long LOW_32 = 0xffff_ffffL;

    /**
     * First bytes of instructions that code of 32 bits has, and of 64 bits not: PUSH and POP of segments, PUSHA, POPA,
     * BOUND, far calls and jumps, LES, LDS, INTO and those for decimals (Intel SDM volume 2D, appendix A, table A-2).
     */
    private static final Set<Integer> ABSENT_IN_64_BITS = Set.of(
            0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x9a, 0xc4, 0xc5, 0xce, 0xd4,
            0xd5, 0xea);

    /** Bytes of the shortest MOV between the accumulator and memory whose address has 64 bits. */
    private static final int WIDE_ADDRESS = 9;

    private CodeSize() {}

    /** The bytes are meant for another size. */
    static Optional<String> wrong(Evidence evidence) {
        List<Executed> path = evidence.path();
        int start = start(evidence, path);
        CpuMode mode = evidence.mode();
        // There is no other size in virtual-8086 mode.
        if (start < 0 || mode == CpuMode.VIRTUAL8086 || !evidence.isInImage(evidence.linear(path.get(start)))) {
            return Optional.empty();
        }
        return others(evidence, path.subList(start, path.size())).stream()
                .map(other -> wrong(evidence, path.subList(start, path.size()), other))
                .flatMap(Optional::stream)
                .findFirst();
    }

    private static Optional<String> wrong(Evidence evidence, List<Executed> path, CpuMode other) {
        CpuMode mode = evidence.mode();
        long from = path.get(0).eip();
        List<Instruction> executed = straight(code(evidence, mode), from, path);
        Map<Long, Instruction> meant = otherwise(code(evidence, other), from, executed);
        if (!saysOtherwise(evidence, mode, other, executed, meant)
                && !(other.is64() && rexPrefixes(evidence, path).areThere())) {
            return mode.is64() ? absent(evidence, other, from) : Optional.empty();
        }
        return executed.stream()
                .filter(instruction -> meant.containsKey(instruction.eip))
                .filter(instruction -> instruction.length != meant.get(instruction.eip).length)
                .findFirst()
                .map(first ->
                        CodeSizeWords.sentence(evidence, other, from, meant.get(first.eip), Disassembler.text(first)));
    }

    /** Returns the modes whose code it may be, the likeliest first. */
    private static List<CpuMode> others(Evidence evidence, List<Executed> path) {
        CpuMode mode = evidence.mode();
        if (mode.is64()) {
            return List.of(CpuMode.COMPATIBILITY32, CpuMode.COMPATIBILITY16);
        }
        CpuMode other = mode.isLong()
                ? CpuMode.ofLongMode(false, mode.operandSize() == 2)
                : CpuMode.of(mode.usesDescriptors(), mode.operandSize() == 2);
        boolean isMarked = evidence.registers().protectedMode()
                && evidence.registers().segment(SegmentRegister.CS).longMode();
        boolean wide = isMarked
                || mode.operandSize() == 4
                || rexPrefixes(evidence, path).areThere();
        return wide ? List.of(CpuMode.LONG64, other) : List.of(other, CpuMode.LONG64);
    }

    private static RexPrefixes rexPrefixes(Evidence evidence, List<Executed> path) {
        return new RexPrefixes(
                path, code(evidence, CpuMode.LONG64), evidence.image().image());
    }

    /**
     * Returns where in the path CS was loaded, long mode activated or the guest entered; -1 if that was longer ago.
     */
    private static int start(Evidence evidence, List<Executed> path) {
        for (int i = path.size() - 1; i > 0; i--) {
            boolean activated = evidence.mode().isLong() && PagingSwitch.setsPaging(path.get(i - 1));
            if (path.get(i - 1).is(Trait.FAR) || activated) {
                return i;
            }
        }
        return path.size() < WHOLE_TRACE ? 0 : -1;
    }

    private static Code code(Evidence evidence, CpuMode mode) {
        return new Code(
                evidence.registers().linear(SegmentRegister.CS, 0),
                mode,
                evidence.memory(),
                evidence.layout(),
                evidence.image().image());
    }

    /** Returns what was executed one after the other without a jump. */
    private static List<Instruction> straight(Code code, long from, List<Executed> path) {
        List<Instruction> straight = new ArrayList<>();
        long next = from;
        for (Executed executed : path) {
            Optional<Instruction> instruction = executed.eip() == next ? code.instruction(next) : Optional.empty();
            if (instruction.isEmpty()
                    || !Arrays.equals(
                            instruction.get().bytes(), executed.shown().bytes())) {
                break;
            }
            straight.add(instruction.get());
            next = instruction.get().nextEip;
        }
        return straight;
    }

    /** Returns the same bytes read as code of the other size, by their addresses. */
    private static Map<Long, Instruction> otherwise(Code code, long from, List<Instruction> executed) {
        Map<Long, Instruction> otherwise = new HashMap<>();
        long end = executed.isEmpty() ? from : executed.get(executed.size() - 1).nextEip;
        Optional<Instruction> next = code.instruction(from);
        while (next.isPresent() && next.get().eip < end) {
            otherwise.put(next.get().eip, next.get());
            next = code.instruction(next.get().nextEip);
        }
        return otherwise;
    }

    private static boolean saysOtherwise(
            Evidence evidence, CpuMode mode, CpuMode other, List<Instruction> executed, Map<Long, Instruction> meant) {
        // Near jumps in 16-bit code go to 16-bit addresses only.
        boolean is16 = mode.operandSize() == 2;
        boolean high = is16 && !executed.isEmpty() && executed.get(0).eip > LARGEST_16;
        return high
                || is16 && hasZerosOfOperands(executed, meant)
                || mode.is64() && other.operandSize() == 4 && hasAddressOf32Bits(evidence)
                || tearsLabels(evidence.image().image(), executed, meant);
    }

    /**
     * Returns whether the instruction takes its address from eight bytes that follow it, of which the first four alone
     * are an address of the image, and the whole is no address.
     */
    private static boolean hasAddressOf32Bits(Evidence evidence) {
        return evidence.at()
                .decoded()
                .filter(at -> at.mnemonic == Mnemonic.MOV && at.length >= WIDE_ADDRESS)
                .flatMap(at ->
                        Stream.of(at.op0, at.op1).filter(Operand::isMemory).findFirst())
                .filter(memory -> memory.base == Registers.NONE && !memory.ripRelative)
                .filter(memory -> !AddressPolicy.isCanonical(memory.value)
                        && evidence.memory().physical(memory.value & LOW_32).stream()
                                .anyMatch(evidence::isTaken))
                .isPresent();
    }

    /** The instruction that 64-bit mode doesn't have is one of a function's, and execution ran on to it. */
    private static Optional<String> absent(Evidence evidence, CpuMode other, long from) {
        long place = evidence.at().eip();
        boolean ranOn = evidence.before()
                .flatMap(Executed::decoded)
                .filter(before -> before.nextEip == place || before.mnemonic.is(Trait.FAR))
                .isPresent();
        boolean refused = Vector.UD.is(evidence.first().vector())
                && evidence.at().decoded().isEmpty()
                && ranOn
                && other.operandSize() == 4
                && ABSENT_IN_64_BITS.contains(firstByte(evidence))
                && isInFunction(evidence.image().image(), place)
                && isOfTheFile(evidence);
        return refused
                ? code(evidence, other)
                        .instruction(place)
                        .map(meant -> CodeSizeWords.sentence(evidence, other, from, meant, "no instruction at all"))
                : Optional.empty();
    }

    /** Returns whether an address is one of code, by the image's symbols or lines: data may be after code, too. */
    private static boolean isInFunction(GuestImage image, long address) {
        boolean function = image.symbolAt(address)
                .filter(symbol -> symbol.size() > 0 && !symbol.object())
                .isPresent();
        return function || image.sourceAt(address).isPresent();
    }

    private static int firstByte(Evidence evidence) {
        return evidence.memory()
                .read(evidence.address(), 1)
                .map(bytes -> bytes[0] & 0xff)
                .orElse(0);
    }

    private static boolean isOfTheFile(Evidence evidence) {
        OptionalLong physical = evidence.memory().physical(evidence.address());
        return physical.isPresent()
                && evidence.image()
                        .original(physical.getAsLong(), 1)
                        .filter(original -> (original[0] & 0xff) == firstByte(evidence))
                        .isPresent();
    }

    /**
     * Returns whether zeros were executed that are the upper half of a number in the other reading, and the code goes
     * on.
     */
    private static boolean hasZerosOfOperands(List<Instruction> executed, Map<Long, Instruction> meant) {
        for (int i = 0; i < executed.size() - 1; i++) {
            if (executed.get(i).isZeros()
                    && !executed.get(i + 1).isZeros()
                    && !meant.containsKey(executed.get(i).eip)
                    && meant.containsKey(executed.get(i + 1).eip)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Returns whether a label lies within an instruction as executed, and all labels between instructions as read
     * otherwise.
     */
    private static boolean tearsLabels(GuestImage image, List<Instruction> executed, Map<Long, Instruction> meant) {
        boolean torn = false;
        for (Instruction instruction : executed) {
            for (long address = instruction.eip + 1; address < instruction.nextEip; address++) {
                if (isLabel(image, address)) {
                    if (!meant.containsKey(address)) {
                        return false;
                    }
                    torn = true;
                }
            }
            if (isLabel(image, instruction.eip) && !meant.containsKey(instruction.eip)) {
                return false;
            }
        }
        return torn;
    }

    /** Returns whether an instruction begins at an address, by a symbol or a line of the source. */
    private static boolean isLabel(GuestImage image, long address) {
        boolean symbol = image.symbolAt(address)
                .filter(found -> found.address() == address)
                .isPresent();
        Optional<String> line = image.sourceAt(address);
        return symbol || line.isPresent() && !line.equals(image.sourceAt(address - 1));
    }
}
