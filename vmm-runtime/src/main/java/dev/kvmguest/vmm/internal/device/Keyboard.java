package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.keyboard.Key;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * A 101-key keyboard at an {@link I8042}: answers its commands, and sends what was typed in scan code set 2 or 1. It
 * waits with a keystroke until the guest takes the first of its codes; until then, the text that it comes from is still
 * there for others. Neither a reset nor a command that stops it loses what was typed.
 *
 * <p>Source: IBM PS/2 Hardware Interface Technical Reference (1988), "Keyboards".
 */
final class Keyboard implements Ps2Device, Persistent<Keyboard.State> {

    /** Comes before both codes of an extended key. */
    static final int EXTENDED = 0xe0;
    /** Comes before a break code in set 2. */
    static final int BREAK = 0xf0;
    /** What a break code has more than the make code in set 1. */
    static final int SET_1_BREAK = 0x80;

    private static final int SET_LEDS = 0xed;
    private static final int ECHO = 0xee;
    private static final int SELECT_SET = 0xf0;
    private static final int IDENTIFY = 0xf2;
    private static final int SET_TYPEMATIC = 0xf3;
    private static final int ENABLE = 0xf4;
    private static final int DISABLE = 0xf5;
    private static final int SET_DEFAULTS = 0xf6;

    private static final int[] ID = {0xab, 0x83};

    private static final int NO_COMMAND = 0;
    private static final int REPORT_SET = 0;
    private static final int DEFAULT_SET = 2;

    private final InputQueue input;
    private final ArrayDeque<Integer> answers = new ArrayDeque<>();
    private final ArrayDeque<Integer> codes = new ArrayDeque<>();
    private boolean scanning = true;
    private int set = DEFAULT_SET;
    /** The command that the next byte is the argument of. */
    private int command = NO_COMMAND;

    private int lastSent;

    /** Creates a keyboard, ready and sending set 2, on which the keystrokes of {@code input} are pressed. */
    Keyboard(InputQueue input) {
        this.input = input;
    }

    @Override
    public boolean isReporting() {
        return scanning;
    }

    @Override
    public boolean hasAnswer() {
        return !answers.isEmpty();
    }

    @Override
    public boolean hasReport() {
        return !codes.isEmpty() || input.hasKeystroke();
    }

    @Override
    public int send() {
        if (hasAnswer()) {
            lastSent = answers.remove();
        } else {
            if (codes.isEmpty()) {
                input.takeKeystroke().ifPresent(this::encode);
            }
            lastSent = codes.remove();
        }
        return lastSent;
    }

    @Override
    public void receive(int value) {
        int awaiting = command;
        command = NO_COMMAND;
        // A command in place of an argument ends the command before it.
        if (awaiting != NO_COMMAND && value < SET_LEDS) {
            takeArgument(awaiting, value);
            return;
        }
        switch (value) {
            case SET_LEDS, SELECT_SET, SET_TYPEMATIC -> {
                command = value;
                answer(ACKNOWLEDGE);
            }
            case ECHO -> answer(ECHO);
            case IDENTIFY -> answer(ACKNOWLEDGE, ID[0], ID[1]);
            case ENABLE -> {
                scanning = true;
                answer(ACKNOWLEDGE);
            }
            case DISABLE -> {
                scanning = false;
                set = DEFAULT_SET;
                answer(ACKNOWLEDGE);
            }
            case SET_DEFAULTS -> {
                set = DEFAULT_SET;
                answer(ACKNOWLEDGE);
            }
            case RESEND -> answer(lastSent);
            case RESET -> {
                scanning = true;
                set = DEFAULT_SET;
                answer(ACKNOWLEDGE, SELF_TEST_PASSED);
            }
            default -> answer(RESEND);
        }
    }

    /** LEDs that nobody sees and keys that nobody holds down long enough to repeat need no more than an answer. */
    private void takeArgument(int of, int value) {
        if (of != SELECT_SET) {
            answer(ACKNOWLEDGE);
        } else if (value == REPORT_SET) {
            answer(ACKNOWLEDGE, set);
        } else if (value <= DEFAULT_SET) {
            set = value;
            answer(ACKNOWLEDGE);
        } else {
            answer(RESEND);
        }
    }

    /** A new command makes what was to be said to the one before void. */
    private void answer(int... bytes) {
        answers.clear();
        for (int octet : bytes) {
            answers.add(octet);
        }
    }

    private void encode(Keystroke keystroke) {
        List<Key> keys = new ArrayList<>(keystroke.keys());
        keys.forEach(key -> encode(key, false));
        for (int i = keys.size() - 1; i >= 0; i--) {
            encode(keys.get(i), true);
        }
    }

    private void encode(Key key, boolean released) {
        if (key.isExtended()) {
            codes.add(EXTENDED);
        }
        if (set == 1) {
            codes.add(key.set1() | (released ? SET_1_BREAK : 0));
        } else {
            if (released) {
                codes.add(BREAK);
            }
            codes.add(key.set2());
        }
    }

    @Override
    public State save() {
        return new State(List.copyOf(answers), List.copyOf(codes), scanning, set, command, lastSent);
    }

    @Override
    public void restore(State state) {
        answers.clear();
        answers.addAll(state.answers);
        codes.clear();
        codes.addAll(state.codes);
        scanning = state.scanning;
        set = state.set;
        command = state.command;
        lastSent = state.lastSent;
    }

    /** State of a keyboard. */
    record State(List<Integer> answers, List<Integer> codes, boolean scanning, int set, int command, int lastSent) {}
}
