package dev.kvmguest.maven;

import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import org.apache.maven.plugin.logging.Log;

/** Logs near misses: in a guest's memory layout, and of an end that counts as normal. */
final class GuestWarnings {

    private GuestWarnings() {}

    /** Logs that a normal end looks like a panic, if it does. */
    static void logPanic(Log log, Outcome outcome) {
        outcome.panic().ifPresent(sentence -> log.warn("guest " + outcome.run().guest() + ": " + sentence));
    }

    /** Logs a layout's warnings, if it has any, and the layout below them. */
    static void log(Log log, String guest, MemoryLayout layout) {
        if (!layout.warnings().isEmpty()) {
            log.warn(guest + ": look at its memory layout:\n"
                    + TextReport.warnings(layout).stripTrailing());
        }
    }
}
