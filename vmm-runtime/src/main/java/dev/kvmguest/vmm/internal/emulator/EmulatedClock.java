package dev.kvmguest.vmm.internal.emulator;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.engine.VirtualClock;

/** An emulated vCPU's clock: so many nanoseconds an instruction and a port access, and what passed halted. */
final class EmulatedClock implements VirtualClock {

    private final Cpu cpu;
    private long alarm = NEVER;

    EmulatedClock(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public long time() {
        return cpu.time();
    }

    @Override
    public void advance(long nanos) {
        cpu.advance(nanos);
    }

    @Override
    public void setAlarm(long time) {
        alarm = time;
    }

    /** Returns the number of retired instructions at which the alarm is due; {@link #NEVER} if it isn't set. */
    long retiredAtAlarm() {
        return alarm == NEVER ? NEVER : cpu.retiredAt(alarm);
    }
}
