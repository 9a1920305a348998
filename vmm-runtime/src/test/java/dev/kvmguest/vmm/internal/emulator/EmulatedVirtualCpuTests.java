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
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
    void placesThatAreWatchedAreReachedByJumpsAndCalls() {
        EmulatedVirtualCpu cpu = (EmulatedVirtualCpu) vcpu;
        // mov esp,0x900; call 0x100e; jmp 0x100f; nop; nop; 0x100e: ret; 0x100f: hlt
        load(flat("bc 00 09 00 00 e8 04 00 00 00 eb 03 90 90 c3 f4"));
        cpu.watch(Set.of(0x100cL, 0x100eL, 0x100fL));
        assertThat(cpu.unreached()).hasSize(3);

        vcpu.run();

        assertThat(cpu.unreached()).containsExactly(0x100cL);
    }

    @Test
    void placesThatWereReachedBeforeAreWatchedLikeOthers() {
        EmulatedVirtualCpu cpu = (EmulatedVirtualCpu) vcpu;
        load(flat("e6 80 eb fc")); // here: out 0x80,al; jmp here
        vcpu.run();
        vcpu.run();
        assertThat(cpu.unreached()).isEmpty();

        cpu.watch(Set.of(0x1000L));
        vcpu.run();

        assertThat(cpu.unreached()).isEmpty();
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

    /** The code ends with HLT; what is read is 0. */
    @ParameterizedTest
    @CsvSource({
        "in al, e4 10 f4, 2, 1",
        "in eax, e5 10 f4, 2, 1",
        "out al, e6 10 f4, 2, 1",
        "mov cl 3; rep insb, b1 03 f3 6c f4, 3, 3",
        "mov cl 3; rep outsd, b1 03 f3 6f f4, 3, 3",
        "insw, 66 6d f4, 2, 1"
    })
    void accessToAPortTakesAMicrosecondAndIsOneInstruction(String text, String code, int instructions, int accesses) {
        load(flat(code));
        long before = vcpu.clock().time();
        VmExit exit;
        do {
            exit = vcpu.run();
        } while (exit instanceof VmExit.PortIn || exit instanceof VmExit.PortOut);

        assertThat(exit).isInstanceOf(VmExit.Halt.class);
        assertThat(vcpu.observer().orElseThrow().instructions()).isEqualTo(instructions);
        assertThat(vcpu.clock().time() - before).isEqualTo(instructions * 10 + accesses * 1000);
    }

    @Test
    void deviceSeesTheTimeAtWhichItsPortWasRead() {
        load(flat("90 e4 10 f4")); // nop; in al,0x10; hlt
        long before = vcpu.clock().time();
        vcpu.run();

        assertThat(vcpu.clock().time() - before).isEqualTo(10 + 1000);
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
