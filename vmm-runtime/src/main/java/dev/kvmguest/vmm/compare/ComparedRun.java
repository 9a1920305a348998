package dev.kvmguest.vmm.compare;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.Optional;

/**
 * A guest on one engine, in one boot mode: its outcome, or why it could not be run.
 *
 * @param engine the engine
 * @param boot the state at entry
 * @param outcome how it ended; empty if it was not run
 * @param refusal why it was not run; empty if it was
 */
public record ComparedRun(EngineChoice engine, BootMode boot, Optional<Outcome> outcome, Optional<String> refusal) {

    /** Refuses a run that has both or neither. */
    public ComparedRun {
        if (outcome.isPresent() == refusal.isPresent()) {
            throw new IllegalArgumentException("a run has an outcome, or a reason why there is none");
        }
    }

    /** Returns engine and boot mode, such as {@code kvm in paged}. */
    public String name() {
        return engine + " in " + boot;
    }
}
