package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.mouse.MouseButton;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Set;

/**
 * A PS/2 mouse with three buttons and a wheel at an {@link I8042}: answers its commands, and reports how it was moved
 * in packets of three bytes; of four, once the guest has asked for the wheel by the sample rates 200, 100 and 80 one
 * after the other. It waits with a movement until the guest takes the first byte of its packet. Neither a reset nor a
 * command that stops it loses a movement that it has not begun to report.
 *
 * <p>Source: IBM PS/2 Hardware Interface Technical Reference (1990), "Mouse"; the wheel is that of Microsoft's
 * IntelliMouse.
 */
final class Mouse implements Ps2Device, Persistent<Mouse.State> {

    private static final int SET_SCALING_1_TO_1 = 0xe6;
    private static final int SET_SCALING_2_TO_1 = 0xe7;
    private static final int SET_RESOLUTION = 0xe8;
    private static final int STATUS = 0xe9;
    private static final int SET_STREAM_MODE = 0xea;
    private static final int READ_DATA = 0xeb;
    private static final int RESET_WRAP_MODE = 0xec;
    private static final int SET_WRAP_MODE = 0xee;
    private static final int SET_REMOTE_MODE = 0xf0;
    private static final int IDENTIFY = 0xf2;
    private static final int SET_SAMPLE_RATE = 0xf3;
    private static final int ENABLE = 0xf4;
    private static final int DISABLE = 0xf5;
    private static final int SET_DEFAULTS = 0xf6;

    private static final int WITHOUT_WHEEL = 0x00;
    private static final int WITH_WHEEL = 0x03;

    private static final int NO_COMMAND = 0;
    private static final int DEFAULT_RATE = 100;
    /** Four counts a millimetre. */
    private static final int DEFAULT_RESOLUTION = 2;

    private static final int FINEST_RESOLUTION = 3;
    private static final Set<Integer> RATES = Set.of(10, 20, 40, 60, 80, 100, 200);
    /** The sample rates 200, 100, 80, one byte each. */
    private static final int KNOCK = 200 << 16 | 100 << 8 | 80;

    // The first byte of a packet.
    private static final int ALWAYS = 0x08;
    private static final int NEGATIVE_X = 0x10;
    private static final int NEGATIVE_Y = 0x20;
    private static final int OVERFLOW_X = 0x40;
    private static final int OVERFLOW_Y = 0x80;
    private static final int FURTHEST = 255;

    // The first byte of the status.
    private static final int STATUS_SCALING_2_TO_1 = 0x10;
    private static final int STATUS_ENABLED = 0x20;
    private static final int STATUS_REMOTE = 0x40;

    /** What movements of 0 to 5 counts are reported as with 2:1 scaling; longer ones are doubled. */
    private static final int[] SCALED = {0, 1, 1, 3, 6, 9};

    private final MouseQueue input;
    private final ArrayDeque<Integer> answers = new ArrayDeque<>();
    private final ArrayDeque<Integer> packet = new ArrayDeque<>();
    private Setting setting = Setting.DEFAULT;
    private boolean wrapping;
    private boolean wheel;
    /** The last three sample rates that were set, one byte each. */
    private int knock;
    /** The command that the next byte is the argument of. */
    private int command = NO_COMMAND;

    private Set<MouseButton> held = Set.of();
    /** The last answer or packet, for who hasn't understood it. */
    private List<Integer> lastSent = List.of(SELF_TEST_PASSED, WITHOUT_WHEEL);

    /** Creates a mouse as after power-on, which reports nothing yet, and is moved as {@code input} says. */
    Mouse(MouseQueue input) {
        this.input = input;
    }

    /**
     * What a reset sets back.
     *
     * @param enabled whether movements are reported in stream mode
     * @param remote whether they are reported on request only
     */
    record Setting(boolean enabled, boolean remote, boolean doubled, int resolution, int rate) {

        static final Setting DEFAULT = new Setting(false, false, false, DEFAULT_RESOLUTION, DEFAULT_RATE);

        Setting enabled(boolean on) {
            return new Setting(on, remote, doubled, resolution, rate);
        }

        Setting remote(boolean on) {
            return new Setting(enabled, on, doubled, resolution, rate);
        }

        Setting doubled(boolean on) {
            return new Setting(enabled, remote, on, resolution, rate);
        }

        Setting resolution(int code) {
            return new Setting(enabled, remote, doubled, code, rate);
        }

        Setting rate(int reportsASecond) {
            return new Setting(enabled, remote, doubled, resolution, reportsASecond);
        }
    }

    @Override
    public boolean isReporting() {
        return setting.enabled && !setting.remote && !wrapping;
    }

    @Override
    public boolean hasAnswer() {
        return !answers.isEmpty();
    }

    @Override
    public boolean hasReport() {
        return !packet.isEmpty() || !input.isEmpty();
    }

    @Override
    public int send() {
        if (hasAnswer()) {
            return answers.remove();
        }
        if (packet.isEmpty()) {
            input.take().ifPresent(move -> {
                lastSent = packet(move);
                packet.addAll(lastSent);
            });
        }
        return packet.remove();
    }

