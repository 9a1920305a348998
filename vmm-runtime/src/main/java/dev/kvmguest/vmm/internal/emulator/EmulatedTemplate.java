package dev.kvmguest.vmm.internal.emulator;

import dev.kvmguest.vmm.internal.emulator.EmulatorEngine.EmulatedMachine;
import dev.kvmguest.vmm.internal.engine.PooledTemplate;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.function.Supplier;

/** Emulated machines with shared RAM. Those that wait for their next use have their decoded code still. */
final class EmulatedTemplate extends PooledTemplate<EmulatedMachine> {

    private final Supplier<EmulatedMachine> maker;

    EmulatedTemplate(Supplier<EmulatedMachine> maker) {
        this.maker = maker;
    }

    @Override
    protected EmulatedMachine make() {
        return maker.get();
    }

    @Override
    protected GuestMemory lend(EmulatedMachine machine) {
        return machine.lendMemory();
    }

    @Override
    protected void reset(EmulatedMachine machine) {
        machine.share();
    }

    @Override
    protected void free() {
        // The shared RAM is the garbage collector's.
    }
}
