package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.bytes;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.mouse.MouseButton;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Guests whose mouse is moved: by polling, and by IRQ 12. */
@OnEachEngine
@Timeout(60)
class MouseOfGuestTests {

    private static final Duration LONG = Duration.ofSeconds(30);

    private static final int SUBROUTINES = 0x60;

    /** {@code mov al,0xa8; out 0x64,al}: the second port is switched on. */
    private static final String SECOND_PORT_ON = "b0 a8 e6 64 ";

    /**
     * At 0x1060, sends AL to the mouse and shows its answer at port 0xE9:
     *
     * <pre>
     * mov ah,al; mov al,0xd4; out 0x64,al; mov al,ah; out 0x60,al
     * receive: in al,0x64; and al,0x21; cmp al,0x21; jne receive; in al,0x60; out 0xe9,al; ret
     * </pre>
     */
    private static final String ASK = "88 c4 b0 d4 e6 64 88 e0 e6 60 e4 64 24 21 3c 21 75 f8 e4 60 e6 e9 c3 ";

    /** At 0x1080, the handler of IRQ 12: {@code in al,0x60; out 0xe9,al; mov al,0x20; out 0xa0,al; out 0x20,al; iret}. */
    private static final String HANDLER = "e4 60 e6 e9 b0 20 e6 a0 e6 20 cf";

    private final EngineChoice engine;

    MouseOfGuestTests(EngineChoice engine) {
        Device.assumeFor(engine, Feature.REAL_MODE_INTERRUPTS);
        this.engine = engine;
    }

    private static VcpuConfig guest(String code) {
        String padded = code + " 90".repeat(SUBROUTINES - bytes(code).length) + ASK;
        return realWithVectors(padded + " 90".repeat(0x80 - bytes(padded).length) + HANDLER);
    }

    @Test
    void mouseThatIsAskedAnswers() {
        // mov al,0xf4; call ask; hlt
        Outcome outcome = TestGuest.run(guest(SECOND_PORT_ON + "b0 f4 e8 57 00 f4"), engine);

        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
        assertThat(outcome.run().port(0xe9)).containsExactly(bytes("fa"));
    }

    @Test
    void guestThatPollsGetsWhatTheMouseDid() {
        // mov al,0xf4; call ask; mov cx,9; again: call receive; loop again; hlt
        String code = SECOND_PORT_ON + "b0 f4 e8 57 00 b9 09 00 e8 5b 00 e2 fb f4";
        try (Machine machine = TestGuest.machine(guest(code), engine)) {
            machine.moveMouse(0, 5, -3);
            machine.click(0, MouseButton.LEFT);

            assertThat(machine.run().run().port(0xe9)).containsExactly(bytes("fa 28 05 fd 09 00 00 08 00 00"));
        }
    }

    @Test
    void movementWakesAHaltedGuest() throws InterruptedException {
        // mov word [0x1d0],0x1080: vector 0x74; mov al,0xf4; call ask; mov al,0x60; out 0x64,al; mov al,0x47;
        // out 0x60,al; mov al,0xfb; out 0x21,al; mov al,0xef; out 0xa1,al; mov al,'R'; out 0xe9,al; sti; again: hlt;
        // jmp again
        String code =
                SECOND_PORT_ON + "c7 06 d0 01 80 10 b0 f4 e8 51 00 b0 60 e6 64 b0 47 e6 60 b0 fb e6 21 b0 ef e6 a1"
                        + " b0 52 e6 e9 fb f4 eb fd";
        try (Machine machine = TestGuest.machine(guest(code), engine)) {
            machine.start();
            assertThat(machine.console().await("R", LONG)).isPresent();

            machine.moveMouse(0, 300, 66, MouseButton.RIGHT);

            assertThat(machine.console().await("B", LONG)).as("66 counts").isPresent();
            assertThat(machine.console().await("-", LONG)).as("45 counts").isPresent();
        }
    }
}
