package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.keyboard.Key;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The controller with its keyboard: scan codes, commands and interrupt. */
class I8042KeyboardTests {

    private static final int KEYBOARD_OFF = 0x10;
    private static final int TRANSLATE = 0x40;

    private final KeyboardDriver driver = new KeyboardDriver();

    private void press(Key... keys) {
        driver.input.add(List.of(Keystroke.of(keys)));
    }

    private int configuration() {
        driver.command(0x20);
        return driver.read();
    }

    /** Has the driver wait for keys by polling, and the first scan code come. */
    private void awaitScanCode() {
        driver.isFull();
        driver.isFull();
        driver.time += Ps2Port.DELAY;
        assertThat(driver.isFull()).isTrue();
    }

    // Scan codes

    @Test
    void keysAreSet1ByDefault() {
        press(Key.A);
        press(Key.F7);

        assertThat(driver.poll()).containsExactly(0x1e, 0x9e, 0x41, 0xc1);
    }

    @Test
    void keysAreSet2WithoutTranslation() {
        driver.command(0x60, configuration() & ~TRANSLATE);
        press(Key.A);
        press(Key.F7);

        assertThat(driver.poll()).containsExactly(0x1c, 0xf0, 0x1c, 0x83, 0xf0, 0x83);
    }

    @Test
    void extendedKeysHaveAPrefix() {
        press(Key.UP);
        press(Key.KEYPAD_8);

        assertThat(driver.poll()).containsExactly(0xe0, 0x48, 0xe0, 0xc8, 0x48, 0xc8);
    }

    @Test
    void extendedKeysHaveAPrefixBeforeTheBreakOfSet2() {
        driver.command(0x60, configuration() & ~TRANSLATE);
        press(Key.RIGHT_CONTROL);

        assertThat(driver.poll()).containsExactly(0xe0, 0x14, 0xe0, 0xf0, 0x14);
    }

    @Test
    void keysPressedTogetherAreReleasedInTheOppositeOrder() {
        press(Key.LEFT_CONTROL, Key.LEFT_ALT, Key.DELETE);

        assertThat(driver.poll()).containsExactly(0x1d, 0x38, 0xe0, 0x53, 0xe0, 0xd3, 0xb8, 0x9d);
    }

    @ParameterizedTest
    @CsvSource({"0xf2, 0xfa 0xab 0x41", "0xff, 0xfa 0xaa", "0xee, 0xee"})
    void answersAreTranslatedToo(String command, String answers) {
        driver.write(Integer.decode(command));

        assertThat(driver.flush())
                .map(answer -> String.format("0x%02x", answer))
                .containsExactly(answers.split(" "));
    }

    @Test
    void number2OfTheScanCodeSetIsTranslatedToo() {
        driver.write(0xf0);
        driver.write(0x00);

        assertThat(driver.flush()).containsExactly(0xfa, 0x41);
    }

    // Commands

    @ParameterizedTest
    @CsvSource({"0xad, 0x75", "0xae, 0x65", "0xa8, 0x45", "0xa7, 0x65"})
    void interfacesAreSwitchedInTheConfiguration(String command, String configuration) {
        driver.command(Integer.decode(command));

        assertThat(configuration()).isEqualTo(Integer.decode(configuration));
    }

    @ParameterizedTest
    @CsvSource({"0xa9, 0x00", "0xc0, 0xb0"})
    void commandIsAnswered(String command, String answer) {
        driver.command(Integer.decode(command));

        assertThat(driver.flush()).containsExactly(Integer.decode(answer));
    }

    @Test
    void statusTellsWhetherACommandOrDataWasWrittenLast() {
        driver.command(0xae);
        assertThat(driver.status()).isEqualTo(0x1c);

        driver.command(0x60, 0x65);
        assertThat(driver.status()).isEqualTo(0x14);
    }

    @Test
    void statusHasTheSystemFlagOfTheConfiguration() {
        driver.command(0x60, 0x61);

        assertThat(driver.status()).isEqualTo(0x10);
    }

