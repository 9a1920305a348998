package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.keyboard.Key;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which device the guest finds in what was typed. */
class TypedTextTests {

    private static final int RBR = 0;
    private static final int IER = 1;
    private static final int LSR = 5;

    private static final int ARM_READ = 2;

    private static final int A = 0x1e;
    private static final int B = 0x30;
    private static final int BREAK = 0x80;

    private final InputQueue input = new InputQueue();
    private final Uart16550 com1 = new Uart16550(octet -> {}, input, high -> {}, () -> IrqState.OPEN);
    private final HypercallPort hypercall = new HypercallPort(() -> 0, octet -> {}, input, end -> {});
    private final KeyboardDriver keyboard = new KeyboardDriver(input);

    @Test
    void guestThatPollsTheKeyboardGetsTextAsKeys() {
        keyboard.type("ab");

        assertThat(keyboard.poll()).containsExactly(A, A | BREAK, B, B | BREAK);
        assertThat(input.size()).isZero();
    }

    @Test
    void guestWithAKeyboardInterruptGetsTextAsKeys() {
        keyboard.irq = IrqState.OPEN;
        keyboard.type("ab");

        assertThat(keyboard.handleInterrupts()).containsExactly(A, A | BREAK, B, B | BREAK);
    }

    @Test
    void guestThatPollsCom1GetsBytesEvenIfTheKeyboardShowsThem() {
        keyboard.irq = IrqState.OPEN;
        keyboard.type("ab");
        assertThat(keyboard.awaitInterrupt()).isTrue();

        assertThat(com1.readByte(LSR) & 1).isOne();
        assertThat(com1.readByte(RBR)).isEqualTo('a');
        assertThat(com1.readByte(RBR)).isEqualTo('b');
        keyboard.beforeRun();
        assertThat(keyboard.line).isFalse();
        assertThat(keyboard.isFull()).isFalse();
    }

    @Test
    void lookingAtTheLineStatusTakesNothingFromTheKeyboard() {
        keyboard.type("a");
        com1.readByte(LSR);

        assertThat(keyboard.poll()).containsExactly(A, A | BREAK);
    }

    @Test
    void emptyingCom1BeforeAnythingIsTypedTakesNothingFromTheKeyboard() {
        com1.readByte(RBR);
        keyboard.type("a");

        assertThat(keyboard.poll()).containsExactly(A, A | BREAK);
    }

    @Test
    void guestThatHasReadFromCom1FindsEverythingThere() {
        keyboard.type("a");
        com1.readByte(RBR);

        keyboard.type("b");

        assertThat(keyboard.poll()).isEmpty();
        assertThat(com1.readByte(RBR)).isEqualTo('b');
    }

    @Test
    void guestWithAHypercallPortFindsEverythingThere() {
        keyboard.irq = IrqState.OPEN;
        keyboard.type("ab");
        hypercall.writeByte(0, ARM_READ);
        assertThat(hypercall.readByte(0)).isEqualTo('a');

        assertThat(keyboard.handleInterrupts()).isEmpty();
        hypercall.writeByte(0, ARM_READ);
        assertThat(hypercall.readByte(0)).isEqualTo('b');
    }

    @Test
    void keyboardGetsNothingWhileCom1sReceivedDataInterruptIsEnabled() {
        keyboard.irq = IrqState.OPEN;
        com1.writeByte(IER, 0x01);
        keyboard.type("a");
        assertThat(keyboard.handleInterrupts()).isEmpty();

        com1.writeByte(IER, 0x0e);
        assertThat(keyboard.handleInterrupts()).containsExactly(A, A | BREAK);
    }

    @Test
    void keystrokesAreTheKeyboardsWhoeverReadsText() {
        com1.writeByte(IER, 0x01);
        keyboard.type("a");
        com1.readByte(RBR);
        input.add(UsLayout.keystrokes("b"));

        assertThat(input.size()).isZero();
        assertThat(keyboard.poll()).containsExactly(B, B | BREAK);
    }

    @Test
    void keystrokesComeBeforeText() {
        keyboard.type("a");
        input.add(List.of(Keystroke.of(Key.B)));

        assertThat(keyboard.poll()).containsExactly(B, B | BREAK, A, A | BREAK);
    }

    @Test
    void textThatTheKeyboardDoesNotHaveIsSkippedThere() {
        keyboard.type("\u00e9a\u20ac");

        assertThat(keyboard.poll()).containsExactly(A, A | BREAK);
    }

    @Test
    void textThatTheKeyboardDoesNotHaveWaitsForCom1() {
        keyboard.irq = IrqState.OPEN;
        keyboard.type("\u00e9a");
        assertThat(keyboard.awaitInterrupt()).isTrue();

        assertThat(com1.readByte(RBR)).isEqualTo(0xc3);
        assertThat(com1.readByte(RBR)).isEqualTo(0xa9);
        assertThat(com1.readByte(RBR)).isEqualTo('a');
    }

    @Test
    void whoeverTypesIsHeard() {
        int[] heard = {0};
        input.onInput(() -> heard[0]++);

        input.add(new byte[] {'a'});
        assertThat(heard[0]).isOne();
        assertThat(input.size()).isOne();

        input.add(UsLayout.keystrokes("b"));
        assertThat(heard[0]).isEqualTo(2);
    }
}
