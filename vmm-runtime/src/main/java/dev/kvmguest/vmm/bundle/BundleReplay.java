package dev.kvmguest.vmm.bundle;

import dev.kvmguest.vmm.outcome.Outcome;
import java.util.List;
import java.util.Optional;

/**
 * What came of the replay of a bundle.
 *
 * @param outcome how the guest ended now, with the diagnosis of this run
 * @param engine the name of the engine that ran it then
 * @param whyNotRecorded why it was booted anew and not replayed, as a sentence without a full stop; empty if it was
 *     replayed
 * @param divergence where the guest did something else than was recorded, as a sentence without a full stop
 * @param differences in what its end is not that of the bundle's own report, as parts of a sentence; empty if outcome,
 *     exit code, console and first exception are the same
 */
public record BundleReplay(
        Outcome outcome,
        String engine,
        Optional<String> whyNotRecorded,
        Optional<String> divergence,
        List<String> differences) {

    public BundleReplay {
        differences = List.copyOf(differences);
    }

    /** Returns whether the guest did all that was recorded, and its end is that of the bundle's report. */
    public boolean cameToTheSameEnd() {
        return divergence.isEmpty() && differences.isEmpty();
    }

    /** Returns whether it did, and if not, in what it differs, as a sentence without a full stop. */
    public String sentence() {
        String how = whyNotRecorded
                .map(why -> "Booted anew on the emulator, since the run on " + engine + " can't be replayed (" + why
                        + "), the guest")
                .orElse("Replayed on the emulator, the guest");
        if (divergence.isPresent()) {
            return how + " left the recorded run: " + divergence.get();
        }
        return differences.isEmpty()
                ? how + " came to the same end as on " + engine
                        + ": outcome, exit code, console and first exception agree"
                : how + " came to another end than on " + engine + ": " + String.join("; ", differences);
    }
}
