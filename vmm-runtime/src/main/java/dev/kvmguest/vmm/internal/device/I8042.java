package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.IrqLine;
import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import dev.kvmguest.vmm.keyboard.Key;
import dev.kvmguest.vmm.outcome.Ending;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * An 8042 keyboard controller with a keyboard and no auxiliary device: data port at offset 0, status and command port
 * at offset 4. It passes its self-test, translates scan codes, controls A20 and resets the machine. At entry it is as a
 * PC's firmware leaves it: interrupt and translation on.
 *
 * <p>Keys are typed when the guest waits for them, not before, so that a driver that empties the buffer when it starts
 * comes to an end and takes nothing that was typed for it. The guest waits for keys while IRQ 1 is enabled here and
 * open at the interrupt controller, or when it has found the buffer empty twice with no write to the controller in
 * between; twice, because code for A20 and reset looks at the status once before each write. The first scan code comes
 * {@value #DELAY} ns after the guest began to wait, and each other as long after the one before was read. It then stays
 * until it is read, even if the guest masks IRQ 1 to handle it; but initializing the interrupt controller, which
 * forgets the request, starts the wait anew. Answers to commands come at once.
 *
 * <p>Source: IBM PS/2 Hardware Interface Technical Reference (1988), "Keyboard and Auxiliary Device Controller"; the
 * input port is that of the IBM PC AT Technical Reference (1985).
 */
public final class I8042 implements ByteDevice, TimedDevice, Persistent<I8042.State> {

    /** The number of ports from the data port to the command port; the three between belong to others. */
    public static final int COMMAND_OFFSET = 4;

    /** The time between scan codes, in ns of guest time. */
    static final long DELAY = 1_000_000;

    private static final int STATUS_OUTPUT_FULL = 0x01;
    private static final int STATUS_SYSTEM_FLAG = 0x04;
    private static final int STATUS_COMMAND = 0x08;
    private static final int STATUS_NOT_LOCKED = 0x10;
    private static final int STATUS_AUXILIARY = 0x20;
    private static final int STATUS_TIMEOUT = 0x40;

    private static final int CONFIGURATION_INTERRUPT = 0x01;
    private static final int CONFIGURATION_SYSTEM_FLAG = STATUS_SYSTEM_FLAG;
    private static final int CONFIGURATION_KEYBOARD_OFF = 0x10;
    private static final int CONFIGURATION_AUXILIARY_OFF = 0x20;
    private static final int CONFIGURATION_TRANSLATE = 0x40;

    private static final int READ_CONFIGURATION = 0x20;
    private static final int WRITE_CONFIGURATION = 0x60;
    private static final int DISABLE_AUXILIARY = 0xa7;
    private static final int ENABLE_AUXILIARY = 0xa8;
    private static final int TEST_AUXILIARY_INTERFACE = 0xa9;
    private static final int SELF_TEST = 0xaa;
    private static final int TEST_KEYBOARD_INTERFACE = 0xab;
    private static final int DISABLE_KEYBOARD = 0xad;
    private static final int ENABLE_KEYBOARD = 0xae;
    private static final int READ_INPUT_PORT = 0xc0;
    private static final int READ_OUTPUT_PORT = 0xd0;
    private static final int WRITE_OUTPUT_PORT = 0xd1;
    private static final int WRITE_KEYBOARD_BUFFER = 0xd2;
    private static final int WRITE_AUXILIARY_BUFFER = 0xd3;
    private static final int WRITE_AUXILIARY_DEVICE = 0xd4;
    /** Commands 0xF0 to 0xFF pulse those of the output port's lines 0 to 3 whose bit is 0. */
    private static final int PULSE = 0xf0;

    private static final int SELF_TEST_PASSED = 0x55;
    private static final int INTERFACE_TEST_PASSED = 0x00;
    /** The keyboard is not locked, the manufacturing jumper not installed, the second 256 KiB of RAM there. */
    private static final int INPUT_PORT = 0xb0;
    /** What the controller says in place of a device that doesn't answer, with the time-out in the status. */
    private static final int NO_DEVICE = 0xfe;
    /** Line 0 of the output port is the inverted reset, line 1 is A20. */
    private static final int OUTPUT_NOT_RESET = 0x01;

    private static final int OUTPUT_A20 = 0x02;

    private static final int NO_COMMAND = 0;
    private static final int NO_ANSWER = -1;
    private static final int LOOKS_OF_A_WAITING_GUEST = 2;

    private static final int[] SET_2_TO_1 = translation();

    private final Consumer<Ending> end;
    private final Keyboard keyboard;
    private final IrqLine interrupt;
    private final Supplier<IrqState> irqState;
    private final LongSupplier now;
    private int outputPort = OUTPUT_NOT_RESET | OUTPUT_A20;
    private int configuration =
            CONFIGURATION_INTERRUPT | CONFIGURATION_SYSTEM_FLAG | CONFIGURATION_AUXILIARY_OFF | CONFIGURATION_TRANSLATE;
    private int command = NO_COMMAND;
    private boolean commandWritten;
    /** What the data port reads as: at first the answer to the last command that firmware gave the keyboard. */
    private int data = Keyboard.ACKNOWLEDGE;

    private int answer = NO_ANSWER;
    private int answerStatus;
    private boolean answerInterrupts;
    private int emptyLooks;
    /** When the next scan code may be read; {@link #NEVER} while the guest doesn't wait for keys. */
    private long due = NEVER;

    /** There is a scan code in the output buffer, under the answer that may hide it. */
    private boolean shown;

    private boolean raised;

    /**
     * Creates a controller.
     *
     * @param end takes the reset of the machine
     * @param input what is typed on the keyboard
     * @param interrupt IRQ 1
     * @param irqState what the interrupt controller does with IRQ 1
     * @param now the guest's time, in ns
     */
    public I8042(
            Consumer<Ending> end, InputQueue input, IrqLine interrupt, Supplier<IrqState> irqState, LongSupplier now) {
        this.end = end;
        this.keyboard = new Keyboard(input);
        this.interrupt = interrupt;
        this.irqState = irqState;
        this.now = now;
    }

    /** Returns whether a key pressed now would raise the interrupt. */
    @Override
    public boolean mayReceive() {
        return isSet(CONFIGURATION_INTERRUPT) && !isSet(CONFIGURATION_KEYBOARD_OFF) && keyboard.isScanning();
    }

    /** Returns when the next scan code raises the interrupt, or 0 if what the keyboard goes by has changed. */
    @Override
    public long nextEvent() {
        boolean wanted = requested(due);
        if ((nextDue(0) == NEVER) != (due == NEVER) || raised && !wanted) {
            return 0;
        }
        return wanted && !raised ? due : NEVER;
    }

    @Override
    public void advanceTo(long time) {
        update(time);
    }

    @Override
    public int readByte(int offset) {
        long time = now.getAsLong();
        update(time);
        int value = offset == COMMAND_OFFSET ? status(time) : read(time);
        update(time);
        return value;
    }

    @Override
    public void writeByte(int offset, int value) {
        emptyLooks = 0;
        commandWritten = offset == COMMAND_OFFSET;
        if (commandWritten) {
            writeCommand(value);
        } else {
            writeData(value);
        }
        update(now.getAsLong());
    }

    private int status(long time) {
        int status = STATUS_NOT_LOCKED
                | (isSet(CONFIGURATION_SYSTEM_FLAG) ? STATUS_SYSTEM_FLAG : 0)
                | (commandWritten ? STATUS_COMMAND : 0);
        if (answer != NO_ANSWER) {
            return status | answerStatus;
        }
        if (keyboardHasByte(time)) {
            return status | STATUS_OUTPUT_FULL;
        }
        lookedInVain();
        return status;
    }

    private int read(long time) {
        if (answer != NO_ANSWER) {
            data = answer;
            answer = NO_ANSWER;
        } else if (keyboard.hasAnswer() && keyboardHasByte(time)) {
            data = translate(keyboard.send());
        } else if (keyboardHasByte(time)) {
            data = readScanCode();
            due = time + DELAY;
        } else {
            // The port still has what was read last.
            lookedInVain();
            return data;
        }
        // Each byte gives the line an edge of its own.
        setInterrupt(false);
        return data;
    }

    private int readScanCode() {
        int code = keyboard.send();
        if (isSet(CONFIGURATION_TRANSLATE) && code == Keyboard.BREAK) {
            return translate(keyboard.send()) | Keyboard.SET_1_BREAK;
        }
        return translate(code);
    }

    private void lookedInVain() {
        emptyLooks = Math.min(emptyLooks + 1, LOOKS_OF_A_WAITING_GUEST);
    }

    private void writeCommand(int value) {
        command = NO_COMMAND;
        switch (value) {
            case READ_CONFIGURATION -> answer(configuration);
            case DISABLE_AUXILIARY -> configuration |= CONFIGURATION_AUXILIARY_OFF;
            case ENABLE_AUXILIARY -> configuration &= ~CONFIGURATION_AUXILIARY_OFF;
            case SELF_TEST -> answer(SELF_TEST_PASSED);
            case TEST_KEYBOARD_INTERFACE, TEST_AUXILIARY_INTERFACE -> answer(INTERFACE_TEST_PASSED);
            case DISABLE_KEYBOARD -> configuration |= CONFIGURATION_KEYBOARD_OFF;
            case ENABLE_KEYBOARD -> configuration &= ~CONFIGURATION_KEYBOARD_OFF;
            case READ_INPUT_PORT -> answer(INPUT_PORT);
            case READ_OUTPUT_PORT -> answer(outputPort);
            case WRITE_CONFIGURATION,
                    WRITE_OUTPUT_PORT,
                    WRITE_KEYBOARD_BUFFER,
                    WRITE_AUXILIARY_BUFFER,
                    WRITE_AUXILIARY_DEVICE -> command = value;
            default -> {
                if (value >= PULSE && (value & OUTPUT_NOT_RESET) == 0) {
                    reset(String.format("8042 command 0x%02x pulsed the reset line", value));
                }
            }
        }
    }

    private void writeData(int value) {
        int of = command;
        command = NO_COMMAND;
        switch (of) {
            case WRITE_CONFIGURATION -> configuration = value;
            case WRITE_OUTPUT_PORT -> {
                outputPort = value;
                if ((value & OUTPUT_NOT_RESET) == 0) {
                    reset(String.format("8042 output port 0x%02x holds the reset line", value));
                }
            }
            case WRITE_KEYBOARD_BUFFER -> answer(value, 0, true);
            case WRITE_AUXILIARY_BUFFER -> answer(value, STATUS_AUXILIARY, false);
            case WRITE_AUXILIARY_DEVICE -> answer(NO_DEVICE, STATUS_AUXILIARY | STATUS_TIMEOUT, false);
            default -> {
                // A byte for the keyboard turns its interface on.
                configuration &= ~CONFIGURATION_KEYBOARD_OFF;
                keyboard.receive(value);
            }
        }
    }

    private void reset(String cause) {
        end.accept(new Ending.Reset(cause));
    }

    private void answer(int value) {
        answer(value, 0, false);
    }

    /** Puts a byte of the controller's own into the output buffer, before what the keyboard may have. */
    private void answer(int value, int status, boolean interrupts) {
        answer = value;
        answerStatus = STATUS_OUTPUT_FULL | status;
        answerInterrupts = interrupts;
    }

    private boolean isSet(int bit) {
        return (configuration & bit) != 0;
    }

    private boolean keyboardHasByte(long time) {
        return !isSet(CONFIGURATION_KEYBOARD_OFF) && (keyboard.hasAnswer() || hasScanCode(time));
    }

    private boolean hasScanCode(long time) {
        return due != NEVER && time >= due && keyboard.hasScanCode();
    }

    private void update(long time) {
        due = nextDue(time);
        shown = hasScanCode(time);
        setInterrupt(requested(time));
    }

    /** Returns what {@link #due} is to be from {@code time} on. */
    private long nextDue(long time) {
        IrqState irq = irqState.get();
        if (isSet(CONFIGURATION_KEYBOARD_OFF) || !keyboard.isScanning() || irq == IrqState.INITIALIZING) {
            return NEVER;
        }
        boolean waits =
                isSet(CONFIGURATION_INTERRUPT) && irq == IrqState.OPEN || emptyLooks == LOOKS_OF_A_WAITING_GUEST;
        if (!waits) {
            return shown ? due : NEVER;
        }
        return due == NEVER ? time + DELAY : due;
    }

    /** Returns whether at {@code time} there is something in the output buffer that raises the interrupt. */
    private boolean requested(long time) {
        boolean present = answer == NO_ANSWER ? keyboardHasByte(time) : answerInterrupts;
        return present && isSet(CONFIGURATION_INTERRUPT);
    }

    private void setInterrupt(boolean high) {
        raised = high;
        interrupt.set(high);
    }

    private int translate(int code) {
        return isSet(CONFIGURATION_TRANSLATE) ? SET_2_TO_1[code] : code;
    }

    /** Codes that no key has stay as they are, such as answers, all from 0x80. */
    private static int[] translation() {
        int[] table = new int[0x100];
        for (int code = 0; code < table.length; code++) {
            table[code] = code;
        }
        for (Key key : Key.values()) {
            table[key.set2()] = key.set1();
        }
        // No key of set 2, but in the firmware's table all the same: asked for its set, a keyboard seems to answer
        // 0x41.
        table[0x02] = Key.F7.set1();
        return table;
    }

    @Override
    public State save() {
        return new State(
                keyboard.save(),
                outputPort,
                configuration,
                command,
                commandWritten,
                data,
                answer,
                answerStatus,
                answerInterrupts,
                emptyLooks,
                due,
                shown,
                raised);
    }

    @Override
    public void restore(State state) {
        keyboard.restore(state.keyboard);
        outputPort = state.outputPort;
        configuration = state.configuration;
        command = state.command;
        commandWritten = state.commandWritten;
        data = state.data;
        answer = state.answer;
        answerStatus = state.answerStatus;
        answerInterrupts = state.answerInterrupts;
        emptyLooks = state.emptyLooks;
        due = state.due;
        shown = state.shown;
        raised = state.raised;
    }

    /** State of the controller and its keyboard; {@code due} is when the next scan code may be read. */
    public record State(
            Keyboard.State keyboard,
            int outputPort,
            int configuration,
            int command,
            boolean commandWritten,
            int data,
            int answer,
            int answerStatus,
            boolean answerInterrupts,
            int emptyLooks,
            long due,
            boolean shown,
            boolean raised) {}
}
