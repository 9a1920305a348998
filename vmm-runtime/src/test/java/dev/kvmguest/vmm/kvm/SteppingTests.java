package dev.kvmguest.vmm.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.BootMode;
import dev.kvmguest.vmm.EngineChoice;
import dev.kvmguest.vmm.Register;
import dev.kvmguest.vmm.engine.VmExit;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Single-stepping outside real mode: the host sees the guest between any two instructions. */
@OnEachEngineAndMode
@Timeout(60)
class SteppingTests {

    private final SystemGuest guest;

    SteppingTests(EngineChoice engine, BootMode mode) {
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
        guest.vcpu().setSingleStep(true);

        assertThat(steps(9)).containsExactly(5L, 6L, 7L, 5L, 6L, 7L, 9L, 10L, 11L);
        assertThat(guest.get(Register.RDX)).isOne();
        guest.vcpu().setSingleStep(false);
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.code() + 12);
    }

    @Test
    void steppingCanBeginAndEndAnywhere() {
        guest.start("40 e6 e9 40 40 40 f4"); // inc eax; out 0xe9,al; inc eax; inc eax; inc eax; hlt
        assertThat(guest.run()).isInstanceOf(VmExit.PortOut.class);
        assertThat(guest.vcpu().state().eip()).isEqualTo(guest.code() + 3);

        guest.vcpu().setSingleStep(true);
        assertThat(steps(2)).containsExactly(4L, 5L);
        guest.vcpu().setSingleStep(false);

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RAX)).isEqualTo(4);
    }

    @Test
    void portAccessIsAnExitAndThenAStepAlsoIfTheStateIsReadBetween() {
        guest.start("40 e6 e9 40 e6 e9 40 f4"); // inc eax; out 0xe9,al; inc eax; out 0xe9,al; inc eax; hlt
        guest.vcpu().setSingleStep(true);

        assertThat(steps(1)).containsExactly(1L);
        assertThat(guest.run()).isInstanceOf(VmExit.PortOut.class);
        assertThat(steps(2)).containsExactly(3L, 4L);
        assertThat(guest.run()).isInstanceOf(VmExit.PortOut.class);
        assertThat(guest.vcpu().state().eip()).isEqualTo(guest.code() + 6);
        assertThat(steps(2)).containsExactly(6L, 7L);
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
