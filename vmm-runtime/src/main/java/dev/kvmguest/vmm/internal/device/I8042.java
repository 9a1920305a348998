package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.IrqLine;
import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import dev.kvmguest.vmm.outcome.Ending;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * An 8042 keyboard controller with a keyboard at its first port and a mouse at its second: data port at offset 0,
 * status and command port at offset 4. It passes its self-test, translates scan codes, controls A20 and resets the
 * machine. At entry it is as a PC's firmware leaves it: the keyboard's interrupt and translation on, the mouse's port
 * off.
 *
 * <p>Keys are typed, and the mouse is moved, when the guest waits for that, not before, so that a driver that empties
 * the buffer when it starts comes to an end and takes nothing that was typed for it. The guest waits while the
 * interrupt, IRQ 1 or 12, is enabled here and open at the interrupt controller, or when it has found the buffer empty
 * twice with no write to the controller in between; twice, because code for A20 and reset looks at the status once
 * before each write. The first scan code comes {@value Ps2Port#DELAY} ns after the guest began to wait, and each other
 * as long after the one before was read. It then stays until it is read, even if the guest masks IRQ 1 to handle it;
 * but initializing the interrupt controller, which forgets the request, starts the wait anew. Answers to commands come
 * at once.
 *
 * <p>Source: IBM PS/2 Hardware Interface Technical Reference (1988), "Keyboard and Auxiliary Device Controller"; the
 * input port is that of the IBM PC AT Technical Reference (1985).
 */
public final class I8042 implements ByteDevice, Persistent<I8042.State> {

    /** The number of ports from the data port to the command port; the three between belong to others. */
    public static final int COMMAND_OFFSET = 4;

    private static final int STATUS_OUTPUT_FULL = 0x01;
    private static final int STATUS_SYSTEM_FLAG = 0x04;
    private static final int STATUS_COMMAND = 0x08;
    private static final int STATUS_NOT_LOCKED = 0x10;
    private static final int STATUS_AUXILIARY = 0x20;

    private static final int CONFIGURATION_INTERRUPT = 0x01;
    private static final int CONFIGURATION_AUXILIARY_INTERRUPT = 0x02;
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
    /** Line 0 of the output port is the inverted reset, line 1 is A20. */
    private static final int OUTPUT_NOT_RESET = 0x01;

    private static final int OUTPUT_A20 = 0x02;

    private static final int NO_COMMAND = 0;
    private static final int NO_ANSWER = -1;
    private static final int LOOKS_OF_A_WAITING_GUEST = 2;

    private final Consumer<Ending> end;
    private final Keyboard keyboard;
    private final Mouse mouse;
    private final Ps2Port keyboardPort;
    private final Ps2Port mousePort;
    private final LongSupplier now;
    private Runnable secondPortOn;
    private int outputPort = OUTPUT_NOT_RESET | OUTPUT_A20;
    private int configuration =
            CONFIGURATION_INTERRUPT | CONFIGURATION_SYSTEM_FLAG | CONFIGURATION_AUXILIARY_OFF | CONFIGURATION_TRANSLATE;
    private int command = NO_COMMAND;
    private boolean commandWritten;
    /** What the data port reads as: at first the answer to the last command that firmware gave the keyboard. */
    private int data = Ps2Device.ACKNOWLEDGE;

    private int answer = NO_ANSWER;
    /** The answer was put there as if the keyboard, or the mouse, had sent it. */
    private Source answerOf = Source.CONTROLLER;

    private int emptyLooks;
    /** Whose byte is in the output buffer, under the answer that may hide it: the controller's if none is. */
    private Source inBuffer = Source.CONTROLLER;

    private enum Source {
        CONTROLLER,
        KEYBOARD,
        MOUSE
    }

    /**
     * The interrupt of a port.
     *
     * @param line the interrupt request
     * @param state what the interrupt controller does with it
     */
    public record Interrupt(IrqLine line, Supplier<IrqState> state) {}

    /**
     * Creates a controller.
     *
     * @param end takes the reset of the machine
     * @param typed what is typed on the keyboard
     * @param moves how the mouse is moved
     * @param keyboardInterrupt IRQ 1
     * @param mouseInterrupt IRQ 12
     * @param now the guest's time, in ns
     */
    public I8042(
            Consumer<Ending> end,
            InputQueue typed,
            MouseQueue moves,
            Interrupt keyboardInterrupt,
            Interrupt mouseInterrupt,
            LongSupplier now) {
        this.end = end;
        this.keyboard = new Keyboard(typed);
        this.mouse = new Mouse(moves);
        this.keyboardPort = new Ps2Port(
                keyboard,
                CONFIGURATION_INTERRUPT,
                CONFIGURATION_KEYBOARD_OFF,
                keyboardInterrupt.line,
                keyboardInterrupt.state);
        this.mousePort = new Ps2Port(
                mouse,
                CONFIGURATION_AUXILIARY_INTERRUPT,
                CONFIGURATION_AUXILIARY_OFF,
                mouseInterrupt.line,
                mouseInterrupt.state);
        this.now = now;
    }

    /** Returns the keyboard's port as a device that acts in time, at IRQ 1. */
    public TimedDevice firstPort() {
        return new TimedPort(keyboardPort, Source.KEYBOARD);
    }

    /**
     * Has {@code action} run once, when the mouse's port is switched on: until then nothing comes from there by itself,
     * and the board needn't ask at every exit of a guest that has no use for a mouse.
     */
    public void onSecondPort(Runnable action) {
        secondPortOn = action;
    }

    private void announceSecondPort() {
        if (secondPortOn != null && !mousePort.isOff(configuration)) {
            Runnable action = secondPortOn;
            secondPortOn = null;
            action.run();
        }
    }

    /** Returns the mouse's port as a device that acts in time, at IRQ 12. */
    public TimedDevice secondPort() {
        return new TimedPort(mousePort, Source.MOUSE);
    }

    /** A port's part in what the controller does by itself. */
    private final class TimedPort implements TimedDevice {

        private final Ps2Port port;
        private final Source source;

        private TimedPort(Ps2Port port, Source source) {
            this.port = port;
            this.source = source;
        }

        /** Returns whether a key pressed, or the mouse moved now, would raise the interrupt. */
        @Override
        public boolean mayReceive() {
            return port.interrupts(configuration) && !port.isOff(configuration) && port.device.isReporting();
        }

        /** Returns when the next byte raises the interrupt, or 0 if what the device goes by has changed. */
        @Override
        public long nextEvent() {
            boolean wanted = port.interrupts(configuration)
                    && (answer != NO_ANSWER
                            ? answerOf == source
                            : port.hasByteInTime(configuration)
                                    && (inBuffer == Source.CONTROLLER || inBuffer == source));
            if (port.isOutOfPace(configuration, isPolled()) || port.isRaised() && !wanted) {
                return 0;
            }
            return wanted && !port.isRaised() ? port.due() : NEVER;
        }

        @Override
        public void advanceTo(long time) {
            update(time);
        }
    }

    /**
     * Returns whether a scan code is in the output buffer that has raised IRQ 1 and has not been read since. Until it
     * is, no other comes, and the interrupt request has no edge.
     */
    public boolean hasUnreadKey() {
        return answer == NO_ANSWER && inBuffer == Source.KEYBOARD && keyboardPort.hasRaisedForReport();
    }

    /**
     * Returns when IRQ 1 may come again for a scan code that {@link #hasUnreadKey nobody has read}, in ns of guest
     * time; {@link TimedDevice#NEVER} if there is none.
     */
    public long keyRetry() {
        return keyboardPort.retry();
    }

    /** Has IRQ 1 come no more for that scan code until later. */
    public void postponeKeyRetry(long time) {
        keyboardPort.postponeRetry(time);
    }

    /** Has IRQ 1 come once more for that scan code, as if the key was pressed only now. */
    public void interruptAgain() {
        keyboardPort.setInterrupt(false);
        keyboardPort.setInterrupt(true);
    }

    /**
     * Returns whether nothing is on its way to the output buffer, whose bytes come in their time: what the guest reads
     * then changes only by what it does itself.
     */
    public boolean isSettled() {
        return !keyboard.hasReport() && !keyboard.hasAnswer() && !mouse.hasReport() && !mouse.hasAnswer();
    }

    @Override
    public int readByte(int offset) {
        long time = now.getAsLong();
        update(time);
        int value = offset == COMMAND_OFFSET ? status() : read(time);
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

    private int status() {
        int status = STATUS_NOT_LOCKED
                | (isSet(CONFIGURATION_SYSTEM_FLAG) ? STATUS_SYSTEM_FLAG : 0)
                | (commandWritten ? STATUS_COMMAND : 0);
        Source source = answer == NO_ANSWER ? inBuffer : answerOf;
        if (answer == NO_ANSWER && source == Source.CONTROLLER) {
            lookedInVain();
            return status;
        }
        return status | STATUS_OUTPUT_FULL | (source == Source.MOUSE ? STATUS_AUXILIARY : 0);
    }

    private int read(long time) {
        if (answer != NO_ANSWER) {
            data = answer;
            answer = NO_ANSWER;
        } else if (inBuffer == Source.KEYBOARD) {
            data = readKeyboard(time);
        } else if (inBuffer == Source.MOUSE) {
            data = mousePort.read(time);
        } else {
            // The port still has what was read last.
            lookedInVain();
            return data;
        }
        // Each byte gives the line an edge of its own.
        inBuffer = Source.CONTROLLER;
        keyboardPort.setInterrupt(false);
        mousePort.setInterrupt(false);
        return data;
    }

    private int readKeyboard(long time) {
        boolean isScanCode = !keyboard.hasAnswer();
        int code = keyboardPort.read(time);
        if (isScanCode && isSet(CONFIGURATION_TRANSLATE) && code == Keyboard.BREAK) {
            return translate(keyboard.send()) | Keyboard.SET_1_BREAK;
        }
        return translate(code);
    }

    private void lookedInVain() {
        emptyLooks = Math.min(emptyLooks + 1, LOOKS_OF_A_WAITING_GUEST);
    }

    private boolean isPolled() {
        return emptyLooks == LOOKS_OF_A_WAITING_GUEST;
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
            case WRITE_KEYBOARD_BUFFER -> answer(value, Source.KEYBOARD);
            case WRITE_AUXILIARY_BUFFER -> answer(value, Source.MOUSE);
            // A byte for a device turns its interface on.
            case WRITE_AUXILIARY_DEVICE -> {
                configuration &= ~CONFIGURATION_AUXILIARY_OFF;
                mouse.receive(value);
            }
            default -> {
                configuration &= ~CONFIGURATION_KEYBOARD_OFF;
                keyboard.receive(value);
            }
        }
    }

    private void reset(String cause) {
        end.accept(new Ending.Reset(cause));
    }

    private void answer(int value) {
        answer(value, Source.CONTROLLER);
    }

    /** Puts a byte of the controller's own into the output buffer, before what the devices may have. */
    private void answer(int value, Source asIfOf) {
        answer = value;
        answerOf = asIfOf;
    }

    private boolean isSet(int bit) {
        return (configuration & bit) != 0;
    }

    private void update(long time) {
        announceSecondPort();
        keyboardPort.pace(configuration, isPolled(), time);
        mousePort.pace(configuration, isPolled(), time);
        boolean key = keyboardPort.hasByte(configuration, time);
        boolean move = mousePort.hasByte(configuration, time);
        // A byte that is in the buffer stays: the guest may have seen whose it is.
        if (inBuffer == Source.KEYBOARD ? !key : inBuffer != Source.MOUSE || !move) {
            inBuffer = key ? Source.KEYBOARD : move ? Source.MOUSE : Source.CONTROLLER;
        }
        keyboardPort.show(inBuffer == Source.KEYBOARD, time);
        mousePort.show(inBuffer == Source.MOUSE, time);
        Source source = answer == NO_ANSWER ? inBuffer : answerOf;
        keyboardPort.setInterrupt(source == Source.KEYBOARD && keyboardPort.interrupts(configuration));
        mousePort.setInterrupt(source == Source.MOUSE && mousePort.interrupts(configuration));
        keyboardPort.awaitReading(hasUnreadKey(), time);
    }

    private int translate(int code) {
        return isSet(CONFIGURATION_TRANSLATE) ? ScanCodes.set1(code) : code;
    }

    @Override
    public State save() {
        return new State(
                keyboard.save(),
                mouse.save(),
                keyboardPort.save(),
                mousePort.save(),
                outputPort,
                configuration,
                command,
                commandWritten,
                data,
                answer,
                answerOf,
                emptyLooks,
                inBuffer);
    }

    @Override
    public void restore(State state) {
        keyboard.restore(state.keyboard);
        mouse.restore(state.mouse);
        keyboardPort.restore(state.keyboardPort);
        mousePort.restore(state.mousePort);
        outputPort = state.outputPort;
        configuration = state.configuration;
        command = state.command;
        commandWritten = state.commandWritten;
        data = state.data;
        answer = state.answer;
        answerOf = state.answerOf;
        emptyLooks = state.emptyLooks;
        inBuffer = state.inBuffer;
        announceSecondPort();
    }

    /** State of the controller, its ports and what is plugged in there. */
    public record State(
            Keyboard.State keyboard,
            Mouse.State mouse,
            Ps2Port.State keyboardPort,
            Ps2Port.State mousePort,
            int outputPort,
            int configuration,
            int command,
            boolean commandWritten,
            int data,
            int answer,
            Source answerOf,
            int emptyLooks,
            Source inBuffer) {}
}
