package dev.kvmguest.vmm.internal.postmortem;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareCall;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareCall.How;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareRom;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.engine.Delivery;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.replay.DeathReplay;
import dev.kvmguest.vmm.internal.replay.Divergence;
import dev.kvmguest.vmm.internal.replay.Origin;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.replay.Replay;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Tells what raised an exception that came to the firmware's default handler. What was executed before it is known from
 * the engine that ran the guest or, if that doesn't see it, from a replay.
 */
final class FirmwareDeath {

    private final FirmwareRom rom;
    private final FirmwareCall call;
    private final GuestMemory memory;

    private FirmwareDeath(FirmwareRom rom, FirmwareCall call, GuestMemory memory) {
        this.rom = rom;
        this.call = call;
        this.memory = memory;
    }

    /** Returns the exception with which a vCPU has ended; empty if it isn't in a default handler. */
    static Optional<FirmwareDeath> of(Optional<FirmwareRom> rom, VirtualCpu cpu, GuestMemory memory) {
        return rom.flatMap(present ->
                FirmwareCall.of(present, memory, cpu.state()).map(call -> new FirmwareDeath(present, call, memory)));
    }

    /** Returns what the engine has seen itself. */
    DeathReplay seen(ExecutionObserver observer, String engine) {
        return DeathReplay.seen(fault(Optional.of(observer), engine));
    }

    /** Returns what a replay of the run shows. */
    DeathReplay replayed(Recording recording, Origin origin, String engine, Duration limit) {
        try (Replay replay = Replay.of(recording, origin, limit)) {
            Optional<Divergence> divergence = replay.run();
            return divergence.isPresent()
                    ? new DeathReplay(
                            Optional.of(fault(Optional.empty(), engine)),
                            Optional.empty(),
                            divergence.map(found -> found.parting(engine, origin.image())))
                    : DeathReplay.seen(
                            fault(replay.cpu().observer(), engine + "; the emulator, which replayed it, did the same"));
        }
    }

    private Fault fault(Optional<ExecutionObserver> observer, String seenBy) {
        List<GuestInstruction> last = new ArrayList<>(
                observer.map(ExecutionObserver::lastInstructions).orElse(List.of()));
        while (!last.isEmpty()
                && rom.isHandler(call.vector(), last.get(last.size() - 1).eip())) {
            last.remove(last.size() - 1);
        }
        GuestInstruction at = at();
        if (call.how() == How.EXCEPTION
                && (last.isEmpty() || last.get(last.size() - 1).eip() != at.eip())) {
            last.add(at);
        }
        return new Fault(
                at,
                List.of(new Fault.Event(
                        call.vector(),
                        OptionalInt.empty(),
                        OptionalLong.empty(),
                        call.how() == How.SOFTWARE ? Optional.of(call.name()) : observer.flatMap(this::cause),
                        call.how() == How.DEVICE)),
                call.handler(),
                last,
                call.registers(),
                seenBy,
                List.of(),
                Optional.of(new Fault.Handler(memory.readShort(4 * call.vector()), Optional.empty(), 1, 1, List.of())));
    }

    /** Returns why the exception was raised, if that was seen. */
    private Optional<String> cause(ExecutionObserver observer) {
        List<Delivery> open = observer.handlers().open();
        return open.isEmpty()
                ? Optional.empty()
                : Optional.of(open.get(open.size() - 1).event())
                        .filter(event -> event.vector() == call.vector())
                        .flatMap(Fault.Event::cause);
    }

    private GuestInstruction at() {
        long ip = call.registers().get(Register.RIP);
        long linear = call.registers().linear(SegmentRegister.CS, ip);
        byte[] bytes = new LinearMemory(memory, call.registers()).code(linear);
        return CodeReader.read(bytes, ip, CpuMode.of(call.registers())).orElseGet(() -> CodeReader.unread(ip));
    }
}
