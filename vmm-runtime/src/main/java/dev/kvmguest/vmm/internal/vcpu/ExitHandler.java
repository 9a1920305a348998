package dev.kvmguest.vmm.internal.vcpu;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.engine.ExitData;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.outcome.Ending;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeSet;

/** What the machine does at each exit of a vCPU, whatever engine it comes from. */
public final class ExitHandler {

    private static final byte OPEN_BUS = (byte) 0xff;
    /** Enough to see where a guest went astray; a wild loop touches millions. */
    private static final int UNCLAIMED_MEMORY_LIMIT = 64;

    private final VirtualCpu cpu;
    private final PcBoard board;
    private final Recording recording;
    private final NavigableSet<Long> unclaimedMemory = new TreeSet<>();

    public ExitHandler(VirtualCpu cpu, PcBoard board, Recording recording) {
        this.cpu = cpu;
        this.board = board;
        this.recording = recording;
    }

    /**
     * Carries out what the exit asks for.
     *
     * @return how the run has ended, if it has
     */
    public Optional<Ending> handle(VmExit exit) {
        if (exit instanceof VmExit.PortOut out) {
            return portOut(out);
        }
        if (exit instanceof VmExit.PortIn in) {
            while (in.data().hasRemaining()) {
                long value = board.ports().read(in.port(), in.width());
                recording.in(in.port(), in.width(), value);
                ExitData.put(in.data(), in.width(), value);
            }
            return Optional.empty();
        }
        if (exit instanceof VmExit.MemoryWrite write) {
            recordUnclaimed(write.address());
            int width = write.data().remaining();
            recording.write(write.address(), width, ExitData.get(write.data(), width));
            return Optional.empty();
        }
        if (exit instanceof VmExit.MemoryRead read) {
            recordUnclaimed(read.address());
            recording.read(read.address(), read.data().remaining());
            while (read.data().hasRemaining()) {
                read.data().put(OPEN_BUS);
            }
            return Optional.empty();
        }
        if (exit instanceof VmExit.Halt) {
            return Optional.of(new Ending.Halted(interruptsEnabled()));
        }
        if (exit instanceof VmExit.Shutdown) {
            recording.shutDown();
            return Optional.of(new Ending.TripleFault());
        }
        if (exit instanceof VmExit.UnsupportedInstruction unsupported) {
            recording.stopHere();
            return Optional.of(new Ending.Unsupported(unsupported.reason(), unsupported.bytes()));
        }
        if (exit instanceof VmExit.Failure failure) {
            recording.stopHere();
            return Optional.of(new Ending.EngineError(failure.reason()));
        }
        // An interruption, an open window or a step: what asked for it looks for itself.
        recording.ranOn();
        return Optional.empty();
    }

    /** Returns whether the guest has interrupts on. */
    public boolean interruptsEnabled() {
        return (cpu.register(Register.RFLAGS) & CpuState.EFLAGS_IF) != 0;
    }

    /** Returns the guest physical addresses without RAM that the guest used, the first few. */
    public NavigableSet<Long> unclaimedMemory() {
        return unclaimedMemory;
    }

    private Optional<Ending> portOut(VmExit.PortOut out) {
        while (out.data().hasRemaining()) {
            long value = ExitData.get(out.data(), out.width());
            recording.out(out.port(), out.width(), value);
            board.ports().write(out.port(), out.width(), value);
            if (board.ending().isPresent()) {
                return board.ending();
            }
        }
        return Optional.empty();
    }

    private void recordUnclaimed(long address) {
        if (unclaimedMemory.size() < UNCLAIMED_MEMORY_LIMIT) {
            unclaimedMemory.add(address);
        }
    }
}
