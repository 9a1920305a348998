package dev.kvmguest.vmm.internal.postmortem;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.FakeVirtualCpu;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest that is to be copied is brought to where nothing is on its way to it. */
@Timeout(60)
class ProbeRunTests {

    private static final Duration LONG = Duration.ofSeconds(30);

    private final FakeVirtualCpu cpu = new FakeVirtualCpu().withState(interrupts(true));

    private static CpuState interrupts(boolean on) {
        return CpuState.builder()
                .set(Register.RFLAGS, on ? CpuState.EFLAGS_FIXED | CpuState.EFLAGS_IF : CpuState.EFLAGS_FIXED)
                .build();
    }

    private void settle(Duration longest) {
        PcBoard board = new PcBoard(octet -> {}, new PcBoard.Setup(1 << 20, MachineConfig.DEFAULT_DATE, false));
        new ProbeRun(cpu, new GuestMemory(ByteBuffer.allocateDirect(4096), () -> {}), board).settle(longest);
    }

    @Test
    void interruptOnItsWayArrivesInItsHandler() {
        cpu.then(new VmExit.Interrupted())
                .then(() -> {
                    cpu.setState(interrupts(false));
                    return new VmExit.Interrupted();
                })
                .then(new VmExit.SingleStep());

        settle(LONG);

        assertThat(cpu.left()).isEqualTo(1);
    }

    @Test
    void guestThatWouldTakeAnotherIsLeftWhereItIs() {
        cpu.takingInterrupts().then(new VmExit.Interrupted());

        settle(LONG);

        assertThat(cpu.left()).isEqualTo(1);
    }

    @Test
    void guestThatDoesNotSettleIsLeftInTheEnd() {
        // It runs for ever, and interrupts stay on.
        settle(Duration.ofMillis(50));

        assertThat(cpu.left()).isZero();
    }
}