    @Override
    public void receive(int value) {
        // A command ends the packet that is under way.
        packet.clear();
        if (wrapping && value != RESET && value != RESET_WRAP_MODE) {
            answer(value);
            return;
        }
        int awaiting = command;
        command = NO_COMMAND;
        if (awaiting != NO_COMMAND && takesArgument(awaiting, value)) {
            answer(ACKNOWLEDGE);
            return;
        }
        switch (value) {
            case SET_SCALING_1_TO_1 -> set(setting.doubled(false));
            case SET_SCALING_2_TO_1 -> set(setting.doubled(true));
            case SET_RESOLUTION, SET_SAMPLE_RATE -> {
                command = value;
                answer(ACKNOWLEDGE);
            }
            case STATUS -> answer(ACKNOWLEDGE, status(), setting.resolution, setting.rate);
            case SET_STREAM_MODE -> set(setting.remote(false));
            case SET_REMOTE_MODE -> set(setting.remote(true));
            case READ_DATA -> answerPacket();
            case SET_WRAP_MODE, RESET_WRAP_MODE -> {
                wrapping = value == SET_WRAP_MODE;
                answer(ACKNOWLEDGE);
            }
            case IDENTIFY -> answer(ACKNOWLEDGE, wheel ? WITH_WHEEL : WITHOUT_WHEEL);
            case ENABLE -> set(setting.enabled(true));
            case DISABLE -> set(setting.enabled(false));
            case SET_DEFAULTS -> set(Setting.DEFAULT);
            case RESEND -> answer(lastSent);
            case RESET -> {
                setting = Setting.DEFAULT;
                wrapping = false;
                wheel = false;
                knock = 0;
                answer(ACKNOWLEDGE, SELF_TEST_PASSED, WITHOUT_WHEEL);
            }
            default -> answer(RESEND);
        }
    }

    private boolean takesArgument(int of, int value) {
        if (of == SET_RESOLUTION && value <= FINEST_RESOLUTION) {
            setting = setting.resolution(value);
            return true;
        }
        if (of == SET_SAMPLE_RATE && RATES.contains(value)) {
            setting = setting.rate(value);
            knock = (knock << 8 | value) & 0xff_ffff;
            wheel |= knock == KNOCK;
            return true;
        }
        return false;
    }

    private void set(Setting changed) {
        setting = changed;
        answer(ACKNOWLEDGE);
    }

    private int status() {
        return (setting.remote ? STATUS_REMOTE : 0)
                | (setting.enabled ? STATUS_ENABLED : 0)
                | (setting.doubled ? STATUS_SCALING_2_TO_1 : 0)
                | (held.contains(MouseButton.LEFT) ? 4 : 0)
                | (held.contains(MouseButton.MIDDLE) ? 2 : 0)
                | (held.contains(MouseButton.RIGHT) ? 1 : 0);
    }

    /** Whoever asks for a packet gets one, of no movement if there was none. */
    private void answerPacket() {
        List<Integer> asked = packet(input.take().orElse(new MouseMove(0, 0, 0, held)));
        answer(ACKNOWLEDGE);
        answers.addAll(asked);
        lastSent = asked;
    }

    /** A new command makes what was to be said to the one before void. */
    private void answer(Integer... bytes) {
        answer(List.of(bytes));
    }

    private void answer(List<Integer> bytes) {
        answers.clear();
        answers.addAll(bytes);
        lastSent = bytes;
    }

    private List<Integer> packet(MouseMove move) {
        held = move.held();
        boolean scaled = setting.doubled && !setting.remote;
        int dx = scaled ? scale(move.dx()) : move.dx();
        int dy = scaled ? scale(move.dy()) : move.dy();
        int first = ALWAYS
                | (held.contains(MouseButton.LEFT) ? 1 : 0)
                | (held.contains(MouseButton.RIGHT) ? 2 : 0)
                | (held.contains(MouseButton.MIDDLE) ? 4 : 0)
                | (dx < 0 ? NEGATIVE_X : 0)
                | (dy < 0 ? NEGATIVE_Y : 0)
                | (Math.abs(dx) > FURTHEST ? OVERFLOW_X : 0)
                | (Math.abs(dy) > FURTHEST ? OVERFLOW_Y : 0);
        return wheel ? List.of(first, count(dx), count(dy), move.wheel() & 0xff) : List.of(first, count(dx), count(dy));
    }

    private static int scale(int counts) {
        int length = Math.abs(counts);
        return Integer.signum(counts) * (length < SCALED.length ? SCALED[length] : 2 * length);
    }

    private static int count(int counts) {
        return Math.max(-FURTHEST, Math.min(FURTHEST, counts)) & 0xff;
    }

    @Override
    public State save() {
        return new State(
                List.copyOf(answers), List.copyOf(packet), setting, wrapping, wheel, knock, command, held, lastSent);
    }

    @Override
    public void restore(State state) {
        answers.clear();
        answers.addAll(state.answers);
        packet.clear();
        packet.addAll(state.packet);
        setting = state.setting;
        wrapping = state.wrapping;
        wheel = state.wheel;
        knock = state.knock;
        command = state.command;
        held = state.held;
        lastSent = state.lastSent;
    }

    /** State of a mouse. */
    record State(
            List<Integer> answers,
            List<Integer> packet,
            Setting setting,
            boolean wrapping,
            boolean wheel,
            int knock,
            int command,
            Set<MouseButton> held,
            List<Integer> lastSent) {}
}
