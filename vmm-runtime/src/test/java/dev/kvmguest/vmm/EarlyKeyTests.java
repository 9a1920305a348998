package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.bytes;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Guests whose handler of IRQ 1 doesn't read port 0x60: because the driver comes later, or at all. */
@OnEachEngine
@Timeout(60)
class EarlyKeyTests {

    /** {@code mov word [0x24],0x1060; mov al,0xfd; out 0x21,al; sti}: IRQ 1 is open, at vector 9. */
    private static final String OPEN = "c7 06 24 00 60 10 b0 fd e6 21 fb ";

    /**
     * Waits 26 ms by the timer's channel 2.
     *
     * <pre>
     * mov al,0; out 0x61,al; mov al,0xb0; out 0x43,al; mov al,0x2f; out 0x42,al; mov al,0x79; out 0x42,al
     * mov al,1; out 0x61,al; again: in al,0x61; test al,0x20; jz again
     * </pre>
     */
    private static final String WAIT = "b0 00 e6 61 b0 b0 e6 43 b0 2f e6 42 b0 79 e6 42 b0 01 e6 61 e4 61 a8 20 74 fa ";

    /** {@code again: hlt; jmp again}. */
    private static final String HALT_FOR_EVER = "f4 eb fd ";

    /** {@code inc bl; push ax; mov al,0x20; out 0x20,al; pop ax; iret}. */
    private static final String NO_DRIVER = "fe c3 50 b0 20 e6 20 58 cf ";

    private static final int HANDLER = 0x60;
    private static final int DRIVER = 0x80;

    private final EngineChoice engine;

    EarlyKeyTests(EngineChoice engine) {
        Device.assumeFor(engine, Feature.REAL_MODE_INTERRUPTS);
        this.engine = engine;
    }

    private static String padded(String start, int offset, String rest) {
        return start + " 90".repeat(offset - bytes(start).length) + " " + rest;
    }

    /** Returns a guest with a handler at 0x1060 and more at 0x1080. */
    private static VcpuConfig guest(String code, String handler, String more) {
        return realWithVectors(padded(padded(code, HANDLER, handler), DRIVER, more));
    }

    @Test
    void keyThatCameBeforeTheDriverIsReadByIt() {
        // mov word [0x24],0x1080; at 0x1080: in al,0x60; out 0xe9,al; mov al,0x20; out 0x20,al; iret
        VcpuConfig guest =
                guest(OPEN + WAIT + "c7 06 24 00 80 10 " + HALT_FOR_EVER, NO_DRIVER, "e4 60 e6 e9 b0 20 e6 20 cf");

        Outcome outcome = TestGuest.run(guest.withInput("ab"), engine);

        assertThat(outcome.run().port(0xe9)).containsExactly(bytes("1e 9e 30 b0"));
        assertThat(outcome.describe()).isEqualTo("halted with interrupts on, and no device can raise one");
    }

    @Test
    void keyThatCameBeforeTheDriverIsReadWhileTheGuestSpins() {
        // The handler calls what [0x10a0] says: at 0x109f ret, later 0x1080: in al,0x60; out 0xe9,al; cmp al,0x9e;
        // jne over; out 0xf4,al; over: ret. Main: mov word [0x10a0],0x1080; again: jmp again
        String dispatch = "50 ff 16 a0 10 b0 20 e6 20 58 cf ";
        String driver = padded("e4 60 e6 e9 3c 9e 75 02 e6 f4 c3 ", 0x1f, "c3 9f 10");
        VcpuConfig guest = guest(OPEN + WAIT + "c7 06 a0 10 80 10 eb fe ", dispatch, driver);

        Outcome outcome = TestGuest.run(guest.withInput("a"), engine);

        assertThat(outcome.exitCode()).hasValue(0x9e);
        assertThat(outcome.run().port(0xe9)).containsExactly(bytes("1e 9e"));
    }

    @Test
    void handlerThatNeverReadsThePortIsCalledOnceAsOnAPc() {
        Outcome outcome =
                TestGuest.run(guest(OPEN + WAIT + HALT_FOR_EVER, NO_DRIVER, "").withInput("abc"), engine);

        assertThat(outcome.describe()).isEqualTo("halted with interrupts on, and no device can raise one");
        assertThat(outcome.run().registers().orElseThrow().get(Register.RBX)).isEqualTo(1);
    }

    @Test
    void handlerThatNeverReadsThePortIsCalledOnceWhileTheGuestDoesOtherThings() {
        // mov al,bl; out 0xf4,al
        Outcome outcome = TestGuest.run(
                guest(OPEN + WAIT + WAIT + "88 d8 e6 f4 ", NO_DRIVER, "").withInput("abc"), engine);

        assertThat(outcome.exitCode()).hasValue(1);
    }

    @Test
    void guestThatReadsThePortLongAfterTheInterruptIsLeftAlone() {
        // A slow host may not have come to the wait when the copies are asked.
        assumeTrue(engine == EngineChoice.EMULATOR, "on KVM guest time is the host's");
        // in al,0x60; out 0xe9,al; mov al,bl; out 0xf4,al
        Outcome outcome = TestGuest.run(
                guest(OPEN + WAIT + "e4 60 e6 e9 88 d8 e6 f4 ", NO_DRIVER, "").withInput("a"), engine);

        assertThat(outcome.exitCode()).hasValue(1);
        assertThat(outcome.run().port(0xe9)).containsExactly(bytes("1e"));
    }
}
