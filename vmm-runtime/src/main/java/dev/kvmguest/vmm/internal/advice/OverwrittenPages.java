package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.BootMode;
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

    private static final long LARGE_PAGE = PagingMode.BITS_32.span(PageLevel.DIRECTORY);
    /** Where the boot mode's tables map physical 0 for a second time, and 8 MiB from there on. */
    private static final long KERNEL = BootMode.PAGED.kernelBase();

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
                        .filter(before -> evidence.linear(before) / LinearMemory.PAGE == code / LinearMemory.PAGE)
                        .isPresent();
    }

    /** The boot mode's tables were sound at the start, and where they led is known. */
    private static Optional<String> ofBoot(Evidence evidence, Walk walk) {
        OptionalLong expected = evidence.bootMap(walk.linear());
        if (walk.physical().equals(expected)) {
            return Optional.empty();
        }
        Entry directory = walk.entries().get(0);
        boolean intact = directory.pageSize() == 0
                ? evidence.isBootPageTable(directory.frame())
                : directory.frame() == (expected.getAsLong() & -LARGE_PAGE);
        return overwritten(evidence, walk.linear(), intact ? walk.last() : directory, true);
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
        boolean directory = entry.level() != PageLevel.TABLE;
        Kind kind = directory ? Kind.PAGE_DIRECTORY : Kind.PAGE_TABLES;
        long start = entry.address() & -LinearMemory.PAGE;
        String name =
                entry.name() + " at " + hex(entry.address()) + ", which mapped the running code at " + hex(code) + ",";
        Range table =
                new Range(kind, directory ? "the page directory" : "a page table", start, start + LinearMemory.PAGE);
        return evidence.changes()
                .in(new Range(kind, name, entry.address(), entry.address() + Integer.BYTES))
                .filter(change ->
                        soundAtStart || wasPresent(change, entry) || OverwriteReport.isPush(evidence, change.by()))
                .map(change -> isSwept(evidence, entry, code, change)
                        ? OverwriteReport.sentence(evidence, name, table, change)
                        : name + " was changed by " + OverwriteReport.name(evidence, change)
                                + "; leave it as it is until nothing runs there any more");
    }

    /** Returns whether more than this entry was changed, which alone a guest might have meant. */
    private static boolean isSwept(Evidence evidence, Entry entry, long code, Change change) {
        return OverwriteReport.isPush(evidence, change.by())
                || OverwriteReport.isRepeated(evidence, change.by())
                || LongStream.of(0, KERNEL, KERNEL + LARGE_PAGE, code ^ LinearMemory.PAGE)
                                .filter(linear ->
                                        linear / LARGE_PAGE != code / LARGE_PAGE || entry.level() == PageLevel.TABLE)
                                .filter(linear -> isLost(evidence, linear))
                                .count()
                        > 0;
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
