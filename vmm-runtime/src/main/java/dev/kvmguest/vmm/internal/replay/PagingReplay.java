package dev.kvmguest.vmm.internal.replay;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.x86.Cr0;
import java.time.Duration;
import java.util.Optional;

/**
 * Finds the instruction that turns on paging in a guest that shut down on another engine between its last exchange and
 * a place beyond that instruction, while the emulator runs on from there.
 */
public final class PagingReplay {

    private static final int INTERVAL = 16_384;

    private PagingReplay() {}

    /**
     * Replays the run three times: to see that the emulator outlives the shutdown, to see roughly when paging is turned
     * on, and to go through that time step by step.
     *
     * @param recording of the run that ended with a shutdown
     * @param origin where to start
     * @param limit how long each replay may take
     * @return the instruction with the image's names; empty if the guest shuts down on the emulator too, has done
     *     something after it had turned on paging, or doesn't turn it on
     */
    public static Optional<GuestInstruction> find(Recording recording, Origin origin, Duration limit) {
        if (recording.isTooLong()) {
            return Optional.empty();
        }
        long quietFrom;
        try (Replay replay = Replay.of(recording, origin, limit)) {
            replay.run();
            if (!replay.hasOutlivedShutdown()) {
                return Optional.empty();
            }
            quietFrom = replay.quietFrom();
        }
        long before = quietFrom;
        try (Replay replay = Replay.of(recording, origin, limit)) {
            boolean goesOn = replay.runTo(quietFrom);
            if (isPaging(replay)) {
                return Optional.empty();
            }
            while (goesOn && !isPaging(replay)) {
                before = replay.instructions();
                goesOn = replay.runTo(before + INTERVAL);
            }
            if (!isPaging(replay)) {
                return Optional.empty();
            }
        }
        return stepTo(recording, origin, limit, before);
    }

    private static Optional<GuestInstruction> stepTo(Recording recording, Origin origin, Duration limit, long before) {
        try (Replay replay = Replay.of(recording, origin, limit)) {
            boolean goesOn = replay.runTo(before);
            GuestInstruction by = replay.cpu().nextInstruction();
            while (goesOn && !isPaging(replay)) {
                by = replay.cpu().nextInstruction();
                goesOn = replay.step();
            }
            return isPaging(replay) ? Optional.of(by.namedBy(origin.image())) : Optional.empty();
        }
    }

    private static boolean isPaging(Replay replay) {
        return (replay.cpu().register(Register.CR0) & Cr0.PG) != 0;
    }
}
