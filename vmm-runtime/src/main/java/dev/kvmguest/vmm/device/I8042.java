package dev.kvmguest.vmm.device;

import dev.kvmguest.vmm.bus.IoDevice;
import java.util.function.Consumer;

/**
 * An 8042 keyboard controller without a keyboard: data port at offset 0, status and command port at offset 4. It passes
 * its self-test, controls A20 and resets the machine.
 *
 * <p>Source: IBM PS/2 Hardware Interface Technical Reference (1988), "Keyboard and Auxiliary Device Controller".
 */
public final class I8042 implements IoDevice {

    /** The number of ports from the data port to the command port; the three between belong to others. */
    public static final int COMMAND_OFFSET = 4;

    private static final int STATUS_OUTPUT_FULL = 0x01;
    private static final int STATUS_SYSTEM_FLAG = 0x04;
    private static final int STATUS_NOT_LOCKED = 0x10;

    private static final int READ_CONFIGURATION = 0x20;
    private static final int WRITE_CONFIGURATION = 0x60;
    private static final int SELF_TEST = 0xaa;
    private static final int INTERFACE_TEST = 0xab;
    private static final int READ_OUTPUT_PORT = 0xd0;
    private static final int WRITE_OUTPUT_PORT = 0xd1;
    /** Commands 0xF0 to 0xFF pulse those of the output port's lines 0 to 3 whose bit is 0. */
    private static final int PULSE = 0xf0;

    private static final int SELF_TEST_PASSED = 0x55;
    private static final int INTERFACE_TEST_PASSED = 0x00;
    /** Line 0 of the output port is the inverted reset, line 1 is A20. */
    private static final int OUTPUT_NOT_RESET = 0x01;

    private static final int OUTPUT_A20 = 0x02;

    private final Consumer<String> reset;
    private int outputPort = OUTPUT_NOT_RESET | OUTPUT_A20;
    private int configuration = STATUS_SYSTEM_FLAG;
    private int command;
    private int data;
    private boolean dataReady;

    /** Creates a controller that calls {@code reset} with the cause, in words, when it resets the machine. */
    public I8042(Consumer<String> reset) {
        this.reset = reset;
    }

    @Override
    public int readByte(int offset) {
        if (offset == COMMAND_OFFSET) {
            return STATUS_SYSTEM_FLAG | STATUS_NOT_LOCKED | (dataReady ? STATUS_OUTPUT_FULL : 0);
        }
        dataReady = false;
        return data;
    }

    @Override
    public void writeByte(int offset, int value) {
        if (offset == COMMAND_OFFSET) {
            writeCommand(value);
        } else {
            writeData(value);
        }
    }

    private void writeCommand(int value) {
        command = value;
        switch (value) {
            case READ_CONFIGURATION -> answer(configuration);
            case SELF_TEST -> answer(SELF_TEST_PASSED);
            case INTERFACE_TEST -> answer(INTERFACE_TEST_PASSED);
            case READ_OUTPUT_PORT -> answer(outputPort);
            default -> {
                if (value >= PULSE && (value & OUTPUT_NOT_RESET) == 0) {
                    reset.accept(String.format("8042 command 0x%02x pulsed the reset line", value));
                }
            }
        }
    }

    private void writeData(int value) {
        if (command == WRITE_CONFIGURATION) {
            configuration = value;
        } else if (command == WRITE_OUTPUT_PORT) {
            outputPort = value;
            if ((value & OUTPUT_NOT_RESET) == 0) {
                reset.accept(String.format("8042 output port 0x%02x holds the reset line", value));
            }
        }
        command = 0;
    }

    private void answer(int value) {
        data = value;
        dataReady = true;
    }
}
