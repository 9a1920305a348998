package dev.kvmguest.vmm.internal.replay;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.engine.DeliveryLog;
import dev.kvmguest.vmm.internal.engine.Engine;
import java.time.Duration;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedMap;

/**
 * Finds out why a guest shut down on an engine that doesn't see it: KVM delivers exceptions without a word, and on AMD
 * resets the vCPU in the end. And why one would have, where KVM gave up: what it can't execute, such as code where no
 * RAM is, is often what a processor would not, either.
 *
 * @param fault what led to the shutdown, without symbols and advice
 * @param handlers what the guest entered handlers for before, if it was replayed up to its end
 * @param msrs the model-specific registers at its end, by number; empty where {@code handlers} is
 * @param parting where the engines disagree, or why the guest could not be replayed
 */
public record DeathReplay(
        Optional<Fault> fault,
        Optional<DeliveryLog> handlers,
        SortedMap<Integer, Long> msrs,
        Optional<Parting> parting) {

    /** Nothing is known. */
    public static final DeathReplay NONE = new DeathReplay(Optional.empty(), Optional.empty(), Optional.empty());

    /** Creates one of a guest that was not replayed up to its end, or needn't be. */
    public DeathReplay(Optional<Fault> fault, Optional<DeliveryLog> handlers, Optional<Parting> parting) {
        this(fault, handlers, Collections.emptySortedMap(), parting);
    }

    /** Returns what the engine has seen itself. */
    public static DeathReplay seen(Fault fault) {
        return new DeathReplay(Optional.of(fault), Optional.empty(), Optional.empty());
    }

    private DeathReplay with(DeliveryLog taken, SortedMap<Integer, Long> last) {
        return new DeathReplay(fault, Optional.of(taken), last, parting);
    }

    /**
     * Replays a guest on the emulator, and has its engine do the last instructions once more if it shut down there.
     * Where the engine gave up, there is a fault if the emulator shuts down by that very instruction.
     *
     * @param recording of the run that ended with a shutdown, or where its engine could not go on
     * @param origin where to start
     * @param engine the engine that ran it
     * @param limit how long the replay may take
     */
    public static DeathReplay of(Recording recording, Origin origin, Engine engine, Duration limit) {
        if (recording.isTooLong()) {
            return new DeathReplay(
                    Optional.empty(), Optional.empty(), Optional.of(Parting.of(tooLong(recording, engine.name()))));
        }
        try {
            return replayed(recording, origin, engine, limit);
        } catch (VmmException e) {
            String why = "what " + engine.name() + " ran can't be replayed: " + e.getMessage();
            return new DeathReplay(Optional.empty(), Optional.empty(), Optional.of(Parting.of(why)));
        }
    }

    private static DeathReplay replayed(Recording recording, Origin origin, Engine engine, Duration limit) {
        GuestImage image = origin.image();
        long start = System.nanoTime();
        long quietFrom;
        long end;
        Fault fault;
        DeliveryLog handlers;
        SortedMap<Integer, Long> msrs;
        try (Replay replay = Replay.of(recording, origin, limit)) {
            Optional<Divergence> divergence = replay.run();
            if (divergence.isPresent()) {
                return new DeathReplay(
                        replay.fault()
                                .map(seen -> seen.seenBy(
                                        "the emulator, which did not do all that " + engine.name() + " did")),
                        Optional.empty(),
                        divergence.map(found -> found.parting(engine.name(), image)));
            }
            boolean gaveUp = recording.end() == Recording.End.PLACE;
            if (gaveUp && !replay.shutsDownHere()) {
                return NONE;
            }
            fault = replay.fault().orElseThrow();
            if (gaveUp) {
                return seen(fault.seenBy("the emulator, which replayed what " + engine.name()
                                + " ran and did what it could not"))
                        .with(replay.handlers(), replay.msrs());
            }
            quietFrom = replay.quietFrom();
            end = replay.instructions();
            handlers = replay.handlers();
            msrs = replay.msrs();
        }
        Duration left = limit.minusNanos(System.nanoTime() - start);
        return confirmed(
                        image,
                        fault.seenBy(replayed(engine.name())),
                        engine.name(),
                        CrossCheck.of(recording, origin, left, engine, quietFrom, end))
                .with(handlers, msrs);
    }

    /** Returns who has seen what was replayed, to follow "seen by" in a sentence. */
    public static String replayed(String engine) {
        return "the emulator, which replayed what " + engine + " ran";
    }

    /** Returns that a recording lacks its beginning, as a sentence. */
    static String tooLong(Recording recording, String engine) {
        return "what " + engine + " ran can't be replayed: with " + recording.events() + " exchanges it is too long";
    }

    private static DeathReplay confirmed(
            GuestImage image, Fault fault, String engine, Optional<CrossCheck.Finding> crossCheck) {
        if (crossCheck.isEmpty()) {
            return seen(fault);
        }
        CrossCheck.Finding finding = crossCheck.get();
        if (finding.difference().isPresent()) {
            return new DeathReplay(
                    Optional.of(fault),
                    Optional.empty(),
                    finding.difference()
                            .map(difference -> new Parting(
                                    engine + " and the emulator part in the guest's last instructions: given"
                                            + " the emulator's registers and memory, " + engine + " " + difference,
                                    finding.at().map(instruction -> instruction.namedBy(image)))));
        }
        int count = finding.instructions();
        String last = count == 1 ? "the last instruction" : "the last " + count + " instructions";
        String how = finding.stepped()
                ? ", stepped through " + last + ", did the same"
                : ", which ran " + last + " again, shut down too";
        return seen(fault.seenBy(fault.seenBy() + "; " + engine + how));
    }
}
