package dev.kvmguest.vmm.internal.replay;

import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.internal.engine.DeliveryLog;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * Finds out which exceptions a guest took, and what else it entered handlers for, on an engine that delivers them
 * without a word.
 *
 * @param exceptions the first 1,000, without symbols; empty if the guest could not be replayed
 * @param handlers what it entered handlers for
 * @param msrs the model-specific registers at its end, by number; empty likewise
 * @param parting where the engines disagree, or why the guest could not be replayed
 */
public record ExceptionReplay(
        Optional<List<HandledException>> exceptions,
        DeliveryLog handlers,
        SortedMap<Integer, Long> msrs,
        Optional<Parting> parting) {

    /** Some rounds of a handler that prints a line and returns into the same exception. */
    private static final int SOME_ROUNDS = 20_000;

    /** Nothing is known. */
    public static final ExceptionReplay NONE =
            new ExceptionReplay(Optional.empty(), DeliveryLog.EMPTY, Collections.emptySortedMap(), Optional.empty());

    /** Returns that nothing could be found out. */
    public static ExceptionReplay failed(Parting why) {
        return new ExceptionReplay(Optional.empty(), DeliveryLog.EMPTY, Collections.emptySortedMap(), Optional.of(why));
    }

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
            return failed(Parting.of(DeathReplay.tooLong(recording, engine)));
        }
        try (Replay replay = Replay.of(recording, origin, limit)) {
            ExecutionObserver observer = replay.cpu().observer().orElseThrow();
            observer.watchExceptions();
            Optional<Divergence> divergence = replay.run();
            List<HandledException> exceptions = observer.exceptions();
            SortedMap<Integer, Long> msrs = replay.msrs();
            replay.runOn(SOME_ROUNDS);
            // What was taken on the way to somewhere else says nothing of this guest.
            return divergence
                    .map(found -> failed(found.parting(engine, origin.image())))
                    .orElseGet(() ->
                            new ExceptionReplay(Optional.of(exceptions), observer.handlers(), msrs, Optional.empty()));
        }
    }
}
