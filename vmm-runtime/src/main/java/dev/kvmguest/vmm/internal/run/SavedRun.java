package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.internal.board.Board;
import dev.kvmguest.vmm.internal.engine.CarriedState;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver.Seen;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.replay.Recording;
import java.util.Optional;

/**
 * A run of a guest as it was at a moment.
 *
 * @param cpu the vCPU
 * @param haltedSince if it is halted, the guest time in ns since when; {@link VcpuRunner#NOT_YET} if that is now
 * @param board the devices
 * @param console what the guest had written; nothing is written to it any more
 * @param recording what the guest had exchanged with its machine since boot; nothing is added to it any more
 * @param seen what the engine had seen of the guest; empty if it sees nothing
 */
record SavedRun(
        VcpuState cpu,
        long haltedSince,
        Board.State board,
        ConsoleOutput console,
        Recording recording,
        Optional<Seen> seen) {

    /**
     * Returns the same run for a vCPU of another engine.
     *
     * @param own the state that such a vCPU has when it is made
     */
    SavedRun carriedTo(VcpuState own) {
        return new SavedRun(CarriedState.withTime(cpu, own), haltedSince, board, console, recording, Optional.empty());
    }
}
