package dev.kvmguest.vmm.emulator;

import dev.kvmguest.vmm.CpuState;
import dev.kvmguest.vmm.Register;
import dev.kvmguest.vmm.emulator.memory.Ram;
import dev.kvmguest.vmm.engine.VirtualCpu;
import dev.kvmguest.vmm.engine.VmExit;
import java.util.OptionalLong;

/** An emulated vCPU behind the engine seam. */
final class EmulatedVirtualCpu implements VirtualCpu {

    private final Cpu cpu;
    private final Emulator emulator;
    private final Turns turns;
    private final int number;

    EmulatedVirtualCpu(Ram ram, Turns turns, int number) {
        this.cpu = new Cpu(ram);
        this.emulator = new Emulator(cpu, ram);
        this.turns = turns;
        this.number = number;
    }

    @Override
    public CpuState state() {
        return cpu.state();
    }

    @Override
    public void setState(CpuState state) {
        emulator.reset();
        cpu.setState(state);
    }

    @Override
    public long register(Register register) {
        return cpu.register(register);
    }

    @Override
    public VmExit run() {
        while (true) {
            if (!turns.take(number, cpu)) {
                return new VmExit.Interrupted();
            }
            VmExit exit = emulator.run(turns.end(number));
            if (exit != null) {
                return exit;
            }
            turns.pass(number);
        }
    }

    @Override
    public void interrupt() {
        cpu.interrupt();
        turns.wake();
    }

    @Override
    public void injectInterrupt(int vector) {
        if (vector < 0 || vector > 255) {
            throw new IllegalArgumentException("interrupt vector " + vector + " is not between 0 and 255");
        }
        if (!canInjectInterrupt()) {
            throw new IllegalStateException("the guest takes no external interrupt now; wait for the interrupt window");
        }
        emulator.inject(vector);
    }

    @Override
    public boolean canInjectInterrupt() {
        return emulator.canInject();
    }

    @Override
    public void setInterruptWindow(boolean wanted) {
        emulator.setInterruptWindow(wanted);
    }

    @Override
    public void setSingleStep(boolean on) {
        emulator.setSingleStep(on);
    }

    @Override
    public OptionalLong instructions() {
        return OptionalLong.of(cpu.retired());
    }

    @Override
    public void leave() {
        turns.leave(number);
    }
}
