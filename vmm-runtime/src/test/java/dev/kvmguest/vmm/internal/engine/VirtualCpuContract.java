package dev.kvmguest.vmm.internal.engine;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.OwnThread;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every engine's vCPU does. A subclass names the engine, and adds what only its vCPUs do. */
@Timeout(60)
public abstract class VirtualCpuContract {

    protected final VirtualMachine machine;
    protected final VirtualCpu vcpu;

    protected VirtualCpuContract(Engine engine) {
        machine = engine.createMachine(1 << 20, 1);
        vcpu = machine.vcpu(0);
    }

    @AfterEach
    void close() {
        machine.close();
    }

    @Test
    void stateReadIsTheStateSet() {
        CpuState flat = load(flat("f4"));
        CpuState state = flat.with(builder -> {
            for (Register register : Register.values()) {
                if (register.isGeneral()) {
                    builder.set(register, 0x1111_1111L * (register.ordinal() + 1));
                }
            }
            return builder.set(Register.CR2, 0xdead_b000L);
        });

        vcpu.setState(state);

        assertThat(vcpu.state()).isEqualTo(state);
        assertThat(vcpu.register(Register.RBX)).isEqualTo(state.get(Register.RBX));
        assertThat(vcpu.register(Register.CR2)).isEqualTo(0xdead_b000L);
    }

