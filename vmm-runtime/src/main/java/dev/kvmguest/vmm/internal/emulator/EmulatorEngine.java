package dev.kvmguest.vmm.internal.emulator;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.emulator.core.FrameAllocator;
import dev.kvmguest.vmm.internal.emulator.core.Ram;
import dev.kvmguest.vmm.internal.emulator.core.SharedRam;
import dev.kvmguest.vmm.internal.emulator.exec.RoundRobinScheduler;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.MachineTemplate;
import dev.kvmguest.vmm.internal.engine.SavedRam;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.RamMap;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Runs guests on an x86 CPU written in Java: on any host, always in the same way, and without native code. */
public final class EmulatorEngine implements Engine {

    /** More would only wait for each other. */
    private static final int MOST_VCPUS = 64;

    private static final EmulatorEngine INSTANCE = new EmulatorEngine();

    /**
     * RAM of up to so many bytes is in one buffer, which the host has memory for from the start. Of larger ones the
     * host has only what a guest uses.
     */
    private static final long LARGEST_BUFFER = 256L << 20;

    /** The low RAM of guests with more. */
    private static final long LOW_RAM = MachineConfig.DEFAULT_MEMORY;

    /** The frames of one machine are in buffers of 1 MiB. */
    private static final int FRAME_BUFFER = 1 << 20;

    /** Those of a machine that shares RAM are few. */
    private static final int SMALL_FRAME_BUFFER = 64 << 10;

    /** 64 MiB are kept for the frames of other machines. */
    private static final int MOST_FRAME_BUFFERS = 64;

    private final RamPool lowPool = new RamPool(4);
    private final RamPool framePool = new RamPool(MOST_FRAME_BUFFERS);

    private EmulatorEngine() {}

    /** Returns the engine of this JVM. */
    public static EmulatorEngine instance() {
        return INSTANCE;
    }

    @Override
    public String name() {
        return "emulator";
    }

    @Override
    public Capabilities capabilities() {
        Map<Feature, Capabilities.Finding> findings = new EnumMap<>(Feature.class);
        for (Feature feature : Feature.values()) {
            findings.put(feature, new Capabilities.Finding(true, ""));
        }
        return new Capabilities(findings);
    }

    @Override
    public EmulatedMachine createMachine(long memorySize, int vcpus) {
        if (memorySize > MachineConfig.MAX_MEMORY) {
            throw new VmmException("the emulator gives a guest " + (MachineConfig.MAX_MEMORY >> 30)
                    + " GiB of RAM at most, as far as its physical addresses of 36 bits reach; " + memorySize
                    + " bytes were asked for");
        }
        if (vcpus > MOST_VCPUS) {
            throw new VmmException(
                    "the emulator has at most " + MOST_VCPUS + " vCPUs a machine; " + vcpus + " were asked for");
        }
        return new EmulatedMachine(memorySize, vcpus);
    }

    @Override
    public MachineTemplate template(SavedRam memory) {
        SharedRam shared = new SharedRam(memory, smallFrames());
        return new EmulatedTemplate(() -> new EmulatedMachine(shared));
    }

    /** Returns what gives out frames that don't go back to the pool. */
    private FrameAllocator smallFrames() {
        return new FrameAllocator(() -> framePool.take(SMALL_FRAME_BUFFER));
    }

    private static ByteBuffer cleared(ByteBuffer buffer) {
        return buffer.put(0, new byte[buffer.capacity()]);
    }

    /** What a machine's RAM has of the pools. */
    private record PooledRam(ByteBuffer low, FrameAllocator frames) {}

    /** A machine: RAM from the pools and vCPUs. The RAM goes back only after the vCPUs have been kept from using it. */
    public final class EmulatedMachine implements VirtualMachine {

        /** Empty if RAM is shared with other machines. */
        private final Optional<PooledRam> pooled;

        private final Ram ram;
        private final GuestMemory memory;
        private final List<EmulatedVirtualCpu> vcpus = new ArrayList<>();
        private boolean closed;

        private EmulatedMachine(long memorySize, int vcpuCount) {
            ByteBuffer low = lowPool.take((int) (memorySize <= LARGEST_BUFFER ? memorySize : LOW_RAM));
            FrameAllocator frames = new FrameAllocator(() -> framePool.take(FRAME_BUFFER));
            pooled = Optional.of(new PooledRam(low, frames));
            ram = new Ram(new RamMap(memorySize), low, frames);
            memory = ram.guestMemory(() -> {});
            addVcpus(vcpuCount);
        }

        private EmulatedMachine(SharedRam shared) {
            pooled = Optional.empty();
            ram = new Ram(shared, smallFrames());
            memory = ram.guestMemory(() -> {});
            addVcpus(1);
        }

        private void addVcpus(int vcpuCount) {
            RoundRobinScheduler scheduler = new RoundRobinScheduler(vcpuCount);
            for (int i = 0; i < vcpuCount; i++) {
                vcpus.add(new EmulatedVirtualCpu(ram, scheduler, i));
            }
        }

        @Override
        public GuestMemory memory() {
            return memory;
        }

        @Override
        public EmulatedVirtualCpu vcpu(int index) {
            return vcpus.get(index);
        }

        /** Returns the RAM for one of several users, one after the other; each closes what it was given. */
        GuestMemory lendMemory() {
            return ram.guestMemory(() -> {});
        }

        /** Has RAM be what it was at first, and nothing be asked of the vCPU, for the next user. */
        void share() {
            vcpus.forEach(EmulatedVirtualCpu::leave);
            ram.share();
        }

        @Override
        public synchronized void close() {
            if (closed) {
                return;
            }
            closed = true;
            memory.close();
            vcpus.forEach(EmulatedVirtualCpu::close);
            pooled.ifPresent(this::giveBack);
        }

        private void giveBack(PooledRam taken) {
            ram.clearLow();
            lowPool.give(taken.low);
            taken.frames.buffers().stream()
                    .limit(MOST_FRAME_BUFFERS)
                    .forEach(buffer -> framePool.give(cleared(buffer)));
        }
    }
}
