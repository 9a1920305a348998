package dev.kvmguest.vmm.internal.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Single-stepping outside real mode: the host sees the guest between any two instructions. */
@OnEachEngineAndMode
@Timeout(60)
class SteppingTests {

    private static final int IRQ = 0x20;
    private static final int TF = 1 << 8;
    private static final int IF = (int) CpuState.EFLAGS_IF;

    private final EngineChoice engine;
    private final SystemGuest guest;

    SteppingTests(EngineChoice engine, BootMode mode) {
        this.engine = engine;
        guest = new SystemGuest(engine, mode);
    }

    @AfterEach
    void close() {
        guest.close();
    }

    @Test
    void everyInstructionIsAStep() {
        // mov ecx,2; again: push ecx; pop edx; loop again; push edx; pop eax; hlt
        guest.start("b9 02 00 00 00 51 5a e2 fc 52 58 f4");
        guest.vcpu().debug().setSingleStep(true);

        assertThat(steps(9)).containsExactly(5L, 6L, 7L, 5L, 6L, 7L, 9L, 10L, 11L);
        assertThat(guest.get(Register.RDX)).isOne();
        guest.vcpu().debug().setSingleStep(false);
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.code() + 12);
    }

    @Test
    void steppingCanBeginAndEndAnywhere() {
        guest.start("40 e6 e9 40 40 40 f4"); // inc eax; out 0xe9,al; inc eax; inc eax; inc eax; hlt
        assertThat(guest.run()).isInstanceOf(VmExit.PortOut.class);
        assertThat(guest.vcpu().state().eip()).isEqualTo(guest.code() + 3);

        guest.vcpu().debug().setSingleStep(true);
        assertThat(steps(2)).containsExactly(4L, 5L);
        guest.vcpu().debug().setSingleStep(false);

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RAX)).isEqualTo(4);
    }

    @Test
    void portAccessIsAnExitAndThenAStepAlsoIfTheStateIsReadBetween() {
        guest.start("40 e6 e9 40 e6 e9 40 f4"); // inc eax; out 0xe9,al; inc eax; out 0xe9,al; inc eax; hlt
        guest.vcpu().debug().setSingleStep(true);

        assertThat(steps(1)).containsExactly(1L);
        assertThat(guest.run()).isInstanceOf(VmExit.PortOut.class);
        assertThat(steps(2)).containsExactly(3L, 4L);
        assertThat(guest.run()).isInstanceOf(VmExit.PortOut.class);
        assertThat(guest.vcpu().state().eip()).isEqualTo(guest.code() + 6);
        assertThat(steps(2)).containsExactly(6L, 7L);
    }

    @Test
    void interruptIsTakenBetweenTwoStepsAndItsHandlerSteppedAsTheEngineCan() {
        guest.handler(IRQ, "43 cf"); // inc ebx; iretd
        guest.start("fb 90 90 90 f4"); // sti; nop; nop; nop; hlt
        openWindow();
        guest.vcpu().debug().setSingleStep(true);
        assertThat(steps(1)).containsExactly(3L);

        guest.vcpu().injectInterrupt(IRQ);

        // KVM, which steps by TF, has it in the frame, and takes it from there for the step behind IRET.
        boolean kvm = engine == EngineChoice.KVM;
        long handler = guest.handler(IRQ) - guest.code();
        assertThat(steps(kvm ? 1 : 3)).isEqualTo(kvm ? List.of(4L) : List.of(handler + 1, 3L, 4L));
        assertThat(guest.memory().readInt(SystemGuest.STACK - 4))
                .isEqualTo((int) CpuState.EFLAGS_FIXED | IF | (kvm ? TF : 0));
        assertThat(guest.get(Register.RBX)).isOne();
    }

    @Test
    void steppingEndsBehindAHandlerAndTheGuestIsNoneTheWiser() {
        guest.handler(IRQ, "43 cf"); // inc ebx; iretd
        guest.handler(1, "f4"); // hlt
        guest.start("fb 90 90 90 9c 58 f4"); // sti; nop; nop; nop; pushfd; pop eax; hlt
        openWindow();
        guest.vcpu().debug().setSingleStep(true);
        guest.vcpu().injectInterrupt(IRQ);
        do {
            assertThat(guest.run()).isInstanceOf(VmExit.SingleStep.class);
        } while (guest.get(Register.RIP) != guest.code() + 3);

        guest.vcpu().debug().setSingleStep(false);

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.code() + 7);
        assertThat(guest.get(Register.RBX)).isOne();
        assertThat(guest.get(Register.RAX)).isEqualTo(CpuState.EFLAGS_FIXED | IF);
    }

    @Test
    void steppingGoesOnBehindAnExitOfTheHandlerOfAFault() {
        guest.handler(6, "43 e6 e9 43 83 04 24 02 cf"); // inc ebx; out 0xe9,al; inc ebx; add dword [esp],2; iretd
        guest.start("90 0f 0b 90 f4"); // nop; ud2; nop; hlt
        guest.vcpu().debug().setSingleStep(true);
        VmExit exit;
        do {
            exit = guest.run();
        } while (exit instanceof VmExit.SingleStep);
        assertThat(exit).isInstanceOf(VmExit.PortOut.class);

        long handler = guest.handler(6) - guest.code();
        assertThat(steps(3)).containsExactly(handler + 3, handler + 4, handler + 8);
        assertThat(guest.get(Register.RBX)).isEqualTo(2);
    }

    private void openWindow() {
        guest.vcpu().setInterruptWindow(true);
        assertThat(guest.run()).isInstanceOf(VmExit.InterruptWindow.class);
        guest.vcpu().setInterruptWindow(false);
    }

    /** Returns how far behind the start of the code each of the next steps ends. */
    private List<Long> steps(int count) {
        List<Long> ends = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            assertThat(guest.run()).isInstanceOf(VmExit.SingleStep.class);
            ends.add(guest.get(Register.RIP) - guest.code());
        }
        return ends;
    }
}
