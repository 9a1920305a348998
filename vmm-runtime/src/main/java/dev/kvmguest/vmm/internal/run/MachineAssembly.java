package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareRom;
import dev.kvmguest.vmm.internal.engine.Activity;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.postmortem.PostMortem;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.vcpu.EndlessLoop;
import dev.kvmguest.vmm.internal.vcpu.ExitHandler;
import dev.kvmguest.vmm.internal.vcpu.FirmwareCalls;
import dev.kvmguest.vmm.internal.vcpu.Interrupts;
import dev.kvmguest.vmm.internal.vcpu.TimeLimits;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.Screen;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Makes the boards of a machine, puts its vCPUs on them, and gives each what it runs with.
 *
 * @param config the machine's configuration
 * @param engine the engine that its vCPUs are of, and why it
 * @param layout what lies where in its memory
 * @param screen gives what its screen shows
 */
public record MachineAssembly(
        MachineConfig config, EngineSelection engine, MemoryLayout layout, Supplier<Screen> screen) {

    /** Gives each vCPU a board of its own, as guests have it that run side by side. */
    public List<Partition> partitioned(VirtualMachine machine) {
        List<Partition> partitions = new ArrayList<>();
        for (int vcpu = 0; vcpu < config.vcpus().size(); vcpu++) {
            partitions.add(partition(vcpu, machine.vcpu(vcpu), machine.memory()));
        }
        return partitions;
    }

    /** Puts the only vCPU of a machine, which has been restored, on a board as it was. */
    public Partition resumed(VirtualMachine machine, SavedRun saved) {
        VirtualCpu cpu = machine.vcpu(0);
        ConsoleOutput console = new ConsoleOutput(cpu.clock(), saved.console());
        PcBoard board = board(0, console);
        board.restore(saved.board());
        config.vcpus().get(0).guestTest().ifPresent(board.testPort()::ask);
        VcpuRunner runner = runner(
                0, cpu, machine.memory(), board, console, saved.recording().copy(cpu));
        saved.seen().ifPresent(seen -> cpu.observer().orElseThrow().goOnFrom(seen));
        if (saved.cpu().activity() == Activity.HALTED) {
            runner.wasHalted(saved.haltedSince());
        }
        Partition partition = new Partition(board, console);
        partition.add(runner);
        return partition;
    }

    /** Returns a partition with one vCPU. */
    Partition partition(int number, VirtualCpu cpu, GuestMemory memory) {
        VcpuConfig guest = config.vcpus().get(number);
        ConsoleOutput console = new ConsoleOutput(cpu.clock());
        PcBoard board = board(number, console);
        board.input().add(guest.inputBytes());
        guest.guestTest().ifPresent(board.testPort()::ask);
        Partition partition = new Partition(board, console);
        partition.add(runner(number, cpu, memory, board, console, new Recording(cpu)));
        return partition;
    }

    private PcBoard board(int number, ConsoleOutput console) {
        boolean firmware = config.vcpus().get(number).boot().leavesInterruptsOpen();
        return new PcBoard(console, new PcBoard.Setup(config.memorySize(), config.date(), firmware));
    }

    private VcpuRunner runner(
            int number, VirtualCpu cpu, GuestMemory memory, PcBoard board, ConsoleOutput console, Recording recording) {
        if (config.watchExceptions()) {
            cpu.observer().ifPresent(ExecutionObserver::watchExceptions);
        }
        FirmwareCalls firmware = new FirmwareCalls(
                FirmwareRom.in(layout), memory, config.vcpus().get(number).boot());
        return new VcpuRunner(
                new RunDescription(
                        number,
                        config.vcpus().get(number),
                        TimeFactor.stretch(config.timeout()),
                        engine,
                        layout,
                        screen),
                new VcpuRunner.Parts(
                        cpu,
                        board,
                        console,
                        recording,
                        new ExitHandler(cpu, board, recording, Optional.of(firmware)),
                        firmware,
                        new Interrupts(cpu, board, recording),
                        new KeyRetry(cpu, memory, board),
                        new PostMortem(number, config, engine.engine(), cpu, memory, layout, board, recording),
                        endless(cpu, board),
                        new LastMoment(cpu, board, console),
                        TimeLimits.SHARED));
    }

    /** Other vCPUs would change what a loop of one reads. */
    private Optional<EndlessLoop> endless(VirtualCpu cpu, PcBoard board) {
        return config.vcpus().size() == 1
                ? cpu.stateReturn().map(states -> new EndlessLoop(cpu, states, board, board.keyboard()::keyRetry))
                : Optional.empty();
    }
}
