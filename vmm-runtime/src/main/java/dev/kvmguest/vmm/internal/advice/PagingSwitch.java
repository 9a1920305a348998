package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Recognizes code that is not mapped, or mapped elsewhere, once it has switched paging on or off or changed the page
 * directory (Intel SDM volume 3A, 9.8.3 and 9.9.1).
 *
 * <p>Silent if the last instruction that did so was followed by a jump.
 */
final class PagingSwitch {

    private static final int LONGEST_INSTRUCTION = 15;
    /** The numbers of the control registers that say how, and by which tables, addresses are translated. */
    private static final Set<Integer> SWITCHES = Set.of(0, 3, 4);

    /**
     * PWT and PCD, the only ones of the lower 12 bits of CR3 that mean something (Intel SDM volume 3A, 4.3, table 4-3).
     */
    private static final int CACHING = 0x18;

    private static final int OFFSET = LinearMemory.PAGE - 1;
    private static final long LOW_32 = 0xffff_ffffL;

    private PagingSwitch() {}

    /** The code that switches is not in the page tables that it switches to. */
    static Optional<String> codeUnmapped(Evidence evidence) {
        List<Executed> path = evidence.path();
        int change = lastChange(path, PagingSwitch::isSwitch);
        if (change < 0 || !isPaging(evidence)) {
            return Optional.empty();
        }
        long next = evidence.linear(path.get(change + 1));
        String by = path.get(change).inWords() + " left the code that follows it at " + hex(next);
        if (change == path.size() - 2 && (isFetch(evidence) || isBehindRam(evidence))) {
            return Optional.of(by + " without a page: " + directory(evidence, next));
        }
        return elsewhere(evidence, next)
                .map(place -> by + " on another page, which is " + place + ": " + directory(evidence, next));
    }

    /** The stack is not in the page tables, nor is what is above it. */
    static Optional<String> stackUnmapped(Evidence evidence) {
        long top = evidence.stackPointer() - 1;
        if (!isPaging(evidence)
                || !StackPointer.isUnmappedPush(evidence)
                || evidence.memory().isMapped(top + LinearMemory.PAGE)) {
            return Optional.empty();
        }
        List<Executed> path = evidence.path();
        int change = path.size() - 1;
        while (change >= 0 && !isSwitch(path.get(change))) {
            change--;
        }
        boolean same =
                change >= 0 && path.subList(change + 1, path.size()).stream().noneMatch(PagingSwitch::setsStackPointer);
        String pointer = evidence.nameOf(Register.RSP);
        String stack = pointer + " " + hex(evidence.stackPointer()) + evidence.symbol(top);
        OptionalLong linked = taken(evidence, evidence.image().loadedAt(top));
        OptionalLong place = linked.isPresent() ? linked : taken(evidence, evidence.entryMap(top));
        if (same && place.isPresent()) {
            return Optional.of(path.get(change).inWords() + " left the stack at " + stack
                    + " without a page, which is at physical " + hex(place.getAsLong() + 1) + "; map it too, or load "
                    + pointer + " with an address that the new tables map");
        }
        return linked.isPresent()
                ? Optional.of(stack.replaceFirst(" ", " is ")
                        + ", where the linker put the stack, but it was loaded at physical "
                        + hex(linked.getAsLong() + 1)
                        + ", to which the page tables don't lead from there; map it before "
                        + pointer + " is loaded with that address")
                : Optional.empty();
    }

    private static OptionalLong taken(Evidence evidence, OptionalLong physical) {
        return physical.isPresent() && evidence.isTaken(physical.getAsLong()) ? physical : OptionalLong.empty();
    }

    private static boolean setsStackPointer(Executed instruction) {
        return instruction
                .decoded()
                .filter(decoded -> decoded.op0 != null
                        && decoded.op0.isRegister()
                        && decoded.op0.wholeRegister() == Registers.RSP
                        && !decoded.mnemonic.is(Trait.PUSH))
                .isPresent();
    }

    /** The code that switches paging off runs where its bytes are only with paging. */
    static Optional<String> codeElsewhere(Evidence evidence) {
        List<Executed> path = evidence.path();
        int change = lastChange(path, instruction -> writesControl(instruction, Set.of(0)));
        if (change < 0 || isPaging(evidence)) {
            return Optional.empty();
        }
        long next = evidence.linear(path.get(change + 1));
        OptionalLong loaded = evidence.image().loadedAt(next);
        // Without paging before, too, it would not have run there.
        if (loaded.isEmpty() || loaded.getAsLong() == next || evidence.isInImage(evidence.linear(path.get(change)))) {
            return Optional.empty();
        }
        return Optional.of(
                path.get(change).inWords() + " switched paging off, so that the code that follows it is fetched"
                        + " from physical " + hex(next) + (evidence.memory().isRam(next) ? "" : ", where no RAM is,")
                        + " and not from " + hex(loaded.getAsLong())
                        + "; jump to a page that is mapped at its physical address first, and clear CR0.PG there");
    }