    @Test
    void keyboardThatIsOffSendsNothing() {
        press(Key.A);
        driver.command(0xad);
        assertThat(driver.poll()).isEmpty();

        driver.command(0xae);
        assertThat(driver.poll()).containsExactly(0x1e, 0x9e);
    }

    @Test
    void byteForTheKeyboardTurnsItsInterfaceOn() {
        driver.command(0xad);

        driver.write(0xee);

        assertThat(driver.flush()).containsExactly(0xee);
        assertThat(configuration() & KEYBOARD_OFF).isZero();
    }

    @Test
    void byteCanBePutIntoTheBufferAsIfTheKeyboardHadSentIt() {
        driver.command(0xd2, 0x1c);

        assertThat(driver.line).isTrue();
        assertThat(driver.flush()).as("not translated").containsExactly(0x1c);
        assertThat(driver.line).isFalse();
    }

    @Test
    void byteCanBePutIntoTheBufferAsIfTheAuxiliaryDeviceHadSentIt() {
        driver.command(0xd3, 0x5a);

        assertThat(driver.status()).isEqualTo(0x35);
        assertThat(driver.read()).isEqualTo(0x5a);
        assertThat(driver.line).isFalse();
    }

    @Test
    void answerOfTheControllerComesBeforeAScanCodeWhichIsNotLost() {
        press(Key.A);
        awaitScanCode();

        driver.command(0xaa);

        assertThat(driver.read()).isEqualTo(0x55);
        assertThat(driver.poll()).containsExactly(0x1e, 0x9e);
    }

    @Test
    void dataPortKeepsWhatWasReadLast() {
        press(Key.A);
        awaitScanCode();

        assertThat(driver.read()).isEqualTo(0x1e);
        assertThat(driver.read()).isEqualTo(0x1e);
    }

    // Interrupt

    @Test
    void scanCodesComeByInterrupt() {
        driver.irq = IrqState.OPEN;
        press(Key.A);
        press(Key.B);

        assertThat(driver.handleInterrupts()).containsExactly(0x1e, 0x9e, 0x30, 0xb0);
        assertThat(driver.rises).isEqualTo(4);
        assertThat(driver.line).isFalse();
    }

    @Test
    void lineIsHighUntilTheScanCodeIsRead() {
        driver.irq = IrqState.OPEN;
        press(Key.A);
        driver.awaitInterrupt();

        driver.status();
        assertThat(driver.line).isTrue();

        driver.read();
        assertThat(driver.line).isFalse();
    }

    @Test
    void nothingInterruptsWhileTheConfigurationForbidsIt() {
        driver.irq = IrqState.OPEN;
        driver.command(0x60, 0x44);
        press(Key.A);

        assertThat(driver.awaitInterrupt()).isFalse();
        assertThat(driver.poll()).containsExactly(0x1e, 0x9e);
        assertThat(driver.rises).isZero();
    }

    @Test
    void answersOfTheKeyboardInterruptOneByOne() {
        driver.write(0xff);
        assertThat(driver.line).isTrue();
        assertThat(driver.rises).isEqualTo(1);

        driver.read();
        assertThat(driver.rises).isEqualTo(2);

        driver.read();
        assertThat(driver.line).isFalse();
    }

    @Test
    void answersOfTheControllerDoNotInterrupt() {
        driver.command(0xaa);

        assertThat(driver.line).isFalse();
    }

    @Test
    void scanCodeThatCouldNotInterruptBehindAnAnswerDoesSoAfterIt() {
        driver.irq = IrqState.OPEN;
        press(Key.A);
        driver.awaitInterrupt();
        driver.command(0x20);
        assertThat(driver.line).isFalse();

        driver.read();

        assertThat(driver.line).isTrue();
        assertThat(driver.rises).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource({"0x65, true", "0x64, false", "0x75, false", "0x25, true"})
    void mayReceiveIfAKeyWouldInterrupt(String configuration, boolean expected) {
        driver.irq = IrqState.OPEN;
        driver.command(0x60, Integer.decode(configuration));
        assertThat(driver.port.mayReceive()).isEqualTo(expected);

        press(Key.A);

        assertThat(driver.awaitInterrupt()).isEqualTo(expected);
    }
}
