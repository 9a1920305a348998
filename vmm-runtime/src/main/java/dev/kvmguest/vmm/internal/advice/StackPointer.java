package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.boot.limine.LimineHandover;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.Vector;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes a stack that was never set up, has run over, or is where there is no memory or a table.
 *
 * <p>Silent if ESP is far from every stack that is known, or the page that was missing is not next to it.
 */
final class StackPointer {

    /** More than any instruction or frame pushes at once. */
    private static final int PUSHED = 64;
    /** How far from its stack ESP may be and still be taken for having left it. */
    static final long NEAR = 0x1_0000;

    private StackPointer() {}

    /** ESP is still what it was at entry, but for a few pushes. */
    static Optional<String> neverSet(Evidence evidence) {
        long esp = evidence.stackPointer();
        long below = evidence.distance(0, esp);
        boolean nearZero = below >= 0 && below < NEAR;
        boolean popped = pops(evidence.at());
        if (!evidence.mode().usesDescriptors()
                || !nearZero
                || evidence.memory().isRam(esp - evidence.word())
                || !(popped || unmappedPush(evidence).isPresent())) {
            return Optional.empty();
        }
        String name = evidence.nameOf(Register.RSP);
        return Optional.of(name + " is " + hex(esp)
                + (below == 0 ? ", as it is at entry" : ", " + below + " bytes below 0, which it is at entry")
                + ": the guest has no stack; set " + name
                + " to the end of memory that is a stack's before the first push,"
                + " call or interrupt");
    }

    private static boolean pops(Executed at) {
        return at.is(Trait.POP) || at.is(Trait.RETURN) || at.is(Trait.INTERRUPT_RETURN) || at.is(Mnemonic.LEAVE);
    }

    /** What was pushed is gone, since no RAM is there, and a return address was read as all ones. */
    static Optional<String> lost(Evidence evidence) {
        List<Executed> path = evidence.path();
        int arrived = path.size() - 1;
        // What is read there, and at address 0 after it, may be instructions.
        long allOnes = evidence.mode().addresses().linear(-1);
        while (arrived > 0 && path.get(arrived).eip() != allOnes) {
            arrived--;
        }
        OptionalLong moved = arrived > 0 ? moved(path.subList(arrived, path.size() - 1)) : OptionalLong.empty();
        return moved.isEmpty()
                ? Optional.empty()
                : lost(evidence, path.get(arrived - 1), evidence.stackPointer() - moved.getAsLong());
    }

    /** Returns what instructions have added to ESP; empty if their bytes don't tell. */
    private static OptionalLong moved(List<Executed> executed) {
        long moved = 0;
        for (Executed instruction : executed) {
            OptionalLong change =
                    instruction.decoded().map(Effects::stackChange).orElse(OptionalLong.empty());
            if (change.isEmpty()) {
                return change;
            }
            moved += change.getAsLong();
        }
        return OptionalLong.of(moved);
    }

    private static Optional<String> lost(Evidence evidence, Executed ret, long esp) {
        long place = evidence.mode().addresses().linear(esp - evidence.word());
        if (!evidence.mode().usesDescriptors()
                || !(ret.is(Trait.RETURN) || ret.is(Trait.INTERRUPT_RETURN))
                || StackBelowZero.byLocals(evidence).isPresent()
                || !evidence.memory().isMapped(place)
                || evidence.memory().isRam(place)) {
            return Optional.empty();
        }
        String name = evidence.nameOf(Register.RSP);
        boolean nearZero = Math.abs(evidence.distance(place, 0)) < NEAR;
        return Optional.of(ret.inWords() + " took a return address from "
                + hex(place) + ", where no RAM is"
                + (nearZero ? ": " + name + " was not set, and is 0 at entry" : "")
                + "; set " + name + " to the end of memory that is a stack's before the first push, call or interrupt");
    }

    /** The stack that the image's symbols name is full. */
    static Optional<String> overflow(Evidence evidence) {
        long esp = evidence.stackPointer();
        OptionalLong physical = physicalNearby(evidence, esp);
        Optional<Range> stack = physical.isEmpty()
                ? Optional.empty()
                : evidence.stacks().stream()
                        .filter(range -> physical.getAsLong() < range.start() + PUSHED
                                && physical.getAsLong() > range.start() - NEAR)
                        .findFirst();
        if (stack.isEmpty()) {
            return Optional.empty();
        }
        String where =
                evidence.nameOf(Register.RSP) + " is " + hex(esp) + ", " + distance(physical.getAsLong(), stack.get());
        if (neverSet(evidence).isPresent()) {
            return Optional.empty();
        }
        if (unmappedPush(evidence).isPresent()
                && (physical.getAsLong() >= stack.get().start() || isFrameIn(evidence, stack.get()))) {
            return Optional.of(stack.get() + " is full: " + where + ", and the page below is not mapped; "
                    + tooMuch(evidence) + ", or make the stack larger");
        }
        // Stacks without a symbol may lie there too, but on none of those that are in use is a function so often.
        return Recursion.onStack(evidence)
                .filter(depth -> physical.getAsLong() < stack.get().start())
                .map(depth -> stack.get() + " has run over: " + where + ", and " + depth
                        + "; end the recursion, or make the stack larger");
    }

    /**
     * Returns whether EBP still points into a stack, as a function's that has just made room for its variables does.
     */
    private static boolean isFrameIn(Evidence evidence, Range stack) {
        OptionalLong frame = evidence.memory().physical(evidence.registers().get(Register.RBP));
        return frame.isPresent() && frame.getAsLong() >= stack.start() && frame.getAsLong() < stack.end();
    }

