package dev.kvmguest.vmm.internal.emulator.isa.x87;

import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.decode.Operation;

/** The pin FERR#, by which errors are reported if CR0.NE is clear (Intel SDM volume 1, appendix D.2). */
public final class FpuErrorPin {

    private FpuErrorPin() {}

    /** Returns an operation that may clear or mask errors, and says so outside if it has. */
    public static Operation clearing(Operation operation) {
        return (cpu, i) -> {
            boolean before = FpuChecks.hasErrorOutside(cpu);
            operation.execute(cpu, i);
            if (before && !FpuChecks.hasErrorOutside(cpu)) {
                cpu.host.fpuErrorCleared();
            }
        };
    }
}
