package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.keyboard.Key;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The keyboard's commands against the PS/2 Hardware Interface Technical Reference, without translation. */
class KeyboardCommandTests {

    private static final int ACKNOWLEDGE = 0xfa;

    private final KeyboardDriver driver = new KeyboardDriver();

    @BeforeEach
    void switchTranslationOff() {
        driver.command(0x60, 0x04);
    }

    private void press(Key key) {
        driver.input.add(List.of(Keystroke.of(key)));
    }

    @ParameterizedTest
    @CsvSource({
        "ed,    fa", // set LEDs
        "ed 07, fa fa",
        "ee,    ee", // echo
        "f0 00, fa fa 02", // report the scan code set
        "f0 01, fa fa", // select it
        "f0 02, fa fa",
        "f2,    fa ab 83", // identify
        "f3 7f, fa fa", // set typematic rate
        "f4,    fa", // enable
        "f5,    fa", // disable
        "f6,    fa", // set defaults
        "ff,    fa aa", // reset
    })
    void commandIsAnswered(String command, String answers) {
        StringBuilder answered = new StringBuilder();
        for (byte octet : bytes(command)) {
            driver.write(octet & 0xff);
            driver.flush().forEach(answer -> answered.append(String.format("%02x ", answer)));
        }

        assertThat(answered.toString().trim()).isEqualTo(answers);
    }

    private static byte[] bytes(String hex) {
        return HexFormat.ofDelimiter(" ").parseHex(hex);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x00, 0x60, 0xec, 0xef, 0xf1, 0xf7, 0xfd})
    void unknownCommandIsToBeSentAgain(int command) {
        driver.write(command);

        assertThat(driver.flush()).containsExactly(0xfe);
    }

    @Test
    void scanCodeSetThatIsNotThereIsToBeSentAgainAndChangesNothing() {
        driver.write(0xf0);
        driver.write(0x03);
        assertThat(driver.flush()).containsExactly(0xfe);

        press(Key.A);
        assertThat(driver.poll()).containsExactly(0x1c, 0xf0, 0x1c);
    }

    @Test
    void resendGivesTheLastByteAgain() {
        driver.write(0xf2);
        driver.flush();

        driver.write(0xfe);

        assertThat(driver.flush()).containsExactly(0x83);
    }

    @Test
    void commandInPlaceOfAnArgumentIsCarriedOut() {
        driver.write(0xf3);
        driver.flush();

        driver.write(0xee);
        assertThat(driver.flush()).containsExactly(0xee);

        driver.write(0x00);
        assertThat(driver.flush()).as("the argument is not awaited any more").containsExactly(0xfe);
    }

    @Test
    void newCommandVoidsWhatWasToBeSaidToTheOneBefore() {
        driver.write(0xff);
        driver.write(0xee);

        assertThat(driver.flush()).containsExactly(0xee);
    }

    @Test
    void answerComesBeforeScanCodesThatWait() {
        press(Key.A);
        driver.isFull();
        driver.isFull();
        driver.time += Ps2Port.DELAY;
        assertThat(driver.read()).isEqualTo(0x1c);

        driver.write(0xee);

        assertThat(driver.read()).isEqualTo(0xee);
        assertThat(driver.poll()).containsExactly(0xf0, 0x1c);
    }

    @Test
    void set1IsSentWithoutTranslationOnceSelected() {
        driver.write(0xf0);
        driver.write(0x01);
        driver.write(0xf0);
        driver.write(0x00);
        assertThat(driver.flush()).containsExactly(ACKNOWLEDGE, 0x01);

        press(Key.A);
        press(Key.UP);
        assertThat(driver.poll()).containsExactly(0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8);
    }

    @ParameterizedTest
    @ValueSource(ints = {0xf5, 0xf6, 0xff})
    void defaultsAreSet2(int command) {
        driver.write(0xf0);
        driver.write(0x01);

        driver.write(command);
        driver.write(0xf4);
        driver.flush();

        press(Key.A);
        assertThat(driver.poll()).containsExactly(0x1c, 0xf0, 0x1c);
    }

    @Test
    void disabledKeyboardSendsKeysOnlyWhenEnabledAgain() {
        driver.write(0xf5);
        driver.flush();
        press(Key.A);
        assertThat(driver.poll()).isEmpty();
        assertThat(driver.port.mayReceive()).isFalse();

        driver.write(0xf4);

        assertThat(driver.flush()).containsExactly(ACKNOWLEDGE);
        assertThat(driver.poll()).containsExactly(0x1c, 0xf0, 0x1c);
    }

    @Test
    void resetEnablesAndKeepsWhatWasTyped() {
        driver.write(0xf5);
        press(Key.A);

        driver.write(0xff);

        assertThat(driver.flush()).containsExactly(ACKNOWLEDGE, 0xaa);
        assertThat(driver.poll()).containsExactly(0x1c, 0xf0, 0x1c);
    }
}
