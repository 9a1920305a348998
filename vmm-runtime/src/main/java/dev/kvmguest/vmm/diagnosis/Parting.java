package dev.kvmguest.vmm.diagnosis;

import java.util.Optional;

/**
 * Where two engines disagree about a guest.
 *
 * @param sentence what each of them did, or why the second could not follow the first, without a full stop
 * @param at the instruction with which they part, as the engine has it that followed the other; empty if it isn't one
 *     instruction, or not known
 */
public record Parting(String sentence, Optional<GuestInstruction> at) {

    /** Creates one that isn't known to be at an instruction. */
    public static Parting of(String sentence) {
        return new Parting(sentence, Optional.empty());
    }
}
