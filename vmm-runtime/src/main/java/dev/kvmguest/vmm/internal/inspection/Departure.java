package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import java.util.Optional;

/**
 * A moment at which a guest left its image.
 *
 * @param by the last instruction of the image
 * @param before the registers before it
 * @param after those after it, with the place to which it led
 * @param code the first bytes of memory at the operand of {@code by}, if that is in memory and one of RAM; else empty
 * @param instructions how many instructions had been retired before it
 */
public record Departure(GuestInstruction by, CpuState before, CpuState after, byte[] code, long instructions) {

    /** Finds departures. The guest is run again for it, from its start to where it left its image. */
    @FunctionalInterface
    public interface Finder {

        /**
         * Returns the departure after which a guest was first seen to execute zeros outside its image; empty if it
         * never did, or if it can't be found out in time.
         */
        Optional<Departure> intoZeros();
    }
}
