package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.device.Keystroke;
import dev.kvmguest.vmm.internal.device.MouseMove;
import dev.kvmguest.vmm.internal.engine.SavedRam;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.Console;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;

/** vCPUs of KVM or the emulator, on boards with devices in Java. */
public final class EngineMachine implements MachineBackend {

    private final MachineConfig config;
    private final EngineSelection selection;
    private final MemoryLayout layout;
    private final VirtualMachine machine;
    private final Display display;
    private final List<Partition> partitions;
    /** By the numbers of the vCPUs. */
    private final List<VcpuRunner> runners;

    /**
     * Makes a machine and loads its guests.
     *
     * @throws IllegalArgumentException if an image can't be placed as the configuration says
     */
    public EngineMachine(MachineConfig config, EngineSelection selection) {
        List<VcpuConfig> vcpus = config.vcpus();
        this.config = config;
        this.selection = selection;
        machine = selection.engine().createMachine(config.memorySize(), vcpus.size());
        try {
            BootLoader loader = new BootLoader(config);
            loader.load(machine.memory());
            display = new Display(loader.framebuffer(), machine.memory());
            layout = loader.layout();
            for (int i = 0; i < vcpus.size(); i++) {
                loader.enter(i, machine.vcpu(i));
            }
            partitions = new MachineAssembly(config, selection, layout, this::screen).partitioned(machine);
            runners = partitions.stream()
                    .flatMap(partition -> partition.vcpus().stream())
                    .toList();
        } catch (RuntimeException e) {
            machine.close();
            throw e;
        }
    }

    /**
     * Makes a machine that goes on from where another one was.
     *
     * @param config its configuration, which may differ in the time limit and in the test that the guest is asked for
     */
    public EngineMachine(MachineConfig config, SavedMachine saved) {
        this.config = config;
        selection = saved.engine();
        layout = saved.layout();
        machine = saved.memory().createMachine();
        try {
            display = new Display(saved.framebuffer(), machine.memory());
            machine.vcpu(0).restore(saved.run().cpu());
            partitions =
                    List.of(new MachineAssembly(config, selection, layout, this::screen).resumed(machine, saved.run()));
            runners = partitions.get(0).vcpus();
        } catch (RuntimeException e) {
            machine.close();
            throw e;
        }
    }

    /** Has the guests be at their time limit also when their own time comes to this one. */
    public void limitGuestTime(Duration guestTime) {
        runners.forEach(runner -> runner.limitGuestTime(guestTime.toNanos()));
    }

    @Override
    public int vcpus() {
        return runners.size();
    }

    @Override
    public void start() {
        runners.forEach(VcpuRunner::start);
    }

    @Override
    public void runHere() {
        runners.get(0).run();
    }

    @Override
    public boolean canBePaused() {
        return runners.size() == 1;
    }

    @Override
    public BooleanSupplier upTo(Milestone milestone) {
        VcpuRunner runner = runners.get(0);
        Goal goal = Goal.of(milestone, config.vcpus().get(0).image(), console(0), this::screen, runner.clock());
        if (goal.breakpoint().isPresent()) {
            selection.engine().whyNoBreakpoints().ifPresent(why -> {
                throw new VmmException("engine " + selection.engine().name() + " can't run a guest until "
                        + milestone.inWords() + " on this host: " + why + "; name another moment, or use engine "
                        + EngineChoice.EMULATOR);
            });
        }
        return () -> runner.runUntil(goal);
    }

    @Override
    public SavedMachine save() {
        try {
            return runners.get(0).betweenInstructions(this::savedNow).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    private SavedMachine savedNow() {
        // First, as long as it can be refused.
        SavedRun run = runners.get(0).save();
        SavedRam memory = SavedRam.of(machine.memory());
        return new SavedMachine(
                config,
                selection,
                layout,
                display.framebuffer(),
                selection.engine().template(memory),
                memory.usedBytes(),
                run);
    }

    @Override
    public CompletableFuture<Outcome> outcome(int vcpu) {
        return runners.get(vcpu).outcome();
    }

    @Override
    public void stop() {
        runners.forEach(VcpuRunner::stop);
    }

    @Override
    public void finish(boolean looked) {
        runners.forEach(runner -> runner.finish(looked));
    }

    @Override
    public Console console(int vcpu) {
        return partition(vcpu).console();
    }

    @Override
    public void type(int vcpu, byte[] bytes) {
        partition(vcpu).input().add(bytes);
    }

    @Override
    public void press(int vcpu, List<Keystroke> keystrokes) {
        partition(vcpu).input().add(keystrokes);
    }

    @Override
    public void move(int vcpu, List<MouseMove> moves) {
        partition(vcpu).mouse().add(moves);
    }

    @Override
    public Screen screen() {
        return display.screen(partition(0).crtc());
    }

    /** Returns the partition that a vCPU is in. */
    private Partition partition(int vcpu) {
        VcpuRunner runner = runners.get(vcpu);
        return partitions.stream()
                .filter(partition -> partition.vcpus().contains(runner))
                .findFirst()
                .orElseThrow();
    }

    @Override
    public GuestMemory memory() {
        return machine.memory();
    }

    @Override
    public Optional<Recording> recording(int vcpu) {
        return Optional.of(runners.get(vcpu).recording());
    }

    @Override
    public void close(boolean started) {
        stop();
        if (started) {
            // Memory must not be unmapped under a vCPU that still runs.
            runners.forEach(runner -> Uninterrupted.await(runner::join));
        }
        machine.close();
    }
}
