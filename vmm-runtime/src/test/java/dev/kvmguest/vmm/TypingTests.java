package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.bytes;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.keyboard.Key;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Guests that are typed for: by keyboard and by COM1, with and without interrupts. */
@OnEachEngine
@Timeout(60)
class TypingTests {

    private static final Duration LONG = Duration.ofSeconds(30);

    private static final int HANDLER = 0x40;

    /** {@code mov word [0x24],0x1040; mov al,0xfd; out 0x21,al}: opens IRQ 1, at vector 9. */
    private static final String OPEN_KEYBOARD = "c7 06 24 00 40 10 b0 fd e6 21 ";

    /** {@code in al,0x60; out 0xe9,al; cmp al,0x81; jne over; out 0xf4,al; over: mov al,0x20; out 0x20,al; iret}. */
    private static final String KEYBOARD_HANDLER = "e4 60 e6 e9 3c 81 75 02 e6 f4 b0 20 e6 20 cf";

    /** {@code mov word [0x30],0x1040; mov dx,0x3fc; mov al,8; out dx,al; mov al,0xef; out 0x21,al}: IRQ 4, vector 12. */
    private static final String OPEN_COM1 = "c7 06 30 00 40 10 ba fc 03 b0 08 ee b0 ef e6 21 ";

    /** {@code mov dx,0x3f8; in al,dx; out 0xe9,al; mov al,0x20; out 0x20,al; iret}: one byte per interrupt. */
    private static final String COM1_HANDLER = "ba f8 03 ec e6 e9 b0 20 e6 20 cf";

    /** {@code mov dx,0x3f9; mov al,1; out dx,al}. */
    private static final String ENABLE_RECEIVED_DATA = "ba f9 03 b0 01 ee ";

    /** {@code mov al,0x11; out 0x20,al; mov al,8; out 0x21,al; mov al,4; out 0x21,al; mov al,1; out 0x21,al}. */
    private static final String INITIALIZE_MASTER = "b0 11 e6 20 b0 08 e6 21 b0 04 e6 21 b0 01 e6 21 ";

    /** {@code sti; again: hlt; jmp again}. */
    private static final String HALT_FOR_EVER = "fb f4 eb fd";

    /** {@code again: in al,0x64; test al,1; jz again; in al,0x60; out 0xe9,al; cmp al,0x9c; jne again; hlt}. */
    private static final String POLL_KEYBOARD_UNTIL_ENTER = "e4 64 a8 01 74 fa e4 60 e6 e9 3c 9c 75 f2 f4";

    private final EngineChoice engine;

    TypingTests(EngineChoice engine) {
        Device.assumeFor(engine, Feature.REAL_MODE_INTERRUPTS);
        this.engine = engine;
    }

    /** Returns a guest that has its handler at 0x1040. */
    private static VcpuConfig interrupted(String code, String handler) {
        return realWithVectors(code + " 90".repeat(HANDLER - bytes(code).length) + handler);
    }

    private byte[] debugConsole(VcpuConfig guest) {
        return TestGuest.run(guest, engine).run().port(0xe9);
    }

    @Test
    void kernelWithAKeyboardInterruptGetsTextAsKeys() {
        VcpuConfig guest = interrupted(OPEN_KEYBOARD + HALT_FOR_EVER, KEYBOARD_HANDLER);

        Outcome outcome = TestGuest.run(guest.withInput("aB\n"), engine);

        assertThat(outcome.run().port(0xe9)).containsExactly(bytes("1e 9e 2a 30 b0 aa 1c 9c"));
        assertThat(outcome.describe()).isEqualTo("halted with interrupts on, and no device can raise one");
    }

    @Test
    void kernelThatPollsItsKeyboardGetsTextAsKeys() {
        assertThat(debugConsole(realWithVectors(POLL_KEYBOARD_UNTIL_ENTER).withInput("a\n")))
                .containsExactly(bytes("1e 9e 1c 9c"));
    }

    @Test
    void kernelThatEmptiesTheKeyboardsBufferFirstMissesNoKey() {
        // flush: in al,0x64; test al,1; jz over; in al,0x60; jmp flush; over:
        String flush = "e4 64 a8 01 74 04 e4 60 eb f6 ";

        assertThat(debugConsole(
                        realWithVectors(flush + POLL_KEYBOARD_UNTIL_ENTER).withInput("a\n")))
                .containsExactly(bytes("1e 9e 1c 9c"));
    }

    @Test
    void kernelThatInitializesItsInterruptControllersLateMissesNoKey() {
        // mov al,0xfc; out 0x21,al (the keyboard is open); mov cx,0xffff; wait: nop; nop; loop wait
        String late = "b0 fc e6 21 b9 ff ff 90 90 e2 fc ";
        VcpuConfig guest = interrupted(late + INITIALIZE_MASTER + OPEN_KEYBOARD + HALT_FOR_EVER, KEYBOARD_HANDLER);

        assertThat(debugConsole(guest.withInput("a"))).containsExactly(bytes("1e 9e"));
    }

    @Test
    void kernelThatInitializesItsInterruptControllersAfterCom1MissesNoByte() {
        VcpuConfig guest = interrupted(
                OPEN_COM1 + ENABLE_RECEIVED_DATA + INITIALIZE_MASTER + "b0 ef e6 21 " + HALT_FOR_EVER, COM1_HANDLER);

        assertThat(TestGuest.run(guest.withInput("hello"), engine).console()).isEqualTo("hello");
    }

