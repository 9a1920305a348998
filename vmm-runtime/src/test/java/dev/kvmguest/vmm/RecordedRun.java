package dev.kvmguest.vmm;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.emulator.EmulatedVirtualCpu;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine.EmulatedMachine;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.vcpu.ExitHandler;
import dev.kvmguest.vmm.internal.vcpu.Interrupts;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A run on the emulator that has ended, with its recording.
 *
 * @param config the machine
 * @param recording what was recorded
 * @param state the registers at the end
 * @param memory the RAM at the end
 * @param instructions how many were retired
 * @param fault what led to a shutdown
 */
public record RecordedRun(
        MachineConfig config,
        Recording recording,
        CpuState state,
        byte[] memory,
        long instructions,
        Optional<Fault> fault) {

    private static final int MEMORY = 8 << 20;

    /** Runs a guest to its end. */
    public static RecordedRun of(VcpuConfig guest) {
        return of(guest, OptionalLong.empty());
    }

    /** Runs a guest to its end, or for so many nanoseconds of its time. */
    public static RecordedRun of(VcpuConfig guest, long nanos) {
        return of(guest, OptionalLong.of(nanos));
    }

    private static RecordedRun of(VcpuConfig guest, OptionalLong nanos) {
        MachineConfig config = MachineConfig.builder()
                .vcpu(guest)
                .memory(MEMORY)
                .timeout(Duration.ofSeconds(20))
                .build();
        try (EmulatedMachine machine = EmulatorEngine.instance().createMachine(MEMORY, 1)) {
            EmulatedVirtualCpu cpu = machine.vcpu(0);
            cpu.setState(BootLoader.load(machine.memory(), config.vcpus()).get(0));
            PcBoard board = new PcBoard(octet -> {}, new PcBoard.Setup(MEMORY, config.date(), false));
            board.input().add(guest.inputBytes());
            Recording recording = new Recording(cpu);
            run(cpu, board, recording, nanos.orElse(Long.MAX_VALUE));
            return new RecordedRun(
                    config,
                    recording,
                    cpu.state(),
                    machine.memory().read(0, MEMORY),
                    cpu.instructions(),
                    cpu.observer().flatMap(ExecutionObserver::fault));
        }
    }

    private static void run(VirtualCpu cpu, PcBoard board, Recording recording, long end) {
        ExitHandler exits = new ExitHandler(cpu, board, recording);
        Interrupts interrupts = new Interrupts(cpu, board, recording);
        while (cpu.clock().time() < end) {
            interrupts.beforeRun(end);
            VmExit exit = cpu.run();
            if (exit instanceof VmExit.Halt) {
                long start = cpu.clock().time();
                boolean wakes = exits.interruptsEnabled() && interrupts.await(false, () -> false, skipped -> {});
                recording.halt(cpu.clock().time() - start);
                if (wakes) {
                    continue;
                }
            }
            if (exits.handle(exit).isPresent()) {
                return;
            }
        }
        recording.stopHere();
    }
}
