package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import dev.kvmguest.vmm.outcome.Ending;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A guest's driver for an 8042 that tests step through, with a time and an interrupt controller of the tests' own. */
final class KeyboardDriver {

    static final int DATA = 0;
    static final int COMMAND = I8042.COMMAND_OFFSET;

    private static final int OUTPUT_FULL = 0x01;

    final InputQueue input;
    final List<Ending> ends = new ArrayList<>();
    final I8042 controller;
    final TimedDevice port;
    IrqState irq = IrqState.MASKED;
    long time;
    boolean line;
    int rises;

    KeyboardDriver() {
        this(new InputQueue());
    }

    KeyboardDriver(InputQueue input) {
        this.input = input;
        I8042.Interrupt ofMouse = new I8042.Interrupt(high -> {}, () -> IrqState.MASKED);
        controller = new I8042(
                ends::add, input, new MouseQueue(), new I8042.Interrupt(this::setLine, () -> irq), ofMouse, () -> time);
        port = controller.firstPort();
    }

    private void setLine(boolean high) {
        if (high && !line) {
            rises++;
        }
        line = high;
    }

    /** Types bytes on the line. */
    void type(String text) {
        input.add(text.getBytes(StandardCharsets.UTF_8));
    }

    int status() {
        return controller.readByte(COMMAND);
    }

    boolean isFull() {
        return (status() & OUTPUT_FULL) != 0;
    }

    int read() {
        return controller.readByte(DATA);
    }

    /** Sends a command to the controller. */
    void command(int command) {
        controller.writeByte(COMMAND, command);
    }

    /** Sends a command to the controller, and its data. */
    void command(int command, int data) {
        command(command);
        write(data);
    }

    /** Sends a byte to the keyboard. */
    void write(int value) {
        controller.writeByte(DATA, value);
    }

    /** Reads without delay until the buffer is empty, as drivers do when they start. */
    List<Integer> flush() {
        List<Integer> flushed = new ArrayList<>();
        while (isFull()) {
            flushed.add(read());
        }
        return flushed;
    }

    /** Polls every 100 us until nothing has come for 5 ms, and returns what was read. */
    List<Integer> poll() {
        List<Integer> codes = new ArrayList<>();
        for (int idle = 0; idle < 50; idle++) {
            if (isFull()) {
                codes.add(read());
                idle = 0;
            }
            time += 100_000;
        }
        return codes;
    }

    /** Lets the controller do what is due, as the run loop does before each run of the vCPU. */
    void beforeRun() {
        if (port.nextEvent() <= time) {
            port.advanceTo(time);
        }
    }

    /** Halts until an interrupt comes; false if none will. */
    boolean awaitInterrupt() {
        beforeRun();
        while (!line) {
            long next = port.nextEvent();
            if (next == TimedDevice.NEVER) {
                return false;
            }
            time = Math.max(time, next);
            beforeRun();
        }
        return true;
    }

    /** Halts, and reads a byte at each interrupt until none will come. */
    List<Integer> handleInterrupts() {
        List<Integer> codes = new ArrayList<>();
        while (awaitInterrupt()) {
            codes.add(read());
        }
        return codes;
    }
}
