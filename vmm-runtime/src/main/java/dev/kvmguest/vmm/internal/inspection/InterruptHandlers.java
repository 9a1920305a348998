package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The handlers that the IDT of 32-bit or 64-bit code leads to, and what they have interrupted: the processor has pushed
 * its EFLAGS, CS and EIP and, with some exceptions, an error code (Intel SDM volume 3A, 6.12.1, 6.13 and 6.14.2).
 */
final class InterruptHandlers {

    /**
     * Code that was interrupted.
     *
     * @param eip the instruction to which the handler returns
     * @param esp ESP at that moment
     * @param ebp EBP at that moment; 0 if it isn't known
     * @param certain whether all handlers that come to where one is now would have been entered with the same stack
     */
    record Interrupted(long eip, long esp, long ebp, boolean certain) {}

    private final Code code;
    private final StackWords stack;
    /** Whether there is an error code, by the address of the handler. */
    private final Map<Long, Boolean> handlers;

    private InterruptHandlers(Code code, StackWords stack, Map<Long, Boolean> handlers) {
        this.code = code;
        this.stack = stack;
        this.handlers = handlers;
    }

    /** Returns the handlers in the code segment; none in real mode and in 16-bit code. */
    static InterruptHandlers of(CpuState registers, LinearMemory memory, Code code, StackWords stack) {
        Map<Long, Boolean> handlers = new HashMap<>();
        int selector = registers.segment(SegmentRegister.CS).selector();
        boolean looked = code.mode() == CpuMode.PROTECTED32 || code.mode().is64();
        for (int vector = 0; looked && vector < InterruptTable.VECTORS; vector++) {
            Optional<InterruptGate> gate = InterruptGate.of(registers, memory, vector)
                    .filter(InterruptGate::entersWide)
                    .filter(found -> Selector.withRpl(found.selector(), 0) == Selector.withRpl(selector, 0))
                    .filter(found -> code.holds(found.offset()));
            boolean hasErrorCode = Vector.hasErrorCode(vector);
            gate.ifPresent(found -> handlers.put(found.offset(), hasErrorCode));
        }
        return new InterruptHandlers(code, stack, handlers);
    }

    /**
     * Returns what was interrupted by the handler that is about to execute an instruction; empty if none comes there.
     */
    Optional<Interrupted> interruptedBy(long eip, long esp, long ebp) {
        Map<Long, Interrupted> found = new HashMap<>();
        handlers.forEach((handler, withErrorCode) -> StackUse.onTheWay(code, handler, eip)
                .ifPresent(use -> {
                    OptionalLong place = use.place(esp, ebp);
                    if (place.isPresent()) {
                        long frame = place.getAsLong() + (withErrorCode ? stack.width() : 0);
                        long ebpBefore = use.callersEbp(place.getAsLong(), ebp, stack);
                        interrupted(frame, ebpBefore).ifPresent(code -> found.put(frame, code));
                    }
                }));
        List<Interrupted> all = new ArrayList<>(found.values());
        return all.stream().findFirst().map(one -> new Interrupted(one.eip(), one.esp(), one.ebp(), all.size() == 1));
    }

    private Optional<Interrupted> interrupted(long frame, long ebp) {
        long eip = stack.at(frame).orElse(0L);
        long selector = stack.at(frame + stack.width()).orElse(0L) & 0xffff;
        long flags = stack.at(frame + 2L * stack.width()).orElse(0L);
        boolean isFrame = code.holds(eip)
                && !Selector.isNull((int) selector)
                && (flags & (Flag.FIXED | Flag.CLEAR)) == Flag.FIXED;
        if (!isFrame) {
            return Optional.empty();
        }
        long end = frame + 3L * stack.width();
        boolean sameStack = Selector.rpl((int) selector) == 0 && !code.mode().is64();
        long esp = sameStack ? end : stack.at(end).orElse(0L);
        return Optional.of(new Interrupted(eip, esp, ebp, true));
    }
}
