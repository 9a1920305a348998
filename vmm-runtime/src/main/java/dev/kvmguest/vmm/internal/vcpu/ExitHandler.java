package dev.kvmguest.vmm.internal.vcpu;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.board.Board;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareCall;
import dev.kvmguest.vmm.internal.bus.Requester;
import dev.kvmguest.vmm.internal.engine.ExitData;
import dev.kvmguest.vmm.internal.engine.GuestClock;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.outcome.Ending;
import java.util.Optional;

/** What the machine does at each exit of a vCPU, whatever engine it comes from. */
public final class ExitHandler {

    private final VirtualCpu cpu;
    private final Requester requester;
    private final Board board;
    private final Recording recording;
    private final Optional<FirmwareCalls> firmware;

    public ExitHandler(VirtualCpu cpu, Board board, Recording recording) {
        this(cpu, board, recording, Optional.empty());
    }

    /**
     * Creates one that also ends the run when the guest needs firmware that isn't there.
     *
     * @param firmware recognizes that
     */
    public ExitHandler(VirtualCpu cpu, Board board, Recording recording, Optional<FirmwareCalls> firmware) {
        this.cpu = cpu;
        this.requester = new Vcpu(cpu, cpu.clock());
        this.board = board;
        this.recording = recording;
        this.firmware = firmware;
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
                long value = board.in(requester, in.port(), in.width());
                recording.in(in.port(), in.width(), value);
                ExitData.put(in.data(), in.width(), value);
            }
            return Optional.empty();
        }
        if (exit instanceof VmExit.MemoryWrite write) {
            int width = write.data().remaining();
            long value = ExitData.get(write.data(), width);
            recording.write(write.address(), width, value);
            board.write(requester, write.address(), width, value);
            return board.ending();
        }
        if (exit instanceof VmExit.MemoryRead read) {
            int width = read.data().remaining();
            recording.read(read.address(), width);
            ExitData.put(read.data(), width, board.read(requester, read.address(), width));
            return Optional.empty();
        }
        if (exit instanceof VmExit.FpuError error) {
            boolean ignored = board.fpuError();
            recording.fpuError(ignored);
            error.ignored().put((byte) (ignored ? 1 : 0));
            return Optional.empty();
        }
        if (exit instanceof VmExit.FpuErrorCleared) {
            board.fpuErrorCleared();
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

    /** Has the devices see that the guest read a port, and got in place of their answer what it got in another run. */
    public void answered(int port, int width, long value) {
        board.in(requester, port, width);
        recording.in(port, width, value);
    }

    /** Has the devices see an x87 error likewise. */
    public void answeredFpuError(boolean ignored) {
        board.fpuError();
        recording.fpuError(ignored);
    }

    /** Returns whether the guest has interrupts on. */
    public boolean interruptsEnabled() {
        return (cpu.register(Register.RFLAGS) & Flag.IF) != 0;
    }

    private Optional<Ending> portOut(VmExit.PortOut out) {
        if (out.port() == FirmwareCall.port()) {
            Optional<Ending> end = firmwareCall(out);
            if (end.isPresent()) {
                return end;
            }
        }
        while (out.data().hasRemaining()) {
            long value = ExitData.get(out.data(), out.width());
            recording.out(out.port(), out.width(), value);
            board.out(requester, out.port(), out.width(), value);
            if (board.ending().isPresent()) {
                return board.ending();
            }
        }
        return Optional.empty();
    }

    private Optional<Ending> firmwareCall(VmExit.PortOut out) {
        Optional<Ending> end = firmware.flatMap(calls -> calls.at(out, cpu).map(calls::end));
        if (end.isPresent()) {
            recording.firmware(out.port(), out.width(), ExitData.get(out.data(), out.width()));
        }
        return end;
    }

    /** The vCPU as devices see it. */
    private record Vcpu(VirtualCpu cpu, GuestClock clock) implements Requester {

        @Override
        public long time() {
            return clock.time();
        }

        @Override
        public long register(Register register) {
            return cpu.register(register);
        }
    }
}
