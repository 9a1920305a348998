package dev.kvmguest.vmm.internal.qemu;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsQemu;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.outcome.Ending;
import java.io.IOException;
import java.time.Duration;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is logged while a guest runs. */
@NeedsQemu
@Timeout(120)
class QemuWatchTests {

    private static final Duration LIMIT = Duration.ofSeconds(30);

    /**
     * mov esp,0x8000; IDT[0x30] to 0x1027; mov ecx,3; again: int 0x30; dec ecx; jnz again; mov al,0; out 0xf4,al;
     * 0x1027: iretd
     */
    private static final String INTS = "bc 00 80 00 00 c7 05 a8 06 00 00 27 10 08 00 c7 05 ac 06 00 00 00 8e 00 00"
            + " b9 03 00 00 00 cd 30 49 75 fb b0 00 e6 f4 cf";

    private record Watched(Ending end, QemuLog log) {}

    private static Watched run(VcpuConfig guest, Consumer<QemuWatch> preparation) throws IOException {
        MachineConfig config = MachineConfig.builder().vcpu(guest).build();
        try (QemuProcess process = QemuProcess.of(config)) {
            QemuWatch watch = new QemuWatch(process, LIMIT);
            preparation.accept(watch);
            Ending end = watch.toTheEnd();
            process.end();
            return new Watched(watch.told(end), process.log());
        }
    }

    @Test
    void exceptionsAreLoggedIfTheyAreAskedFor() throws IOException {
        Watched quiet = run(flat(INTS), watch -> {});
        assertThat(quiet.end()).isEqualTo(new Ending.DebugExit(0));
        assertThat(quiet.log().events()).isEmpty();

        Watched logged = run(flat(INTS), QemuWatch::logExceptions);
        assertThat(logged.end()).isEqualTo(new Ending.DebugExit(0));
        assertThat(logged.log().events()).extracting(QemuLog.Event::vector).containsExactly(0x30, 0x30, 0x30);
    }

    @Test
    void exceptionsAreLoggedIfSomebodyMayType() throws IOException {
        assertThat(run(flat(INTS), QemuWatch::setLive).log().events()).hasSize(3);
    }

    @Test
    void tripleFaultIsToldFromAResetThoughExceptionsAreNotLogged() throws IOException {
        Watched died = run(flat("0f 0b"), watch -> {});

        assertThat(died.end()).isEqualTo(new Ending.TripleFault());
        assertThat(died.log().events()).isEmpty();
    }

    @Test
    void guestWhoseTimerIsMaskedHasEndedThoughAnotherLineIsNot() throws IOException {
        // mov al,0xfb; out 0x21,al; mov al,0xfe; out 0xa1,al; sti; hlt
        assertThat(run(real("b0 fb e6 21 b0 fe e6 a1 fb f4"), watch -> {}).end())
                .isEqualTo(new Ending.Halted(true));
    }

    @Test
    void interruptsThatWakeAGuestAreSeenThoughTheTimerIsMasked() throws IOException {
        // vector 0x70 to 0x104f; all masked but IRQ 8; the RTC interrupts 8 times a second; sti; wait: hlt;
        // cmp byte [0x3000],6; jb wait; mov al,'r'; out 0xe9,al; cli; hlt; 0x104f: inc byte [0x3000]; push ax; register
        // C
        // is read; EOI to both; pop ax; iret
        VcpuConfig ticking =
                real("c7 06 c0 01 4f 10 c7 06 c2 01 00 00 b0 fb e6 21 b0 fe e6 a1 b0 0a e6 70 e4 71 24 f0 0c 0d"
                        + " 88 c4 b0 0a e6 70 88 e0 e6 71 b0 0b e6 70 e4 71 0c 40 88 c4 b0 0b e6 70 88 e0 e6 71 b0 0c e6 70 e4"
                        + " 71 fb f4 80 3e 00 30 06 72 f8 b0 72 e6 e9 fa f4 fe 06 00 30 50 b0 0c e6 70 e4 71 b0 20 e6 a0 e6 20"
                        + " 58 cf");

        assertThat(run(ticking, watch -> {}).end()).isEqualTo(new Ending.Halted(false));
    }
}
