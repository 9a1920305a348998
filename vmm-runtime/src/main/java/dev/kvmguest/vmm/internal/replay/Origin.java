package dev.kvmguest.vmm.internal.replay;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine.EmulatedMachine;
import dev.kvmguest.vmm.internal.engine.SavedRam;
import dev.kvmguest.vmm.internal.engine.VcpuState;

/** Where a replay starts, and how much of the recording had happened by then. */
public interface Origin {

    /** Returns the image that the guest was booted from, for the names of addresses. */
    GuestImage image();

    /** Returns the size of RAM in bytes. */
    long memorySize();

    /** Returns the number of exchanges that had been recorded by then. */
    long events();

    /**
     * Makes a machine that is there.
     *
     * @throws dev.kvmguest.vmm.config.VmmException if the emulator can't have such a machine
     */
    EmulatedMachine createMachine();

    /**
     * Returns the start of a run. Of a machine with several vCPUs all images are there, but only one vCPU.
     *
     * @param config the machine of that run
     * @param vcpu the number of the vCPU that was recorded
     */
    static Origin boot(MachineConfig config, int vcpu) {
        return new Boot(config, vcpu);
    }

    /**
     * Returns a moment of a run at which its vCPU was saved.
     *
     * @param image the guest's image
     * @param state the vCPU
     * @param memory all RAM as it was then
     * @param events how many exchanges had been recorded by then
     */
    static Origin saved(GuestImage image, VcpuState state, SavedRam memory, long events) {
        return new Saved(image, state, memory, events);
    }

    /** The start of a run, as {@link #boot} says. */
    record Boot(MachineConfig config, int vcpu) implements Origin {

        @Override
        public GuestImage image() {
            return config.vcpus().get(vcpu).image();
        }

        @Override
        public long memorySize() {
            return config.memorySize();
        }

        @Override
        public long events() {
            return 0;
        }

        @Override
        public EmulatedMachine createMachine() {
            EmulatedMachine machine = EmulatorEngine.instance().createMachine(memorySize(), 1);
            try {
                BootLoader loader = new BootLoader(config);
                loader.load(machine.memory());
                loader.enter(vcpu, machine.vcpu(0));
                return machine;
            } catch (RuntimeException e) {
                machine.close();
                throw e;
            }
        }
    }

    /** A moment of a run, as {@link #saved} says. */
    record Saved(GuestImage image, VcpuState state, SavedRam memory, long events) implements Origin {

        @Override
        public long memorySize() {
            return memory.size();
        }

        @Override
        public EmulatedMachine createMachine() {
            EmulatedMachine machine = EmulatorEngine.instance().createMachine(memorySize(), 1);
            try {
                memory.writeTo(machine.memory());
                machine.vcpu(0).restore(state);
                return machine;
            } catch (RuntimeException e) {
                machine.close();
                throw e;
            }
        }
    }
}
