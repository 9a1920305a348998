package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.Optional;

/**
 * Tells which instruction changed a part of RAM last. The guest is run again to find it, which takes as long as its run
 * did or longer: to be asked only where something is known to have been overwritten.
 */
@FunctionalInterface
public interface LastChange {

    /** Knows nothing. */
    LastChange UNKNOWN = range -> Optional.empty();

    /**
     * Returns the last change.
     *
     * @param range guest physical addresses in RAM; in one of kind {@code PAGE_DIRECTORY} or {@code PAGE_TABLES} the
     *     accessed and dirty bits, which the processor sets by itself, don't count
     * @return empty if no instruction changed it, and where it can't be found out
     */
    Optional<Change> in(Range range);

    /** Returns what {@link Change#instructionsBeforeTheEnd} counts up to, in words. */
    default String end() {
        return "the end";
    }

    /**
     * A change of memory.
     *
     * @param by the instruction; a repeated one counts as one
     * @param address the guest physical address of the first byte that it changed
     * @param before the bytes from there to the last that it changed, as they were, the first few
     * @param after the same bytes after the instruction
     * @param instructionsBeforeTheEnd how many instructions were executed after it, until {@link #end}
     */
    record Change(GuestInstruction by, long address, byte[] before, byte[] after, long instructionsBeforeTheEnd) {}
}
