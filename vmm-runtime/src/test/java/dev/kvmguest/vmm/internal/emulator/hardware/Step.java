package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import java.util.Optional;

/**
 * One instruction to be executed, with what is changed before it.
 *
 * @param bytes the instruction and what is after it in memory
 * @param instruction what the emulator's decoder makes of it; empty if it is none
 * @param eip where it is: an offset in the code segment, RIP in 64-bit code
 * @param eflags all flags
 * @param replaced bit n is set if general register n gets the value in {@code general}
 * @param kind what it is counted as
 */
record Step(
        byte[] bytes,
        Optional<Instruction> instruction,
        long eip,
        int eflags,
        int replaced,
        long[] general,
        String kind) {

    /** Bytes of memory for an instruction and what is after it. */
    static final int SLOT = 32;
}
