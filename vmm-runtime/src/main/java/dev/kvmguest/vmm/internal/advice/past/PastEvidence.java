package dev.kvmguest.vmm.internal.advice.past;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.internal.engine.DeliveryLog;
import dev.kvmguest.vmm.internal.inspection.Constructors;
import dev.kvmguest.vmm.internal.inspection.Departure;
import dev.kvmguest.vmm.internal.inspection.LastChange;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.inspection.PlacedImage;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import java.util.SortedSet;

/**
 * What rules look at.
 *
 * @param boot how the guest was entered
 * @param registers those at its end, or at the exception that ended it
 * @param image what it runs, and where it was loaded
 * @param layout what lay where when it started
 * @param memory its memory as the end left it
 * @param withoutRam the guest physical addresses without RAM that it used, the first few
 * @param end how it ended
 * @param handlers what it entered handlers for
 * @param departures tells where it left its image; costly, see there
 * @param changes tells who overwrote what; costly, see there
 * @param trial tells whether it ended so because nothing had called its constructors; costly likewise
 */
public record PastEvidence(
        BootMode boot,
        CpuState registers,
        PlacedImage image,
        MemoryLayout layout,
        LinearMemory memory,
        SortedSet<Long> withoutRam,
        End end,
        DeliveryLog handlers,
        Departure.Finder departures,
        LastChange changes,
        Constructors.Trial trial) {

    /** How a guest ended. */
    public enum End {
        /** By an exception, with or without a handler, or it still ran after one. */
        BY_EXCEPTION,
        /** It still ran. */
        HUNG,
        /** By HLT. */
        HALTED
    }

    boolean hung() {
        return end == End.HUNG;
    }

    /** Returns whether a linear address is one of what an image's file holds. */
    boolean isInImage(long linear) {
        return memory.physical(linear).stream().anyMatch(physical -> layout.isIn(Kind.IMAGE, physical));
    }

    /** Returns the symbol of a linear address in brackets, after a space; nothing if there is none. */
    String symbol(long linear) {
        return image.image()
                .symbolWithOffset(linear)
                .map(symbol -> " (" + symbol + ")")
                .orElse("");
    }
}
