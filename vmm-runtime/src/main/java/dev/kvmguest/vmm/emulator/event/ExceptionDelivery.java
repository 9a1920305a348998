package dev.kvmguest.vmm.emulator.event;

import dev.kvmguest.vmm.emulator.Cpu;

/** Delivers exceptions and interrupts through the IVT or the IDT (Intel SDM volume 3A, chapter 6). */
public final class ExceptionDelivery {

    private final Cpu cpu;

    public ExceptionDelivery(Cpu cpu) {
        this.cpu = cpu;
    }

    /**
     * Delivers an exception that an instruction has raised; EIP is that to be pushed. Exceptions on the way become
     * another one or a double fault.
     *
     * @return false if it ended in a triple fault
     */
    public boolean deliver(CpuFault fault) {
        throw new UnsupportedOperationException(cpu + " " + fault);
    }

    /**
     * Delivers an external interrupt.
     *
     * @return false if it ended in a triple fault
     */
    public boolean interrupt(int vector) {
        throw new UnsupportedOperationException(cpu + " " + vector);
    }
}
