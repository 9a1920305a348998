package dev.kvmguest.vmm.emulator;

import dev.kvmguest.vmm.GuestMemory;
import dev.kvmguest.vmm.VmmException;
import dev.kvmguest.vmm.emulator.memory.Ram;
import dev.kvmguest.vmm.engine.Capabilities;
import dev.kvmguest.vmm.engine.Engine;
import dev.kvmguest.vmm.engine.Feature;
import dev.kvmguest.vmm.engine.VirtualMachine;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Runs guests on an x86 CPU written in Java: on any host, always in the same way, and without native code. */
public final class EmulatorEngine implements Engine {

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
    public VirtualMachine createMachine(long memorySize, int vcpus) {
        if (memorySize > Integer.MAX_VALUE) {
            throw new VmmException(
                    "the emulator gives a guest less than 2 GiB of RAM; " + memorySize + " bytes were asked for");
        }
        return new EmulatedMachine(pool.take((int) memorySize), vcpus);
    }

    /** A machine: RAM from the pool and vCPUs. */
    private final class EmulatedMachine implements VirtualMachine {

        private final GuestMemory memory;
        private final List<EmulatedVirtualCpu> vcpus = new ArrayList<>();

        EmulatedMachine(ByteBuffer zeros, int vcpuCount) {
            Ram ram = new Ram(zeros);
            Turns turns = new Turns(vcpuCount);
            memory = ram.guestMemory(() -> {
                ram.clear();
                pool.give(zeros);
            });
            for (int i = 0; i < vcpuCount; i++) {
                vcpus.add(new EmulatedVirtualCpu(ram, turns, i));
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
        public void close() {
            memory.close();
        }
    }
}