    /**
     * Returns the index of the last such MOV after which execution went on to the next address; negative if there is
     * none.
     */
    private static int lastChange(List<Executed> path, Predicate<Executed> wanted) {
        int change = path.size() - 2;
        while (change >= 0 && !wanted.test(path.get(change))) {
            change--;
        }
        return change >= 0
                        && path.get(change + 1).eip()
                                == path.get(change).decoded().orElseThrow().nextEip
                ? change
                : -1;
    }

    /** Returns whether an instruction writes to what page tables are found and read by: CR0, CR3 or CR4. */
    static boolean isSwitch(Executed instruction) {
        return writesControl(instruction, SWITCHES);
    }

    /** Returns whether an instruction writes to CR0, which is how paging is switched on. */
    static boolean setsPaging(Executed instruction) {
        return writesControl(instruction, Set.of(0));
    }

    /** Returns whether an instruction writes to CR3, which says where the tables are. */
    static boolean loadsTables(Executed instruction) {
        return writesControl(instruction, Set.of(3));
    }

    private static boolean writesControl(Executed instruction, Set<Integer> registers) {
        return instruction
                .decoded()
                .filter(decoded -> decoded.mnemonic == Mnemonic.MOV_CONTROL
                        && decoded.op0.kind == Operand.Kind.CONTROL
                        && registers.contains(decoded.op0.number))
                .isPresent();
    }

    private static boolean isPaging(Evidence evidence) {
        return (evidence.registers().get(Register.CR0) & Cr0.PG) != 0;
    }

    /** Returns whether the first exception is that an instruction's own bytes are not mapped. */
    private static boolean isFetch(Evidence evidence) {
        long past = evidence.first().cr2().orElse(-1) - evidence.address();
        return Vector.PF.is(evidence.first().vector())
                && past >= 0
                && past < LONGEST_INSTRUCTION
                && !evidence.memory().isMapped(evidence.address() + past);
    }

    private static boolean isBehindRam(Evidence evidence) {
        return !evidence.memory().ram().contains(evidence.memory().directory());
    }

    /** Returns where the code is mapped now, if it was in the image before paging and isn't any more. */
    private static Optional<String> elsewhere(Evidence evidence, long address) {
        OptionalLong now = evidence.memory().physical(address);
        boolean gone = now.isPresent()
                && evidence.isInImage(evidence.memory().withoutPaging(), address)
                && !evidence.isInImage(address);
        return gone
                ? Optional.of("physical " + hex(now.getAsLong()) + " in place of " + hex(address))
                : Optional.empty();
    }

    private static String directory(Evidence evidence, long code) {
        LinearMemory memory = evidence.memory();
        boolean longMode = evidence.registers().longMode();
        String table = longMode ? "page-map level-4 table" : "page directory";
        long cr3 = evidence.registers().get(Register.CR3) & (longMode ? -1 : LOW_32);
        // 32-bit code has only the lower half of a linear address of 64 bits.
        for (long linear : longMode ? new long[] {cr3, cr3 | ~LOW_32} : new long[] {cr3}) {
            OptionalLong loaded = evidence.image().loadedAt(linear);
            if (loaded.isPresent()
                    && loaded.getAsLong() != cr3
                    && maps(evidence, code, memory.withDirectory(loaded.getAsLong()))) {
                return "CR3 is " + hex(cr3) + evidence.symbol(linear) + ", the linear address of the " + table
                        + "; it takes the physical one, " + hex(loaded.getAsLong());
            }
        }
        if (isBehindRam(evidence)) {
            return "CR3 is " + hex(cr3) + ", where no RAM is; it takes the physical address of the " + table;
        }
        if ((longMode || !memory.pae()) && (cr3 & OFFSET & ~CACHING) != 0) {
            return "CR3 is " + hex(cr3) + ", but its lower 12 bits don't count, so that the " + table + " is read from "
                    + hex(memory.directory()) + "; align it to 4096 bytes";
        }
        if (longMode) {
            return PageLevels.mistake(evidence, code);
        }
        Optional<String> reserved = memory.reserved(code);
        if (reserved.isPresent()) {
            return reserved.get() + "; clear them";
        }
        if (maps(evidence, code, memory.withLargePages())) {
            return "its page-directory entry is one of a 4 MiB page (bit 7), and CR4.PSE is clear, so that it is taken for a"
                    + " page table; set CR4.PSE before CR0.PG";
        }
        if (maps(evidence, code, memory.withPaeChanged())) {
            return "CR4.PAE is " + (memory.pae() ? "set" : "clear") + ", and the page tables at "
                    + hex(memory.directory()) + " are those for the opposite; " + (memory.pae() ? "clear" : "set")
                    + " CR4.PAE before CR0.PG";
        }
        return memory.directoryIsVoid()
                ? "CR3 is " + hex(cr3) + ", and no entry of a page directory there is present; fill it, at its physical"
                        + " address, before CR3 is set"
                : "the page tables at " + hex(memory.directory())
                        + " don't map it; map the code that sets CR0.PG or CR3 at the address at which it runs, too";
    }

    private static boolean maps(Evidence evidence, long code, LinearMemory seen) {
        return evidence.isInImage(seen, code);
    }
}
