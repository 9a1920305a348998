package dev.kvmguest.vmm.internal.replay;

import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Finds out which exceptions a guest took and went on from, on an engine that delivers them without a word.
 *
 * @param exceptions the first 1,000, without symbols; empty if the guest could not be replayed
 * @param divergence where the engines disagree, or why the guest could not be replayed
 */
public record ExceptionReplay(Optional<List<HandledException>> exceptions, Optional<String> divergence) {

    /** Nothing is known. */
    public static final ExceptionReplay NONE = new ExceptionReplay(Optional.empty(), Optional.empty());

    /**
     * Replays a guest on the emulator.
     *
     * @param recording of the run, however it ended
     * @param origin where to start
     * @param engine the name of the engine that ran it
     * @param limit how long the replay may take
     */
    public static ExceptionReplay of(Recording recording, Origin origin, String engine, Duration limit) {
        if (recording.isTooLong()) {
            return new ExceptionReplay(Optional.empty(), Optional.of(DeathReplay.tooLong(recording, engine)));
        }
        try (Replay replay = Replay.of(recording, origin, limit)) {
            ExecutionObserver observer = replay.cpu().observer().orElseThrow();
            observer.watchExceptions();
            Optional<Divergence> divergence = replay.run();
            // What was taken on the way to somewhere else says nothing of this guest.
            return divergence.isPresent()
                    ? new ExceptionReplay(
                            Optional.empty(), divergence.map(parting -> parting.sentence(engine, origin.image())))
                    : new ExceptionReplay(Optional.of(observer.exceptions()), Optional.empty());
        }
    }
}
