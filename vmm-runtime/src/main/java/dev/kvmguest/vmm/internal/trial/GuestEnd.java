package dev.kvmguest.vmm.internal.trial;

import dev.kvmguest.vmm.cpu.CpuState;
import java.util.OptionalLong;

/**
 * How a guest came to its end.
 *
 * @param kind what it was
 * @param registers as the exception found them; after the HLT; or those at the time limit
 * @param instructions how many instructions had been retired by then; empty if that was when the run ended
 */
public record GuestEnd(Kind kind, CpuState registers, OptionalLong instructions) {

    /** What an end is. */
    public enum Kind {
        /** An exception, whether or not a handler took it. */
        EXCEPTION,
        /** A HLT after which nothing came. */
        HALT,
        /** A loop that it never left. */
        HANG
    }
}