    /** Returns what fills a stack. */
    private static String tooMuch(Evidence evidence) {
        return Recursion.onStack(evidence)
                .map(depth -> depth + ": end the recursion")
                .orElse("look for endless recursion and large local variables");
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
                || PagingSwitch.stackUnmapped(evidence).isPresent()
                || overflow(evidence).isPresent()) {
            return Optional.empty();
        }
        long esp = evidence.stackPointer();
        long address = fault.getAsLong();
        String name = evidence.nameOf(Register.RSP);
        String where = name + " is " + hex(esp) + ", and the page of " + hex(address) + " is not mapped";
        return Optional.of(
                evidence.memory().isMapped((address | LinearMemory.PAGE - 1) + 1)
                        ? where + " though the one above it is: the stack has run off its page; " + tooMuch(evidence)
                                + ", or map more pages for the stack"
                        : where + ", nor is the one above it: no stack is there; set " + name
                                + " to the end of mapped memory");
    }

    /** The stack is in a table that the processor needs. */
    static Optional<String> insideTable(Evidence evidence) {
        long esp = evidence.stackPointer();
        // A stack that ends where a table begins is not in it.
        return evidence.bootTable(esp)
                .filter(table -> evidence.bootTable(esp - 1).isPresent()
                        && GateTarget.any(evidence).isEmpty())
                .map(Range::toString)
                .or(() -> tableOfGuest(evidence, esp))
                .map(table -> evidence.nameOf(Register.RSP) + " is " + hex(esp) + ", inside " + table
                        + ", which is overwritten by what is pushed; "
                        + Recursion.onStack(evidence)
                                .map(depth -> depth + ": end the recursion, or move the stack")
                                .or(() -> ofLoader(evidence, esp))
                                .orElse("move the stack"));
    }

    /** Returns what to do about a stack pointer that is not far below the stack that a boot loader gave. */
    private static Optional<String> ofLoader(Evidence evidence, long esp) {
        return evidence.memory().physical(esp).stream()
                .boxed()
                .flatMap(physical -> evidence.stacks().stream()
                        .filter(stack -> stack.name().equals(LimineHandover.STACK)
                                && physical < stack.start()
                                && physical >= stack.start() - NEAR))
                .findFirst()
                .map(stack -> stack + " is full: ask for a larger one by a stack size request");
    }

    /** Returns whether the stack is in the IDT, whose gates are then none of the guest's making. */
    static boolean isInsideIdt(Evidence evidence) {
        return evidence.registers().protectedMode()
                && contains(evidence.registers().idt(), evidence.stackPointer())
                && insideTable(evidence).isPresent();
    }

    private static Optional<String> tableOfGuest(Evidence evidence, long esp) {
        if (!evidence.registers().protectedMode()) {
            return Optional.empty();
        }
        return contains(evidence.registers().gdt(), esp)
                ? Optional.of(name("GDT", evidence.registers().gdt()))
                : contains(evidence.registers().idt(), esp)
                        ? Optional.of(name("IDT", evidence.registers().idt()))
                        : Optional.empty();
    }

    /** Returns whether an address is in a table that a guest has loaded; base 0 is where none is yet. */
    private static boolean contains(DescriptorTable table, long address) {
        long above = address - table.base();
        return table.base() != 0 && above > 0 && above <= table.limit();
    }

    private static String name(String table, DescriptorTable place) {
        return "the " + table + " at " + hex(place.base()) + "-" + hex(place.base() + place.limit());
    }

    /** Returns whether something could not be pushed, or used beside the stack pointer, because no page is there. */
    static boolean isUnmappedPush(Evidence evidence) {
        return unmappedPush(evidence).isPresent();
    }

    /** Returns the address at which something could not be pushed, or used beside ESP, because no page is there. */
    private static OptionalLong unmappedPush(Evidence evidence) {
        // Of the page faults in a chain CR2 has the last, which may be of a frame that could not be pushed.
        long last = evidence.mode().addresses().linear(evidence.registers().get(Register.CR2));
        OptionalLong first =
                Vector.PF.is(evidence.first().vector()) ? evidence.first().cr2() : OptionalLong.empty();
        boolean used = usesStack(evidence, evidence.at());
        if (used && first.isPresent() && isAtStack(evidence, first.getAsLong(), PUSHED)) {
            last = first.getAsLong();
        } else if (!isAtStack(evidence, last, 0) || !used && first.equals(OptionalLong.of(last))) {
            return OptionalLong.empty();
        }
        boolean isThere = evidence.memory().isMapped(last)
                || evidence.memory().reserved(last).isPresent();
        return isThere ? OptionalLong.empty() : OptionalLong.of(last);
    }

    /** Returns whether an instruction uses the stack by what it is, or by ESP or EBP. */
    private static boolean usesStack(Evidence evidence, Executed at) {
        return at.is(Trait.PUSH)
                || at.is(Trait.CALL)
                || at.is(Trait.INTERRUPT)
                || at.is(Mnemonic.ENTER)
                || pops(at)
                || at.decoded().stream()
                        .flatMap(instruction -> MemoryUse.of(instruction, evidence.registers()).stream())
                        .anyMatch(MemoryUse::isByStackRegister);
    }

    private static boolean isAtStack(Evidence evidence, long address, int above) {
        long offset = evidence.distance(address, evidence.stackPointer());
        return offset >= -PUSHED && offset < above;
    }

    private static OptionalLong physicalNearby(Evidence evidence, long esp) {
        long first = esp & -LinearMemory.PAGE;
        for (long above = 0; first - esp + above < NEAR; above += LinearMemory.PAGE) {
            OptionalLong physical = evidence.memory().physical(first + above);
            if (physical.isPresent()) {
                return OptionalLong.of(physical.getAsLong() - (first + above - esp));
            }
        }
        return OptionalLong.empty();
    }
}
