package dev.kvmguest.vmm.internal.report.text;

import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.Optional;

/** What reports of every form say of a run beside its facts: how far they can be trusted. */
public final class RunNotes {

    /** Two opinions call for the others. */
    private static final String COMPARE = "; kvm:compare boots the guest on every engine there is";

    private RunNotes() {}

    /** Returns whether the engine has nothing but the values of a reset for the registers of a guest that shut down. */
    public static boolean wasReset(Outcome outcome) {
        return outcome.kind() == Outcome.Kind.TRIPLE_FAULT
                && outcome.run().registers().isEmpty();
    }

    /** Returns how far such registers can be trusted, as a sentence. */
    public static String resetNote(String engine) {
        return engine
                + "'s own registers, RIP=0xfff0 and so on, are reset values of a vCPU that shut down, not the guest's";
    }

    /**
     * Returns where a replay went its own way, or whose the fault is of a guest that did not shut down on its own
     * engine.
     */
    public static Optional<String> replayNote(Outcome outcome) {
        GuestRun run = outcome.run();
        return run.diagnosis().divergence().map(sentence -> sentence + COMPARE).or(() -> outcome.fault()
                .filter(fault -> !outcome.kind().isDeathByException())
                .map(fault -> "on the emulator the guest triple-faults by the instruction at which " + run.engine()
                        + " gave up"));
    }
}
