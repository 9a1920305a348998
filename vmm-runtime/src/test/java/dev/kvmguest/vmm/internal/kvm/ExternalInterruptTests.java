package dev.kvmguest.vmm.internal.kvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.engine.VmExit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Interrupts that the host injects: when the guest takes them, and through what. */
@OnEachEngineAndMode
@Timeout(60)
class ExternalInterruptTests {

    private static final int IRQ = 0x20;
    private static final long ON = CpuState.EFLAGS_FIXED | CpuState.EFLAGS_IF;

    private final SystemGuest guest;

    ExternalInterruptTests(EngineChoice engine, BootMode mode) {
        guest = new SystemGuest(engine, mode);
    }

    @AfterEach
    void close() {
        guest.close();
    }

    @Test
    void windowOpensOnlyWhenInterruptsAreOnAndTheirShadowIsOver() {
        guest.start("40 40 e6 e9 fb 40 40 f4"); // inc eax; inc eax; out 0xe9,al; sti; inc eax; inc eax; hlt
        guest.vcpu().setInterruptWindow(true);

        assertThat(guest.run()).isInstanceOf(VmExit.PortOut.class);
        assertThat(guest.vcpu().canInjectInterrupt()).isFalse();
        assertThatIllegalStateException().isThrownBy(() -> guest.vcpu().injectInterrupt(IRQ));

        assertThat(guest.run()).isInstanceOf(VmExit.InterruptWindow.class);
        assertThat(guest.vcpu().canInjectInterrupt()).isTrue();
        assertThat(guest.get(Register.RAX)).isEqualTo(3);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.code() + 6);
    }

    @Test
    void noInterruptIsTakenRightBehindSti() {
        guest.start("fb 90 f4"); // sti; nop; hlt
        guest.vcpu().debug().setSingleStep(true);

        assertThat(guest.run()).isInstanceOf(VmExit.SingleStep.class);

        // On QEMU, as the processor below KVM, the first step ends behind the next instruction.
        boolean overNext = guest.get(Register.RIP) == guest.code() + 2;
        assertThat(guest.vcpu().canInjectInterrupt()).isEqualTo(overNext);
    }

    @Test
    void interruptsStayOffBetweenStiAndCli() {
        guest.start("fb fa fb fa f4"); // sti; cli; sti; cli; hlt
        guest.vcpu().setInterruptWindow(true);

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.vcpu().canInjectInterrupt()).isFalse();
    }

    @Test
    void windowThatIsNoLongerWantedDoesNotOpen() {
        guest.start("e6 e9 fb 90 90 f4"); // out 0xe9,al; sti; nop; nop; hlt
        guest.vcpu().setInterruptWindow(true);
        assertThat(guest.run()).isInstanceOf(VmExit.PortOut.class);

        guest.vcpu().setInterruptWindow(false);

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
    }

    @Test
    void injectedInterruptGoesThroughItsGateAndComesBack() {
        guest.handler(IRQ, "9c 5b b1 07 e6 e9 cf"); // pushfd; pop ebx; mov cl,7; out 0xe9,al; iretd
        guest.start("fb 90 88 c8 f4"); // sti; nop; mov al,cl; hlt
        openWindow();

        guest.vcpu().injectInterrupt(IRQ);

        assertThat(guest.run()).isInstanceOf(VmExit.PortOut.class);
        assertThat(guest.get(Register.RBX)).isEqualTo(CpuState.EFLAGS_FIXED);
        assertThat(guest.stack(0)).isEqualTo(guest.code() + 2);
        assertThat(guest.stack(1)).isEqualTo(SystemGuest.CODE_SELECTOR);
        assertThat(guest.stack(2)).isEqualTo(ON);
        assertThat(guest.vcpu().canInjectInterrupt()).isFalse();
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RAX)).isEqualTo(7);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.code() + 5);
        assertThat(guest.get(Register.RSP)).isEqualTo(SystemGuest.STACK);
    }

    @Test
    void interruptTakesRing3ToTheStackOfTheTask() {
        guest.handler(IRQ, "f4"); // hlt
        guest.startInRing3("90 eb fe"); // nop; here: jmp here
        openWindow();

        guest.vcpu().injectInterrupt(IRQ);

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.handler(IRQ) + 1);
        assertThat(guest.get(Register.RSP)).isEqualTo(SystemGuest.TASK_STACK - 20);
        assertThat(guest.stack(1)).isEqualTo(SystemGuest.USER_CODE_SELECTOR);
        assertThat(guest.stack(3)).isEqualTo(SystemGuest.USER_STACK);
        assertThat(guest.stack(4)).isEqualTo(SystemGuest.USER_DATA_SELECTOR);
    }

    @Test
    void haltedGuestGoesOnInTheHandlerAndThenBehindItsHlt() {
        guest.handler(IRQ, "40 cf"); // inc eax; iretd
        guest.start("fb f4 43 fa f4"); // sti; hlt; inc ebx; cli; hlt
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.code() + 2);
        assertThat(guest.vcpu().canInjectInterrupt()).isTrue();

        guest.vcpu().injectInterrupt(IRQ);

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RAX)).isEqualTo(1);
        assertThat(guest.get(Register.RBX)).isEqualTo(1);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.code() + 5);
        assertThat(guest.get(Register.RSP)).isEqualTo(SystemGuest.STACK);
    }

    @Test
    void eachOfManyInterruptsIsTakenOnce() {
        guest.handler(IRQ, "40 cf"); // inc eax; iretd
        guest.handler(IRQ + 1, "83 c3 10 cf"); // add ebx,0x10; iretd
        guest.start("fb f4 eb fd"); // sti; here: hlt; jmp here

        for (int i = 0; i < 200; i++) {
            assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
            assertThat(guest.vcpu().canInjectInterrupt()).isTrue();
            guest.vcpu().injectInterrupt(IRQ + i % 2);
        }

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RAX)).isEqualTo(100);
        assertThat(guest.get(Register.RBX)).isEqualTo(100 * 0x10);
        assertThat(guest.get(Register.RSP)).isEqualTo(SystemGuest.STACK);
    }

    @Test
    void handlerWhoseFirstInstructionFaultsGoesOnAfterwards() {
        guest.handler(IRQ, "0f 0b b1 01 cf"); // ud2; mov cl,1; iretd
        guest.handler(6, "b3 01 83 04 24 02 cf"); // mov bl,1; add dword [esp],2; iretd
        guest.start("fb f4 f4"); // sti; hlt; hlt
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);

        guest.vcpu().injectInterrupt(IRQ);

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RCX)).isOne();
        assertThat(guest.get(Register.RBX)).isOne();
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.code() + 3);
    }

    private void openWindow() {
        guest.vcpu().setInterruptWindow(true);
        assertThat(guest.run()).isInstanceOf(VmExit.InterruptWindow.class);
        guest.vcpu().setInterruptWindow(false);
    }
}
