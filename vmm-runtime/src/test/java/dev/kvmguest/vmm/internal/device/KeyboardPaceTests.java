package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import dev.kvmguest.vmm.keyboard.Key;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When keys are typed: not before the guest waits for them, and a millisecond apart. */
class KeyboardPaceTests {

    private final KeyboardDriver driver = new KeyboardDriver();

    private void press(Key key) {
        driver.input.add(List.of(Keystroke.of(key)));
    }

    @Test
    void firstScanCodeComesAMillisecondAfterTheInterruptWasOpened() {
        press(Key.A);
        driver.time = 10_000_000;
        driver.irq = IrqState.OPEN;
        driver.beforeRun();

        assertThat(driver.port.nextEvent()).isEqualTo(11_000_000);
        driver.time = 10_999_999;
        driver.beforeRun();
        assertThat(driver.line).isFalse();

        driver.time = 11_000_000;
        driver.beforeRun();
        assertThat(driver.line).isTrue();
    }

    @Test
    void nextScanCodeComesAMillisecondAfterTheLastWasRead() {
        driver.irq = IrqState.OPEN;
        press(Key.A);
        driver.awaitInterrupt();
        driver.time = 50_000_000;

        driver.read();

        assertThat(driver.isFull()).isFalse();
        assertThat(driver.port.nextEvent()).isEqualTo(51_000_000);
    }

    @Test
    void keyOfSomebodyWhoTypesLateComesAtOnce() {
        driver.irq = IrqState.OPEN;
        driver.beforeRun();
        driver.time = 5_000_000_000L;
        assertThat(driver.port.nextEvent()).isEqualTo(TimedDevice.NEVER);

        press(Key.A);

        assertThat(driver.port.nextEvent()).isLessThanOrEqualTo(driver.time);
        driver.beforeRun();
        assertThat(driver.line).isTrue();
    }

    @Test
    void maskedKeyboardKeepsItsKeysToItself() {
        press(Key.A);
        driver.time = 5_000_000_000L;
        driver.beforeRun();

        assertThat(driver.line).isFalse();
        assertThat(driver.port.nextEvent()).isEqualTo(TimedDevice.NEVER);
    }

    @Test
    void guestThatFlushesTheBufferWhenItStartsComesToAnEndAndTakesNoKey() {
        press(Key.A);
        driver.time = 5_000_000;

        assertThat(driver.flush()).isEmpty();
        assertThat(driver.poll()).containsExactly(0x1e, 0x9e);
    }

    @Test
    void guestThatOpensTheInterruptBeforeItFlushesTakesNoKeyEither() {
        press(Key.A);
        driver.irq = IrqState.OPEN;
        driver.beforeRun();

        assertThat(driver.flush()).isEmpty();
        assertThat(driver.handleInterrupts()).containsExactly(0x1e, 0x9e);
    }

    @Test
    void lookingAtTheStatusBeforeEachWriteIsNotWaitingForKeys() {
        press(Key.A);
        // A20 by the book: wait until the controller takes a byte, before and after each.
        driver.status();
        driver.command(0xd1);
        driver.status();
        driver.write(0xdf);
        driver.status();
        driver.time = 5_000_000;

        assertThat(driver.flush()).isEmpty();
    }

    @Test
    void guestThatReadsTheDataPortOnlyGetsKeysToo() {
        press(Key.A);
        driver.read();
        driver.read();
        driver.time += Ps2Port.DELAY;

        assertThat(driver.read()).isEqualTo(0x1e);
    }

    @Test
    void guestThatMasksTheInterruptToHandleItFindsTheScanCode() {
        driver.irq = IrqState.OPEN;
        press(Key.A);
        driver.awaitInterrupt();

        driver.irq = IrqState.MASKED;
        driver.beforeRun();

        assertThat(driver.isFull()).isTrue();
        assertThat(driver.read()).isEqualTo(0x1e);
        driver.irq = IrqState.OPEN;
        assertThat(driver.handleInterrupts()).containsExactly(0x9e);
    }

    @Test
    void initializingTheInterruptControllerWhichForgetsTheRequestStartsTheWaitAnew() {
        driver.irq = IrqState.OPEN;
        press(Key.A);
        driver.awaitInterrupt();

        driver.irq = IrqState.INITIALIZING;
        driver.beforeRun();
        assertThat(driver.line).isFalse();
        driver.irq = IrqState.OPEN;

        assertThat(driver.handleInterrupts()).containsExactly(0x1e, 0x9e);
        assertThat(driver.rises).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 999_999})
    void interruptThatIsOpenForLessThanAMillisecondShowsNoKey(long nanos) {
        press(Key.A);
        driver.irq = IrqState.OPEN;
        driver.beforeRun();
        driver.time += nanos;
        driver.beforeRun();

        driver.irq = IrqState.MASKED;
        driver.beforeRun();
        driver.time += 1_000_000;

        assertThat(driver.flush()).isEmpty();
    }
}
