package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.inspection.PageTables.Entry;
import dev.kvmguest.vmm.internal.inspection.PageTables.Walk;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.PageEntry;
import dev.kvmguest.vmm.internal.x86.PageFaultCode;
import dev.kvmguest.vmm.internal.x86.Vector;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Recognizes a page that is there and was used in a way that its entries don't allow, by the entry that forbids it
 * (Intel SDM volume 3A, 4.6 and 4.7): written, executed, used in ring 3, or used in ring 0 in spite of SMEP or SMAP; or
 * found by an entry with bits that must be 0.
 *
 * <p>Silent if the tables, as the end left them, allow what the fault forbade.
 */
final class PageRights {

    private PageRights() {}

    /** An entry forbids what was tried. */
    static Optional<String> refused(Evidence evidence) {
        int code = evidence.first().errorCode().orElse(0);
        boolean refused = Vector.PF.is(evidence.first().vector())
                && !evidence.first().interrupt()
                && (code & PageFaultCode.PRESENT) != 0
                && evidence.first().cr2().isPresent();
        return refused && NullPointer.used(evidence).isEmpty()
                ? evidence.memory()
                        .walk(evidence.first().cr2().getAsLong())
                        .filter(walk -> walk.entries().stream().allMatch(entry -> entry.isInRam() && entry.isPresent()))
                        .flatMap(walk -> refused(evidence, walk, code))
                : Optional.empty();
    }

    private static Optional<String> refused(Evidence evidence, Walk walk, int code) {
        if ((code & PageFaultCode.RESERVED) != 0) {
            return walk.reserved()
                    // Where execution went is told with what led there.
                    .filter(entry -> isUnusedNx(evidence, entry) || !isFetch(evidence, walk))
                    .map(entry -> reserved(evidence, walk, entry));
        }
        boolean user = (code & PageFaultCode.USER) != 0;
        if (user && forbids(walk, PageEntry.USER).isPresent()) {
            return forbids(walk, PageEntry.USER).map(entry -> ofRing0(evidence, walk, entry, code));
        }
        if ((code & PageFaultCode.WRITE) != 0
                && forbids(walk, PageEntry.WRITABLE).isPresent()) {
            return forbids(walk, PageEntry.WRITABLE).map(entry -> readOnly(evidence, walk, entry, user));
        }
        if ((code & PageFaultCode.FETCH) != 0) {
            return first(walk, entry -> entry.has(PageEntry.NO_EXECUTE))
                    .map(entry -> notExecutable(evidence, walk, entry))
                    .or(() -> ofPrograms(evidence, walk, user, Cr4.SMEP));
        }
        return ofPrograms(evidence, walk, user, Cr4.SMAP);
    }

    /** Returns the first entry in which a right is missing. */
    private static Optional<Entry> forbids(Walk walk, long right) {
        return first(walk, entry -> !entry.has(right));
    }

    private static Optional<Entry> first(Walk walk, Predicate<Entry> wanted) {
        return walk.entries().stream().filter(Entry::hasRights).filter(wanted).findFirst();
    }

    private static String reserved(Evidence evidence, Walk walk, Entry entry) {
        return uses(evidence, walk) + " by way of " + name(entry) + ", in which "
                + (isUnusedNx(evidence, entry)
                        ? "bit 63, NX, is set, and EFER.NXE is clear, so that it must be 0" + writer(evidence, entry)
                                + "; set EFER.NXE (bit 11 of MSR 0xc0000080) before any entry with NX is used, or leave NX out"
                        : "bits " + hex(entry.reserved()) + " are set that must be 0" + writer(evidence, entry)
                                + "; clear them: look at how the entry is put together, and whether it is one at all");
    }

    /** Returns whether it is NX alone that must not be set, since EFER.NXE isn't. */
    private static boolean isUnusedNx(Evidence evidence, Entry entry) {
        return entry.reserved() == PageEntry.NO_EXECUTE && (evidence.registers().get(Register.EFER) & Efer.NXE) == 0;
    }

