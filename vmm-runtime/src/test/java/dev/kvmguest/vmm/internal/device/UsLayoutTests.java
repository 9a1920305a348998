package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.keyboard.Key;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The US layout, read back from scan codes by a decoder such as small kernels have. */
class UsLayoutTests {

    /** What keys of set 1 mean, from code 1 on; a dot stands for those that are no characters. */
    private static final String PLAIN = "\0331234567890-=\b\tqwertyuiop[]\n.asdfghjkl;'`.\\zxcvbnm,./... ";

    private static final String SHIFTED = "\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n.ASDFGHJKL:\"~.|ZXCVBNM<>?... ";

    private static final int LEFT_SHIFT = 0x2a;
    private static final int LEFT_CONTROL = 0x1d;
    private static final int BREAK = 0x80;

    private final KeyboardDriver driver = new KeyboardDriver();

    static IntStream printable() {
        return IntStream.rangeClosed(0x20, 0x7e);
    }

    private String decode(List<Integer> codes) {
        Set<Integer> held = new HashSet<>();
        StringBuilder text = new StringBuilder();
        for (int code : codes) {
            if ((code & BREAK) != 0) {
                assertThat(held.remove(code & ~BREAK))
                        .as("key %#x is released that was not pressed", code)
                        .isTrue();
            } else if (held.add(code) && code != LEFT_SHIFT && code != LEFT_CONTROL) {
                char character = (held.contains(LEFT_SHIFT) ? SHIFTED : PLAIN).charAt(code - 1);
                text.append((char) (held.contains(LEFT_CONTROL) ? character & 0x1f : character));
            }
        }
        assertThat(held).as("keys that are held down for ever").isEmpty();
        return text.toString();
    }

    private String typed(String text) {
        driver.input.add(UsLayout.keystrokes(text));
        return decode(driver.poll());
    }

    @ParameterizedTest
    @MethodSource("printable")
    void everyPrintableCharacterIsTyped(int character) {
        String text = Character.toString(character);

        assertThat(typed(text)).isEqualTo(text);
    }

    @Test
    void textIsTypedInItsOrder() {
        String text = "int main(void) { return 'x' != \"Y\"[0]; }\n\tOK";

        assertThat(typed(text)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"0x08, 0x0e", "0x7f, 0x0e", "0x09, 0x0f", "0x0a, 0x1c", "0x0d, 0x1c", "0x1b, 0x01"})
    void controlCharactersWithAKeyOfTheirOwnAreThatKey(String character, String code) {
        driver.input.add(UsLayout.keystrokes(Character.toString(Integer.decode(character))));

        int make = Integer.decode(code);
        assertThat(driver.poll()).containsExactly(make, make | BREAK);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26})
    void otherControlCharactersAreCtrlAndALetter(int character) {
        String text = Character.toString(character);

        assertThat(typed(text)).isEqualTo(text);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x00, 0x1c, 0x1d, 0x1e, 0x1f, 0x80, 0xe9, 0x20ac})
    void otherCharactersAreRefusedByName(int character) {
        String text = "ab" + Character.toString(character);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> UsLayout.keystrokes(text))
                .withMessage(
                        "character U+%04X at index 2 is not on a US keyboard; it can be typed on the serial line",
                        character);
    }

    @Test
    void characterBeyondTheFirst65536IsNamedWhole() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> UsLayout.keystrokes("\uD83D\uDE00"))
                .withMessageStartingWith("character U+1F600 at index 0");
    }

    @Test
    void keystrokeWithoutKeysIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(Keystroke::of)
                .withMessage("a keystroke needs at least one key");
    }

    @Test
    void noTwoKeysHaveTheSameCodes() {
        assertThat(Key.values())
                .extracting(key -> List.of(key.set1(), key.isExtended()))
                .doesNotHaveDuplicates();
        assertThat(Key.values())
                .extracting(key -> List.of(key.set2(), key.isExtended()))
                .doesNotHaveDuplicates();
    }

    @Test
    void keysThatDifferByTheirPrefixHaveTheSameCodesInBothSets() {
        for (Key key : Key.values()) {
            for (Key other : Key.values()) {
                assertThat(key.set1() == other.set1()).as("%s, %s", key, other).isEqualTo(key.set2() == other.set2());
            }
        }
    }
}
