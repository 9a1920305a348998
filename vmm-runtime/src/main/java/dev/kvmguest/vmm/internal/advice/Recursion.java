package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.internal.inspection.CallSite;
import dev.kvmguest.vmm.internal.inspection.Code;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongFunction;
import java.util.function.LongPredicate;

/**
 * Recognizes functions that call themselves without end, by the return addresses on the stack.
 *
 * <p>Silent below sixteen equal return addresses, and if no CALL is before the address.
 */
public final class Recursion {

    /** As much of the stack is looked at. */
    private static final int LONGEST = 1 << 20;
    /** So many equal return addresses are no chance, and no recursion that is meant. */
    private static final int DEEP = 16;

    private Recursion() {}

    /**
     * Returns how deep the recursion is that fills the stack, such as
     * {@code the return address 0x1010 (f+0x10) is on it 1000 times}; empty if there is none.
     */
    static Optional<String> onStack(Evidence evidence) {
        Code code = new Code(
                evidence.registers(),
                evidence.memory(),
                evidence.layout(),
                evidence.image().image());
        return most(
                evidence.registers(),
                evidence.memory(),
                address -> CallSite.before(address, code).isPresent(),
                evidence::symbol);
    }

    /** Returns the same where the stack has overwritten the code, so that no CALL is seen there any more. */
    static Optional<String> ofOverwritten(Evidence evidence) {
        return ofOverwritten(evidence.registers(), evidence.memory(), evidence::isInImage, evidence::symbol);
    }

    /**
     * Returns the same where there is no exception.
     *
     * @param registers of a guest in protected mode
     * @param memory its memory
     * @param isInImage tells which linear addresses are in the image
     * @param symbol returns the symbol of a linear address in brackets, after a space; nothing if there is none
     */
    public static Optional<String> ofOverwritten(
            CpuState registers, LinearMemory memory, LongPredicate isInImage, LongFunction<String> symbol) {
        return most(registers, memory, isInImage, symbol);
    }

    /** Returns where a stack begins to be in memory: what has run over is on the page below. */
    private static long start(long top, LinearMemory memory) {
        return memory.isMapped(top) ? top : (top | LinearMemory.PAGE - 1) + 1;
    }

    private static Optional<String> most(
            CpuState registers, LinearMemory memory, LongPredicate isReturnAddress, LongFunction<String> symbol) {
        Map<Long, Integer> counts = new HashMap<>();
        int word = Evidence.word(CpuMode.of(registers));
        long from = start(CpuMode.stackTop(registers), memory);
        int done = 0;
        while (done < LONGEST) {
            long start = from + done;
            int length = LinearMemory.PAGE - (int) (start & LinearMemory.PAGE - 1) & -word;
            Optional<byte[]> words = length == 0
                    ? Optional.empty()
                    : memory.read(CpuMode.of(registers).addresses().linear(start), length);
            if (words.isEmpty()) {
                break;
            }
            ByteBuffer buffer = ByteBuffer.wrap(words.get()).order(ByteOrder.LITTLE_ENDIAN);
            while (buffer.hasRemaining()) {
                long value = word == Long.BYTES ? buffer.getLong() : Integer.toUnsignedLong(buffer.getInt());
                counts.merge(value, 1, Integer::sum);
            }
            done += length;
        }
        return counts.entrySet().stream()
                .filter(count -> count.getValue() >= DEEP && isReturnAddress.test(count.getKey()))
                .max(Map.Entry.<Long, Integer>comparingByValue().thenComparing(Map.Entry.comparingByKey()))
                .map(count -> "the return address " + hex(count.getKey()) + symbol.apply(count.getKey()) + " is on it "
                        + count.getValue() + " times");
    }
}
