package dev.kvmguest.vmm.internal.emulator;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.emulator.core.Ram;
import dev.kvmguest.vmm.internal.emulator.exec.RoundRobinScheduler;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Runs guests on an x86 CPU written in Java: on any host, always in the same way, and without native code. */
public final class EmulatorEngine implements Engine {

    /** More would only wait for each other. */
    private static final int MOST_VCPUS = 64;

    private static final EmulatorEngine INSTANCE = new EmulatorEngine();

    private final RamPool pool = new RamPool();

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
        if (memorySize > Integer.MAX_VALUE) {
            throw new VmmException(
                    "the emulator gives a guest less than 2 GiB of RAM; " + memorySize + " bytes were asked for");
        }
        if (vcpus > MOST_VCPUS) {
            throw new VmmException(
                    "the emulator has at most " + MOST_VCPUS + " vCPUs a machine; " + vcpus + " were asked for");
        }
        return new EmulatedMachine(pool.take((int) memorySize), vcpus);
    }

    /** A machine: RAM from the pool and vCPUs. The RAM goes back only after the vCPUs have been kept from using it. */
    public final class EmulatedMachine implements VirtualMachine {

        private final ByteBuffer bytes;
        private final Ram ram;
        private final GuestMemory memory;
        private final List<EmulatedVirtualCpu> vcpus = new ArrayList<>();
        private boolean closed;

        private EmulatedMachine(ByteBuffer zeros, int vcpuCount) {
            bytes = zeros;
            ram = new Ram(zeros);
            memory = ram.guestMemory(() -> {});
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

        @Override
        public synchronized void close() {
            if (closed) {
                return;
            }
            closed = true;
            memory.close();
            vcpus.forEach(EmulatedVirtualCpu::close);
            ram.clear();
            pool.give(bytes);
        }
    }
}