    @Test
    void kernelWithACom1InterruptGetsBytesOneByOne() {
        VcpuConfig guest = interrupted(OPEN_COM1 + ENABLE_RECEIVED_DATA + HALT_FOR_EVER, COM1_HANDLER);

        Outcome outcome = TestGuest.run(guest.withInput("hello\n"), engine);

        assertThat(outcome.console()).isEqualTo("hello\n");
        assertThat(outcome.describe()).isEqualTo("halted with interrupts on, and no device can raise one");
    }

    @Test
    void lastBytesBelowTheTriggerLevelAreReceivedToo() {
        // mov dx,0x3fa; mov al,0xc7; out dx,al: FIFOs on, trigger level 14
        String fifos = "ba fa 03 b0 c7 ee ";
        String text = "twenty bytes of text";
        VcpuConfig guest = interrupted(OPEN_COM1 + fifos + ENABLE_RECEIVED_DATA + HALT_FOR_EVER, COM1_HANDLER);

        assertThat(TestGuest.run(guest.withInput(text), engine).console()).isEqualTo(text);
    }

    @Test
    void kernelWithBothInterruptsGetsTextFromCom1() {
        // The keyboard's handler is at 0x1040, too, and would write what it finds at COM1.
        String openBoth = OPEN_KEYBOARD + OPEN_COM1 + "b0 ed e6 21 "; // mov al,0xed; out 0x21,al
        VcpuConfig guest = interrupted(openBoth + ENABLE_RECEIVED_DATA + HALT_FOR_EVER, COM1_HANDLER);

        assertThat(TestGuest.run(guest.withInput("text"), engine).console()).isEqualTo("text");
    }

    @Test
    void transmitterThatBecomesEmptyInterruptsForTheNextByte() {
        // mov si,0x1060; mov dx,0x3f9; mov al,2; out dx,al
        String enable = "be 60 10 ba f9 03 b0 02 ee ";
        // mov dx,0x3fa; in al,dx; lodsb; test al,al; jz over; mov dl,0xf8; out dx,al; over: mov al,0x20; out 0x20,al;
        // iret; nops up to 0x1060, then the text
        String handler = "ba fa 03 ec ac 84 c0 74 03 b2 f8 ee b0 20 e6 20 cf" + " 90".repeat(15) + "68 65 6c 6c 6f 00";

        Outcome outcome = TestGuest.run(interrupted(OPEN_COM1 + enable + HALT_FOR_EVER, handler), engine);

        assertThat(outcome.run().port(0x3f8)).asString().isEqualTo("hello");
    }

    @Test
    void keyWakesAHaltedGuest() throws InterruptedException {
        // mov al,'R'; out 0xe9,al
        VcpuConfig guest = interrupted(OPEN_KEYBOARD + "b0 52 e6 e9 " + HALT_FOR_EVER, KEYBOARD_HANDLER);
        try (Machine machine = TestGuest.machine(guest, engine)) {
            machine.start();
            assertThat(machine.console().await("R", LONG)).isPresent();

            machine.press(0, Key.UP);
            machine.press(0, Key.LEFT_CONTROL, Key.LEFT_ALT, Key.DELETE);
            machine.typeOnKeyboard(0, "x\033");

            Outcome outcome = machine.run();
            assertThat(outcome.exitCode()).hasValue(0x81);
            assertThat(outcome.run().port(0xe9))
                    .containsExactly(bytes("52 e0 48 e0 c8 1d 38 e0 53 e0 d3 b8 9d 2d ad 01 81"));
        }
    }

    @Test
    void typedTextWakesAHaltedGuest() throws InterruptedException {
        // mov al,'R'; out 0xe9,al
        VcpuConfig guest = interrupted(OPEN_COM1 + ENABLE_RECEIVED_DATA + "b0 52 e6 e9 " + HALT_FOR_EVER, COM1_HANDLER);
        try (Machine machine = TestGuest.machine(guest, engine)) {
            machine.start();
            assertThat(machine.console().await("R", LONG)).isPresent();

            machine.type("once\n");
            assertThat(machine.console().await("once\n", LONG)).contains("once\n");
            machine.type("twice\n");
            assertThat(machine.console().await("twice\n", LONG)).contains("twice\n");
        }
    }

    @Test
    void textThatIsNotOnTheKeyboardIsRefusedWhole() {
        VcpuConfig guest = interrupted(OPEN_KEYBOARD + HALT_FOR_EVER, KEYBOARD_HANDLER);
        try (Machine machine = TestGuest.machine(guest, engine)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> machine.typeOnKeyboard(0, "caf\u00e9"))
                    .withMessage(
                            "character U+00E9 at index 3 is not on a US keyboard; it can be typed on the serial line");

            assertThat(machine.run().run().port(0xe9)).isEmpty();
        }
    }

    @Test
    void pressOfNoKeyIsRefused() {
        try (Machine machine = TestGuest.machine(realWithVectors("f4"), engine)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> machine.press(0))
                    .withMessage("a keystroke needs at least one key");
        }
    }
}
