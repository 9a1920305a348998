package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.TestGuest.flat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.RecordedRun;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Guests that turn on paging, by recordings of others that shut down where these do. */
@Timeout(60)
class PagingReplayTests {

    /**
     * CR4.PSE on; the first 4 MiB map themselves, by [0x8000]; mov eax,0x8000; mov cr3,eax; mov eax,cr0;
     * or eax,0x80000000
     */
    private static final String PREPARE =
            "0f 20 e0 0c 10 0f 22 e0 c7 05 00 80 00 00 83 00 00 00 b8 00 80 00 00 0f 22 d8 0f 20 c0 0d 00 00 00 80";

    private static final String TURN_ON = "0f 22 c0"; // mov cr0,eax
    private static final String DIE = "0f 0b 90"; // ud2, and a byte that makes it as long
    private static final String GREET = "b0 78 e6 e9"; // mov al,'x'; out 0xe9,al
    private static final String HALT = "fa f4";
    private static final String COUNT = "b9 a0 86 01 00 49 75 fd"; // mov ecx,100000; again: dec ecx; jnz again

    private static Optional<String> find(String recorded, String replayed) {
        return find(flat(recorded), flat(replayed));
    }

    private static Optional<String> find(VcpuConfig recorded, VcpuConfig replayed) {
        MachineConfig config =
                MachineConfig.builder().vcpu(replayed).memory(8 << 20).build();
        return PagingReplay.find(RecordedRun.of(recorded).recording(), Origin.boot(config, 0), Duration.ofSeconds(20))
                .map(GuestInstruction::inWords);
    }

    @Test
    void instructionThatTurnsOnPagingIsFound() {
        assertThat(find(PREPARE + DIE, PREPARE + TURN_ON + GREET + HALT)).contains("mov cr0, eax at 0x1022");
        assertThat(find(GREET + COUNT + PREPARE + DIE, GREET + COUNT + PREPARE + TURN_ON + GREET + HALT))
                .contains("mov cr0, eax at 0x102e");
    }

    @Test
    void guestThatShutsDownOnTheEmulatorTooDiesByItself() {
        assertThat(find(PREPARE + DIE, PREPARE + TURN_ON + DIE)).isEmpty();
    }

    @Test
    void guestThatHasDoneSomethingWithPagingOnCanPage() {
        assertThat(find(PREPARE + TURN_ON + GREET + DIE, PREPARE + TURN_ON + GREET + GREET + HALT))
                .isEmpty();
    }

    @Test
    void guestThatDiesBeforeItTurnsOnPagingWritesAndThenTurnsItOnIsNotAccused() {
        assertThat(find(DIE + GREET, "90 90 90" + GREET + PREPARE + TURN_ON + HALT))
                .isEmpty();
    }

    @Test
    void guestWithoutPagingHasNone() {
        assertThat(find(DIE, HALT)).isEmpty();
    }
}