    private static String ofRing0(Evidence evidence, Walk walk, Entry entry, int code) {
        return uses(evidence, walk) + " in ring 3, which " + name(entry) + " forbids: its bit 2, U/S, is clear"
                + writer(evidence, entry)
                + "; set it there"
                + (walk.entries().size() > 1 ? ", and in the entries of each other level," : "")
                + " if the page is the program's, or else look at "
                + ((code & PageFaultCode.FETCH) != 0 || isFetch(evidence, walk)
                        ? "what led there"
                        : "where that address comes from");
    }

    private static String readOnly(Evidence evidence, Walk walk, Entry entry, boolean user) {
        boolean protectedWrite = !user && (evidence.registers().get(Register.CR0) & Cr0.WP) != 0;
        return evidence.at().inWords() + " writes to " + place(evidence, walk) + ", which " + name(entry)
                + " makes read-only: its bit 1, R/W, is clear"
                + (protectedWrite ? ", and CR0.WP is set, so that it counts in ring 0 too" : "")
                + writer(evidence, entry)
                + "; set the bit if the page is one to be written, or else look at where that address comes from";
    }

    private static String notExecutable(Evidence evidence, Walk walk, Entry entry) {
        return "execution went to " + place(evidence, walk)
                + evidence.before()
                        .map(before -> " after " + before.inWords() + ",")
                        .orElse(",") + " which " + name(entry)
                + " forbids to execute: its bit 63, NX, is set" + writer(evidence, entry)
                + "; clear NX where code is, or else look at what led there";
    }

    /** Ring 0 used a page of ring 3, which CR4 forbids. */
    private static Optional<String> ofPrograms(Evidence evidence, Walk walk, boolean user, long bit) {
        boolean all = walk.entries().stream().filter(Entry::hasRights).allMatch(entry -> entry.has(PageEntry.USER));
        boolean on = (evidence.registers().get(Register.CR4) & bit) != 0;
        boolean allowed = bit == Cr4.SMAP && (evidence.registers().get(Register.RFLAGS) & Flag.AC) != 0;
        if (user || !all || !on || allowed) {
            return Optional.empty();
        }
        String page = place(evidence, walk) + ", a page of ring 3 (U/S is set in all its entries)";
        return Optional.of(
                bit == Cr4.SMEP
                        ? "ring 0 went on at " + page
                                + evidence.before()
                                        .map(before -> ", after " + before.inWords())
                                        .orElse("")
                                + ", which CR4.SMEP forbids; map the kernel's code without U/S, or look at what led there"
                        : evidence.at().inWords() + " uses, in ring 0, " + page
                                + ", which CR4.SMAP forbids while RFLAGS.AC is clear; execute STAC before and CLAC"
                                + " after such an access if it is meant, or map the page without U/S");
    }

    private static String uses(Evidence evidence, Walk walk) {
        return isFetch(evidence, walk)
                ? "execution went to " + place(evidence, walk)
                        + evidence.before()
                                .map(before -> " after " + before.inWords())
                                .orElse("")
                : evidence.at().inWords() + " uses " + place(evidence, walk);
    }

    /** Returns whether it was the instruction itself that could not be fetched. */
    private static boolean isFetch(Evidence evidence, Walk walk) {
        return !evidence.at().isFetched() || walk.linear() == evidence.address();
    }

    private static String place(Evidence evidence, Walk walk) {
        return hex(walk.linear()) + evidence.symbol(walk.linear());
    }

    private static String name(Entry entry) {
        return entry.name() + " at " + hex(entry.address());
    }

    /** Returns who wrote an entry, if it was the guest. */
    private static String writer(Evidence evidence, Entry entry) {
        return evidence.changes()
                .in(new Range(Kind.PAGE_TABLES, name(entry), entry.address(), entry.address() + Long.BYTES))
                .map(change -> ", as " + OverwriteReport.name(evidence, change) + ", left it")
                .orElse("");
    }
}
