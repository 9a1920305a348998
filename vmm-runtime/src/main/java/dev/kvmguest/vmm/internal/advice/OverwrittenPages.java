package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.inspection.LastChange.Change;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.inspection.PageTables.Entry;
import dev.kvmguest.vmm.internal.inspection.PageTables.Walk;
import dev.kvmguest.vmm.internal.x86.PageEntry;
import dev.kvmguest.vmm.internal.x86.PageLevel;
import dev.kvmguest.vmm.internal.x86.PagingMode;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;

/**
 * Recognizes that a page directory or page table was overwritten: code that was executed a moment ago, by what the
 * processor remembers of the tables, has no page in them any more.
 *
 * <p>Silent if the guest has just changed its tables on purpose.
 */
final class OverwrittenPages {

    private OverwrittenPages() {}

    /** The running code was mapped, and is not any more. */
    static Optional<String> ofCode(Evidence evidence) {
        long code = evidence.address();
        return evidence.memory()
                .walk(code)
                .filter(walk -> wasExecuted(evidence, code))
                .flatMap(walk -> evidence.bootMap(code).isPresent() ? ofBoot(evidence, walk) : ofGuest(evidence, walk));
    }

    /** Returns whether an instruction at an address has been fetched, or one before it in its page. */
    private static boolean wasExecuted(Evidence evidence, long code) {
        return evidence.at().isFetched()
                || evidence.before()
                        .filter(before -> (evidence.linear(before) & -LinearMemory.PAGE) == (code & -LinearMemory.PAGE))
                        .isPresent();
    }

    /** The boot mode's tables were sound at the start, and where they led is known. */
    private static Optional<String> ofBoot(Evidence evidence, Walk walk) {
        OptionalLong expected = evidence.bootMap(walk.linear());
        if (walk.physical().equals(expected)) {
            return Optional.empty();
        }
        Entry lost = walk.entries().stream()
                .filter(entry -> !isIntact(evidence, entry, expected.getAsLong()))
                .findFirst()
                .orElse(walk.last());
        return overwritten(evidence, walk.linear(), lost, true);
    }

    private static boolean isIntact(Evidence evidence, Entry entry, long expected) {
        return entry.isPresent()
                && (entry.pageSize() == 0
                        ? evidence.isBootPageTable(entry.frame())
                        : entry.frame() == (expected & -entry.pageSize()));
    }

    /**
     * Of the guest's own tables it is only known that they led somewhere, unless they have been exchanged meanwhile.
     */
    private static Optional<String> ofGuest(Evidence evidence, Walk walk) {
        boolean exchanged = evidence.path().stream()
                .anyMatch(instruction -> instruction.is(Mnemonic.INVLPG) || PagingSwitch.isSwitch(instruction));
        return exchanged || walk.last().isPresent()
                ? Optional.empty()
                : overwritten(evidence, walk.linear(), walk.last(), false);
    }

    private static Optional<String> overwritten(Evidence evidence, long code, Entry entry, boolean soundAtStart) {
        Kind kind = entry.level() == PageLevel.TABLE ? Kind.PAGE_TABLES : Kind.PAGE_DIRECTORY;
        long start = entry.address() & -LinearMemory.PAGE;
        String name =
                entry.name() + " at " + hex(entry.address()) + ", which mapped the running code at " + hex(code) + ",";
        Range table = new Range(kind, table(entry.level()), start, start + LinearMemory.PAGE);
        int bytes = evidence.memory().pae() ? Long.BYTES : Integer.BYTES;
        return evidence.changes()
                .in(new Range(kind, name, entry.address(), entry.address() + bytes))
                .filter(change ->
                        soundAtStart || wasPresent(change, entry) || OverwriteReport.isPush(evidence, change.by()))
                .map(change -> isSwept(evidence, entry, code, change)
                        ? OverwriteReport.sentence(evidence, name, table, change)
                        : name + " was changed by " + OverwriteReport.name(evidence, change)
                                + "; leave it as it is until nothing runs there any more");
    }

    private static String table(PageLevel level) {
        return switch (level) {
            case MAP -> "the page-map level-4 table";
            case POINTER -> "a table of page directories";
            case DIRECTORY -> "the page directory";
            case TABLE -> "a page table";
        };
    }

    /** Returns whether more than this entry was changed, which alone a guest might have meant. */
    private static boolean isSwept(Evidence evidence, Entry entry, long code, Change change) {
        return OverwriteReport.isPush(evidence, change.by())
                || OverwriteReport.isRepeated(evidence, change.by())
                || others(evidence, code)
                        .filter(linear ->
                                ((linear ^ code) & -largePage(evidence)) != 0 || entry.level() == PageLevel.TABLE)
                        .anyMatch(linear -> isLost(evidence, linear));
    }

    /**
     * Returns what the boot mode's tables map by other entries: 0, physical 0 for a second time and a large page above
     * it, and the next small page.
     */
    private static LongStream others(Evidence evidence, long code) {
        long kernel = evidence.bootMode().kernelBase();
        return LongStream.of(0, kernel, kernel + largePage(evidence), code ^ LinearMemory.PAGE);
    }

    private static long largePage(Evidence evidence) {
        return (evidence.registers().longMode() ? PagingMode.LEVELS_4 : PagingMode.BITS_32).span(PageLevel.DIRECTORY);
    }

    private static boolean isLost(Evidence evidence, long linear) {
        OptionalLong expected = evidence.bootMap(linear);
        return expected.isPresent() && !evidence.memory().physical(linear).equals(expected);
    }

    private static boolean wasPresent(Change change, Entry entry) {
        return change.address() == entry.address()
                && change.before().length > 0
                && (change.before()[0] & PageEntry.PRESENT) != 0;
    }
}
