package dev.kvmguest.vmm.internal.inspection;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Inspection.PageWalk;
import dev.kvmguest.vmm.internal.inspection.PageTables.Entry;
import dev.kvmguest.vmm.internal.inspection.PageTables.Walk;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.PageEntry;
import dev.kvmguest.vmm.internal.x86.PageFaultCode;
import dev.kvmguest.vmm.internal.x86.Vector;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/** Walks through the page tables in words (Intel SDM volume 3A, 4.3 to 4.7). */
final class PageWalks {

    private static final long LOW_32 = 0xffff_ffffL;

    private PageWalks() {}

    /**
     * Returns the walk for the address of the first page fault in a chain, or for the next instruction if there is
     * none; empty where paging is off.
     */
    static Optional<PageWalk> of(CpuState registers, GuestMemory memory, List<Fault.Event> chain) {
        if ((registers.get(Register.CR0) & Cr0.PG) == 0) {
            return Optional.empty();
        }
        Optional<Fault.Event> fault = chain.stream()
                .filter(event -> event.vector() == Vector.PF.number() && !event.interrupt())
                .filter(event -> event.cr2().isPresent())
                .findFirst();
        long linear = fault.map(event -> event.cr2().getAsLong()).orElseGet(registers::instructionAddress)
                & (registers.longMode() ? -1 : LOW_32);
        OptionalInt code = fault.map(Fault.Event::errorCode).orElse(OptionalInt.empty());
        Walk walk = new PageTables(memory, registers).walk(linear);
        return Optional.of(new PageWalk(
                linear,
                walk.entries().stream()
                        .map(entry -> new PageWalk.Level(entry.name(), entry.address(), entry.value(), meaning(entry)))
                        .toList(),
                result(walk, memory, (registers.get(Register.CR0) & Cr0.WP) != 0)
                        + (code.isPresent() ? comparison(walk, code.getAsInt()) : "")));
    }

    private static String meaning(Entry entry) {
        if (!entry.isInRam()) {
            return "beyond RAM, where all ones are read";
        }
        if (!entry.isPresent()) {
            return entry.value() == 0 ? "not present, empty" : "not present";
        }
        return target(entry) + " at " + hex(entry.frame()) + ", present"
                + (entry.hasRights() ? ", " + rights(List.of(entry)) : "")
                + (entry.has(PageEntry.ACCESSED) && entry.hasRights() ? ", accessed" : "")
                + (entry.has(PageEntry.DIRTY) && entry.pageSize() > 0 ? ", dirty" : "")
                + (entry.reserved() == 0 ? "" : ", reserved bits " + hex(entry.reserved()));
    }

    private static String target(Entry entry) {
        if (entry.pageSize() == 0) {
            return switch (entry.level()) {
                case MAP -> "table of page directories";
                case POINTER -> "page directory";
                default -> "page table";
            };
        }
        return switch (entry.level()) {
            case TABLE -> "page";
            case POINTER -> (entry.pageSize() >> 30) + " GiB page";
            default -> (entry.pageSize() >> 20) + " MiB page";
        };
    }

    /** Returns what all entries together allow; those of PAE's table of directories have no say in it. */
    private static String rights(List<Entry> entries) {
        return (all(entries, PageEntry.WRITABLE) ? "writable" : "read-only")
                + (all(entries, PageEntry.USER) ? ", user" : ", supervisor")
                + (entries.stream().anyMatch(PageWalks::forbidsExecution) ? ", no execution" : "");
    }

    private static boolean all(List<Entry> entries, long right) {
        return entries.stream().filter(Entry::hasRights).allMatch(entry -> entry.has(right));
    }

    private static boolean forbidsExecution(Entry entry) {
        return entry.hasRights() && entry.has(PageEntry.NO_EXECUTE) && (entry.reserved() & PageEntry.NO_EXECUTE) == 0;
    }

    private static String result(Walk walk, GuestMemory memory, boolean writeProtect) {
        Entry last = walk.last();
        Optional<Entry> beyond =
                walk.entries().stream().filter(entry -> !entry.isInRam()).findFirst();
        if (beyond.isPresent()) {
            return "not mapped, since " + beyond.get().name() + " would be at "
                    + hex(beyond.get().address()) + ", beyond RAM";
        }
        // Where they are set, a processor goes no further.
        Optional<Entry> reserved = walk.reserved();
        if (reserved.isPresent()) {
            return "not usable, since " + reserved.get().name() + " has reserved bits "
                    + hex(reserved.get().reserved());
        }
        if (!last.isPresent()) {
            return "not mapped, since " + last.name() + " is not present";
        }
        long physical = walk.physical().orElseThrow();
        boolean readOnly = !all(walk.entries(), PageEntry.WRITABLE);
        return "physical " + hex(physical) + (memory.map().contains(physical) ? "" : ", beyond RAM") + ", "
                + rights(walk.entries())
                + (readOnly && !writeProtect ? ", though CR0.WP is clear and ring 0 may write" : "");
    }

    /** Returns how the tables differ from what a page fault found, or which right was missing, as a clause. */
    private static String comparison(Walk walk, int code) {
        boolean inRam = walk.entries().stream().allMatch(Entry::isInRam);
        boolean mapped = inRam && (walk.reserved().isPresent() || walk.last().isPresent());
        boolean wasPresent = (code & PageFaultCode.PRESENT) != 0;
        if (mapped != wasPresent) {
            return mapped ? "; the fault found it not present" : "; the fault found it present";
        }
        if (!mapped || walk.reserved().isPresent()) {
            return "";
        }
        String missing = List.of(
                        refused(code, PageFaultCode.USER, !all(walk.entries(), PageEntry.USER), "used in ring 3"),
                        refused(code, PageFaultCode.WRITE, !all(walk.entries(), PageEntry.WRITABLE), "written"),
                        refused(
                                code,
                                PageFaultCode.FETCH,
                                walk.entries().stream().anyMatch(PageWalks::forbidsExecution),
                                "executed"))
                .stream()
                .flatMap(Optional::stream)
                .collect(Collectors.joining(" and "));
        return missing.isEmpty() ? "" : "; it must not be " + missing;
    }

    private static Optional<String> refused(int code, int access, boolean forbidden, String words) {
        return (code & access) != 0 && forbidden ? Optional.of(words) : Optional.empty();
    }
}
