package dev.kvmguest.maven;

import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.report.TextReport;
import org.apache.maven.plugin.logging.Log;

/** Logs near misses in a guest's memory layout. */
final class GuestWarnings {

    private GuestWarnings() {}

    /** Logs a layout's warnings, if it has any, and the layout below them. */
    static void log(Log log, String guest, MemoryLayout layout) {
        if (!layout.warnings().isEmpty()) {
            log.warn(guest + ": look at its memory layout:\n"
                    + TextReport.warnings(layout).stripTrailing());
        }
    }
}
