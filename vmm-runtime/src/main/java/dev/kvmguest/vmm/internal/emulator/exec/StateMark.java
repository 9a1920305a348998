package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import java.util.Arrays;

/** An instruction and general registers, to which a guest may come back. */
final class StateMark {

    private final Cpu cpu;
    private final long eip;
    private final long[] general;
    private long looked;

    StateMark(Cpu cpu) {
        this.cpu = cpu;
        this.eip = cpu.eip;
        this.general = cpu.registers.gpr.clone();
        this.looked = cpu.retired;
    }

    /** Returns whether the guest is there. */
    boolean isHere() {
        return cpu.eip == eip && Arrays.equals(cpu.registers.gpr, general);
    }

    /** Looks before an instruction; returns whether the guest has come there since it was last asked so. */
    boolean isReached() {
        if (!isHere() || cpu.retired == looked || cpu.host.hasAnswers()) {
            return false;
        }
        looked = cpu.retired;
        return true;
    }
}