    @Test
    void registersAreThoseOfTheStateThatWasSetLastAlsoBehindARun() {
        CpuState entry = load(real("bb 34 12 f4")); // mov bx,0x1234; hlt
        assertThat(vcpu.register(Register.RBX)).isZero();

        assertThat(vcpu.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(vcpu.register(Register.RBX)).isEqualTo(0x1234);
        assertThat(vcpu.register(Register.RIP)).isEqualTo(0x1004);

        vcpu.setState(entry.with(state -> state.set(Register.RBX, 7)));
        assertThat(vcpu.register(Register.RBX)).isEqualTo(7);
        assertThat(vcpu.register(Register.RIP)).isEqualTo(0x1000);
        assertThat(vcpu.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(vcpu.register(Register.RBX)).isEqualTo(0x1234);
    }

    @Test
    void singleStepStopsAfterEachInstruction() {
        load(real("b0 01 b0 02 f4")); // mov al,1; mov al,2; hlt
        vcpu.debug().setSingleStep(true);

        assertThat(vcpu.run()).isInstanceOf(VmExit.SingleStep.class);
        assertThat(vcpu.state().eip()).isEqualTo(0x1002);
        assertThat(vcpu.register(Register.RAX)).isEqualTo(1);
        assertThat(vcpu.run()).isInstanceOf(VmExit.SingleStep.class);
        assertThat(vcpu.register(Register.RAX)).isEqualTo(2);
        vcpu.debug().setSingleStep(false);
        assertThat(vcpu.run()).isInstanceOf(VmExit.Halt.class);
    }

    @Test
    void singleStepGoesOnFromAnotherState() {
        CpuState entry = load(real("90 b0 01 b0 02 f4")); // nop; mov al,1; mov al,2; hlt
        vcpu.debug().setSingleStep(true);
        assertThat(vcpu.run()).isInstanceOf(VmExit.SingleStep.class);

        vcpu.setState(entry.with(state -> state.set(Register.RIP, 0x1003)));

        assertThat(vcpu.run()).isInstanceOf(VmExit.SingleStep.class);
        assertThat(vcpu.state().eip()).isEqualTo(0x1005);
    }

    @Test
    void secondInterruptHasToWaitForTheFirst() {
        // mov word [0x80],0x100a; sti; nop; here: jmp here; 0x100a: mov al,5; out 0xf4,al
        load(realWithVectors("c7 06 80 00 0a 10 fb 90 eb fe b0 05 e6 f4"));
        vcpu.setInterruptWindow(true);
        assertThat(vcpu.run()).isInstanceOf(VmExit.InterruptWindow.class);
        vcpu.setInterruptWindow(false);
        vcpu.injectInterrupt(0x20);

        assertThat(vcpu.canInjectInterrupt()).isFalse();
        assertThatThrownBy(() -> vcpu.injectInterrupt(0x21)).isInstanceOf(IllegalStateException.class);

        assertThat(vcpu.run()).isInstanceOf(VmExit.PortOut.class);
        assertThat(vcpu.register(Register.RAX)).isEqualTo(5);
    }

    @Test
    void interruptIsDeliveredWhenTheWindowOpens() {
        // mov word [0x80],0x100c; nop; out 0xe9,al; sti; here: jmp here; 0x100c: mov al,5; out 0xf4,al
        load(realWithVectors("c7 06 80 00 0c 10 90 e6 e9 fb eb fe b0 05 e6 f4"));
        assertThat(vcpu.run()).isInstanceOf(VmExit.PortOut.class);
        assertThat(vcpu.canInjectInterrupt()).isFalse();
        assertThatThrownBy(() -> vcpu.injectInterrupt(0x20))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the guest takes no external interrupt now; wait for the interrupt window");

        vcpu.setInterruptWindow(true);
        assertThat(vcpu.run()).isInstanceOf(VmExit.InterruptWindow.class);
        assertThat(vcpu.canInjectInterrupt()).isTrue();
        vcpu.setInterruptWindow(false);
        vcpu.injectInterrupt(0x20);

        assertThat(vcpu.run()).isInstanceOfSatisfying(VmExit.PortOut.class, out -> assertThat(out.port())
                .isEqualTo(0xf4));
        CpuState state = vcpu.state();
        assertThat(state.interruptsEnabled()).isFalse();
        assertThat(state.get(Register.RSP)).isEqualTo(0x1_0000 - 6);
        assertThat(machine.memory().readShort(0xfffa)).isEqualTo(0x100a);
    }

    @Test
    void vectorOutOfRangeIsRefused() {
        assertThatThrownBy(() -> vcpu.injectInterrupt(256))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("interrupt vector 256 is not between 0 and 255");
    }

    @Test
    void interruptBeforeTheRunEndsTheNextRunAndOnlyThat() {
        load(real("f4"));
        vcpu.interrupt();

        assertThat(vcpu.run()).isInstanceOf(VmExit.Interrupted.class);
        assertThat(vcpu.run()).isInstanceOf(VmExit.Halt.class);
    }

    @Test
    void interruptFromAnotherThreadEndsASpinningRun() throws Exception {
        load(real("eb fe")); // here: jmp here
        CountDownLatch started = new CountDownLatch(1);
        CompletableFuture<VmExit> exit = OwnThread.supply(() -> {
            started.countDown();
            return vcpu.run();
        });
        started.await();

        vcpu.interrupt();

        assertThat(exit.get()).isInstanceOf(VmExit.Interrupted.class);
    }

    @Test
    void stormOfInterruptsIsTakenOneRunAtATimeAndHarmsNobody() throws Exception {
        load(real("eb fe")); // here: jmp here
        CompletableFuture<Void> storm = OwnThread.run(() -> {
            for (int i = 0; i < 20_000; i++) {
                vcpu.interrupt();
            }
        });
        while (!storm.isDone()) {
            vcpu.interrupt();
            assertThat(vcpu.run()).isInstanceOf(VmExit.Interrupted.class);
        }
        storm.get();
        machine.close();

        vcpu.interrupt(); // after the end: nothing happens
    }

    @Test
    void interruptNeverTakesThePlaceOfWhatTheHostIsAsked() throws Exception {
        load(real("e4 10 e6 11 eb fa")); // again: in al,0x10; out 0x11,al; jmp again
        CompletableFuture<Void> storm = OwnThread.run(() -> {
            for (int i = 0; i < 200_000; i++) {
                vcpu.interrupt();
            }
        });
        int expected = 0;
        int asked = 0;
        while (!storm.isDone() || asked < 1000) {
            VmExit exit = vcpu.run();
            if (exit instanceof VmExit.PortIn in) {
                asked++;
                in.data().put((byte) asked);
            } else if (exit instanceof VmExit.PortOut out) {
                expected++;
                assertThat(out.data().get()).isEqualTo((byte) expected);
            }
        }
        assertThat(asked - expected).isBetween(0, 1);
    }

    @Test
    void alarmEndsASpinningRunWhenItsTimeHasCome() {
        load(real("eb fe")); // here: jmp here
        long time = vcpu.clock().time() + 3_000_000;
        vcpu.clock().setAlarm(time);

        assertThat(vcpu.run()).isInstanceOf(VmExit.Interrupted.class);
        assertThat(vcpu.clock().time()).isGreaterThanOrEqualTo(time);
    }

    @Test
    void alarmThatIsTakenBackOrFarAwayEndsNoRun() {
        load(real("b9 ff ff e2 fe e6 e9 f4")); // mov cx,0xffff; here: loop here; out 0xe9,al; hlt
        vcpu.clock().setAlarm(vcpu.clock().time() + 3_600_000_000_000L);
        assertThat(vcpu.run()).isInstanceOf(VmExit.PortOut.class);

        vcpu.clock().setAlarm(0);
        vcpu.clock().setAlarm(GuestClock.NEVER);

        VmExit exit = vcpu.run();
        // What has gone off already may still end one run, and no other.
        assertThat(exit instanceof VmExit.Interrupted ? vcpu.run() : exit).isInstanceOf(VmExit.Halt.class);
    }

    @Test
    void stateSetAfterAnInputExitIsNotOverwrittenByTheInput() {
        CpuState start = load(real("e4 10 f4")); // in al,0x10; hlt
        assertThat(vcpu.run())
                .isInstanceOfSatisfying(VmExit.PortIn.class, in -> in.data().put((byte) 0x5a));

        vcpu.setState(start);

        assertThat(vcpu.run())
                .isInstanceOfSatisfying(VmExit.PortIn.class, in -> in.data().put((byte) 0x5b));
        assertThat(vcpu.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(vcpu.state().get(Register.RAX)).isEqualTo(0x5b);
    }

    @Test
    void vcpuOfAClosedMachineRefusesEveryUse() {
        load(real("e4 10 f4")); // in al,0x10; hlt
        vcpu.run();
        machine.close();
        machine.close();

        for (ThrowingCallable use : List.<ThrowingCallable>of(
                vcpu::state,
                vcpu::run,
                vcpu::canInjectInterrupt,
                () -> vcpu.setInterruptWindow(true),
                () -> vcpu.debug().setSingleStep(true),
                () -> vcpu.register(Register.RAX))) {
            assertThatThrownBy(use).isInstanceOf(IllegalStateException.class).hasMessage("vCPU 0 is closed");
        }
    }

    @Test
    void segmentRegistersKeepSelectorBaseLimitAndRights() {
        load(flat("8e db f4")); // mov ds,bx (null selector); hlt
        assertThat(vcpu.run()).isInstanceOf(VmExit.Halt.class);

        assertThat(vcpu.state().segment(SegmentRegister.DS).selector()).isZero();
        assertThat(vcpu.state().segment(SegmentRegister.CS).limit()).isEqualTo(0xffff_ffffL);
        assertThat(vcpu.state().segment(SegmentRegister.CS).default32()).isTrue();
    }

    /** Loads a guest and its state at entry, and returns that. */
    protected final CpuState load(VcpuConfig guest) {
        CpuState state = BootLoader.load(machine.memory(), List.of(guest)).get(0);
        vcpu.setState(state);
        return state;
    }
}
