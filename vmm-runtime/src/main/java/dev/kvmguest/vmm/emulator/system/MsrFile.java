package dev.kvmguest.vmm.emulator.system;

import dev.kvmguest.vmm.emulator.Cpu;

/** The model-specific registers. */
public final class MsrFile {

    private final Cpu cpu;

    public MsrFile(Cpu cpu) {
        this.cpu = cpu;
    }
}
