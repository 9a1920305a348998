package dev.kvmguest.maven;

import dev.kvmguest.vmm.config.DetectedBoot;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.report.TextReport;
import org.apache.maven.plugin.logging.Log;

/** Logs what users should know of a guest before it runs: its boot mode, and near misses. */
final class GuestWarnings {

    private GuestWarnings() {}

    /**
     * Logs which boot mode an image asks for itself, and what in it a boot loader overlooks.
     *
     * @param guest what messages begin with, such as {@code guest kernel: }
     * @param image its file's name
     */
    static void log(Log log, String guest, DetectedBoot detected, String image) {
        if (detected.isNews()) {
            log.info(guest + detected.describe(image));
        }
        detected.warning(image).ifPresent(warning -> log.warn(guest + warning));
    }

    /** Logs a layout's warnings, if it has any, and the layout below them. */
    static void log(Log log, String guest, MemoryLayout layout) {
        if (!layout.warnings().isEmpty()) {
            log.warn(guest + ": look at its memory layout:\n"
                    + TextReport.warnings(layout).stripTrailing());
        }
    }
}
