package dev.kvmguest.vmm.internal.emulator;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.VirtualClock;
import dev.kvmguest.vmm.internal.engine.VirtualCpuContract;
import dev.kvmguest.vmm.internal.engine.VmExit;
import org.junit.jupiter.api.Test;

class EmulatedVirtualCpuTests extends VirtualCpuContract {

    EmulatedVirtualCpuTests() {
        super(EmulatorEngine.instance());
    }

    @Test
    void instructionsAreCounted() {
        load(real("90 90 b0 01 f4")); // nop; nop; mov al,1; hlt
        ExecutionObserver observer = vcpu.observer().orElseThrow();

        assertThat(observer.instructions()).isZero();
        assertThat(vcpu.run()).isInstanceOf(VmExit.Halt.class);

        assertThat(observer.instructions()).isEqualTo(4);
    }

    @Test
    void timePassesWithInstructionsOrAsItIsTold() {
        load(real("90 90 90 f4")); // nop; nop; nop; hlt
        VirtualClock clock = (VirtualClock) vcpu.clock();
        long before = clock.time();
        vcpu.run();
        long halted = clock.time();

        clock.advance(3_600_000_000_000L);

        assertThat(halted - before).isEqualTo(4 * 10);
        assertThat(clock.time() - halted).isEqualTo(3_600_000_000_000L);
    }

    @Test
    void instructionThatAwaitsItsInputHasNotBegun() {
        CpuState start = load(flat("e4 10 f4")); // in al,0x10; hlt
        assertThat(vcpu.run())
                .isInstanceOfSatisfying(VmExit.PortIn.class, in -> in.data().put((byte) 0x5a));

        assertThat(vcpu.state()).isEqualTo(start);

        assertThat(vcpu.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(vcpu.register(Register.RAX)).isEqualTo(0x5a);
    }

    @Test
    void codeWrittenByTheHostIsWhatRunsNext() {
        CpuState start = load(real("b0 01 f4")); // mov al,1; hlt
        vcpu.run();

        machine.memory().writeByte(0x1001, 2);
        vcpu.setState(start);
        vcpu.run();

        assertThat(vcpu.register(Register.RAX)).isEqualTo(2);
    }
}
