package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.keyboard.Key;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The US keyboard layout: which keys make which character. Control characters are Ctrl and a letter (1 to 26) but for
 * those that have a key of their own: Backspace, Tab, Enter and Escape.
 */
public final class UsLayout {

    private static final int CHARACTERS = 128;
    private static final int BACKSPACE = 0x08;
    private static final int ESCAPE = 0x1b;
    private static final int DELETE = 0x7f;
    private static final int CONTROL_LETTERS = 26;

    private static final String PLAIN = "`1234567890-=[]\\;',./";
    private static final String SHIFTED = "~!@#$%^&*()_+{}|:\"<>?";
    private static final List<Key> PLAIN_KEYS = List.of(
            Key.GRAVE,
            Key.DIGIT_1,
            Key.DIGIT_2,
            Key.DIGIT_3,
            Key.DIGIT_4,
            Key.DIGIT_5,
            Key.DIGIT_6,
            Key.DIGIT_7,
            Key.DIGIT_8,
            Key.DIGIT_9,
            Key.DIGIT_0,
            Key.MINUS,
            Key.EQUALS,
            Key.LEFT_BRACKET,
            Key.RIGHT_BRACKET,
            Key.BACKSLASH,
            Key.SEMICOLON,
            Key.APOSTROPHE,
            Key.COMMA,
            Key.PERIOD,
            Key.SLASH);

    private static final Keystroke[] KEYSTROKES = keystrokes();

    private UsLayout() {}

    /** Returns what to press for a character of US-ASCII; empty for any other and for those without keys. */
    static Optional<Keystroke> keystroke(int character) {
        return character < CHARACTERS ? Optional.ofNullable(KEYSTROKES[character]) : Optional.empty();
    }

    /**
     * Returns what to press for a text.
     *
     * @throws IllegalArgumentException if a character is not on the keyboard; names it
     */
    public static List<Keystroke> keystrokes(String text) {
        List<Keystroke> keystrokes = new ArrayList<>();
        for (int at = 0; at < text.length(); at++) {
            char character = text.charAt(at);
            int index = at;
            keystrokes.add(keystroke(character)
                    .orElseThrow(() -> new IllegalArgumentException(String.format(
                            "character U+%04X at index %d is not on a US keyboard; it can be typed on the serial line",
                            text.codePointAt(index), index))));
        }
        return keystrokes;
    }

    private static Keystroke[] keystrokes() {
        Keystroke[] keystrokes = new Keystroke[CHARACTERS];
        for (int i = 0; i < CONTROL_LETTERS; i++) {
            Key letter = Key.valueOf(String.valueOf((char) ('A' + i)));
            keystrokes[i + 1] = Keystroke.of(Key.LEFT_CONTROL, letter);
            keystrokes['a' + i] = Keystroke.of(letter);
            keystrokes['A' + i] = Keystroke.of(Key.LEFT_SHIFT, letter);
        }
        for (int i = 0; i < PLAIN_KEYS.size(); i++) {
            keystrokes[PLAIN.charAt(i)] = Keystroke.of(PLAIN_KEYS.get(i));
            keystrokes[SHIFTED.charAt(i)] = Keystroke.of(Key.LEFT_SHIFT, PLAIN_KEYS.get(i));
        }
        keystrokes[' '] = Keystroke.of(Key.SPACE);
        keystrokes['\t'] = Keystroke.of(Key.TAB);
        keystrokes['\n'] = Keystroke.of(Key.ENTER);
        keystrokes['\r'] = Keystroke.of(Key.ENTER);
        keystrokes[BACKSPACE] = Keystroke.of(Key.BACKSPACE);
        keystrokes[DELETE] = Keystroke.of(Key.BACKSPACE);
        keystrokes[ESCAPE] = Keystroke.of(Key.ESCAPE);
        return keystrokes;
    }
}
