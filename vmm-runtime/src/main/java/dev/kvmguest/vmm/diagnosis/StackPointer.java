package dev.kvmguest.vmm.diagnosis;

import static dev.kvmguest.vmm.Notation.hex;

import dev.kvmguest.vmm.MemoryLayout.Range;
import dev.kvmguest.vmm.Register;
import java.util.Optional;
import java.util.OptionalLong;

/** Stacks that were never set up, have run over, or are where nothing is. */
final class StackPointer {

    private static final int PAGE_FAULT = 14;
    /** More than any instruction or frame pushes at once. */
    private static final int PUSHED = 64;
    /** How far from its stack ESP may be and still be taken for having left it. */
    private static final long NEAR = 0x1_0000;

    private StackPointer() {}

    /** ESP is still what it was at entry, but for a few pushes. */
    static Optional<String> neverSet(Evidence evidence) {
        long esp = evidence.stackPointer();
        int below = (int) -esp;
        boolean nearZero = below >= 0 && below < NEAR;
        boolean popped = evidence.at().text().matches("(iret|ret|pop|leave).*");
        if (!evidence.registers().protectedMode()
                || !nearZero
                || evidence.memory().isRam(esp - 4)
                || !(popped || unmappedPush(evidence).isPresent())) {
            return Optional.empty();
        }
        return Optional.of("ESP is " + hex(esp)
                + (below == 0 ? ", as it is at entry" : ", " + below + " bytes below 0, which it is at entry")
                + ": the guest has no stack; set ESP to the end of memory that is a stack's before the first push, call"
                + " or interrupt");
    }

    /** The stack that the image's symbols name is full. */
    static Optional<String> overflow(Evidence evidence) {
        long esp = evidence.stackPointer();
        OptionalLong physical = physicalNearby(evidence, esp);
        if (physical.isEmpty() || unmappedPush(evidence).isEmpty()) {
            return Optional.empty();
        }
        return evidence.stacks().stream()
                .filter(stack ->
                        physical.getAsLong() < stack.start() + PUSHED && physical.getAsLong() > stack.start() - NEAR)
                .findFirst()
                .map(stack -> stack + " is full: ESP is " + hex(esp) + ", " + distance(physical.getAsLong(), stack)
                        + ", and the page below is not mapped; look for endless recursion and large local variables, or make"
                        + " the stack larger");
    }

    private static String distance(long physical, Range stack) {
        long above = physical - stack.start();
        return Math.abs(above) + " bytes " + (above < 0 ? "below" : "above") + " its lower end";
    }

    /** What is pushed goes to a page that isn't there. */
    static Optional<String> unmapped(Evidence evidence) {
        OptionalLong fault = unmappedPush(evidence);
        if (fault.isEmpty()
                || neverSet(evidence).isPresent()
                || overflow(evidence).isPresent()) {
            return Optional.empty();
        }
        long esp = evidence.stackPointer();
        long address = fault.getAsLong();
        String where = "ESP is " + hex(esp) + ", and the page of " + hex(address) + " is not mapped";
        return Optional.of(
                evidence.memory().isMapped((address | LinearMemory.PAGE - 1) + 1)
                        ? where
                                + " though the one above it is: the stack has run off its page; look for endless recursion"
                                + " and large local variables, or map more pages for the stack"
                        : where + ", nor is the one above it: no stack is there; set ESP to the end of mapped memory");
    }

    /** The stack is in a table that the processor needs. */
    static Optional<String> insideTable(Evidence evidence) {
        long esp = evidence.stackPointer();
        return evidence.bootTable(esp)
                .map(table -> "ESP is " + hex(esp) + ", inside " + table
                        + ", which is overwritten by what is pushed; move the stack");
    }

    /** Returns the address at which something could not be pushed, or used beside ESP, because no page is there. */
    private static OptionalLong unmappedPush(Evidence evidence) {
        long esp = evidence.stackPointer();
        // Of the page faults in a chain CR2 has the last, which may be of a frame that could not be pushed.
        long last = evidence.registers().get(Register.CR2) & 0xffff_ffffL;
        boolean first = evidence.first().vector() == PAGE_FAULT;
        if (first && isAtStack(evidence.first().cr2().orElse(0), esp, PUSHED)) {
            last = evidence.first().cr2().orElse(0);
        } else if (!isAtStack(last, esp, 0)) {
            return OptionalLong.empty();
        }
        return evidence.memory().isMapped(last) ? OptionalLong.empty() : OptionalLong.of(last);
    }

    private static boolean isAtStack(long address, long esp, int above) {
        int offset = (int) (address - esp);
        return offset >= -PUSHED && offset < above;
    }

    private static OptionalLong physicalNearby(Evidence evidence, long esp) {
        for (long page = esp & -LinearMemory.PAGE; page < esp + NEAR; page += LinearMemory.PAGE) {
            OptionalLong physical = evidence.memory().physical(page);
            if (physical.isPresent()) {
                return OptionalLong.of(physical.getAsLong() - (page - esp));
            }
        }
        return OptionalLong.empty();
    }
}
