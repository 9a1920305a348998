package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.internal.engine.MachineTemplate;
import dev.kvmguest.vmm.internal.engine.SavedRam;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.memory.MemoryLayout;
import java.util.Optional;

/**
 * A machine with one vCPU as it was at a moment between two instructions, for others that go on from there. Any thread
 * may make one of it.
 *
 * @param config its configuration
 * @param engine its engine, and why it
 * @param layout what was placed where in its memory at boot
 * @param framebuffer the framebuffer that its guest was told of
 * @param memory its RAM, for machines of the same engine
 * @param usedBytes the bytes of those of its pages that aren't all zero
 * @param run its vCPU, and what is around it
 */
public record SavedMachine(
        MachineConfig config,
        EngineSelection engine,
        MemoryLayout layout,
        Optional<LinearFramebuffer> framebuffer,
        MachineTemplate memory,
        long usedBytes,
        SavedRun run) {

    /**
     * Returns the same machine for another engine.
     *
     * @throws VmmException if that can't go on from there
     */
    public SavedMachine on(EngineSelection other) {
        MachineTemplate template = other.engine().template(ram());
        try (VirtualMachine machine = template.createMachine()) {
            return new SavedMachine(
                    config,
                    other,
                    layout,
                    framebuffer,
                    template,
                    usedBytes,
                    run.carriedTo(machine.vcpu(0).save()));
        } catch (RuntimeException e) {
            template.close();
            throw e;
        }
    }

    private SavedRam ram() {
        try (VirtualMachine machine = memory.createMachine()) {
            return SavedRam.of(machine.memory());
        }
    }
}
