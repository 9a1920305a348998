package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.outcome.Ending;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.IntSupplier;

/**
 * The one-port hypercall protocol: OUT with AL=0 ends the run, AL=1 puts the character in BL, AL=2 arms a read, after
 * which IN gives the next input character, or 0xFF when there is none. IN without an armed read gives 0xFF. Other calls
 * are ignored.
 */
public final class HypercallPort implements ByteDevice, Persistent<HypercallPort.State> {

    private static final int EXIT = 0;
    private static final int PUT_CHARACTER = 1;
    private static final int ARM_READ = 2;
    private static final int NO_INPUT = 0xff;

    private final IntSupplier registerBl;
    private final IntConsumer output;
    private final InputQueue input;
    private final Consumer<Ending> end;
    private boolean armed;

    /**
     * Creates the port.
     *
     * @param registerBl reads BL of the vCPU that executes the OUT
     * @param output takes each character put, 0 to 255
     * @param input the characters to be read
     * @param end takes the end of the run
     */
    public HypercallPort(IntSupplier registerBl, IntConsumer output, InputQueue input, Consumer<Ending> end) {
        this.registerBl = registerBl;
        this.output = output;
        this.input = input;
        this.end = end;
    }

    @Override
    public int readByte(int offset) {
        if (!armed) {
            return NO_INPUT;
        }
        armed = false;
        int next = input.take();
        return next == InputQueue.NONE ? NO_INPUT : next;
    }

    @Override
    public void writeByte(int offset, int value) {
        switch (value) {
            case EXIT -> end.accept(new Ending.HypercallExit());
            case PUT_CHARACTER -> output.accept(registerBl.getAsInt());
            case ARM_READ -> armed = true;
            default -> {
                // The protocol has no way to report an unknown call.
            }
        }
    }

    @Override
    public State save() {
        return new State(armed);
    }

    @Override
    public void restore(State state) {
        armed = state.armed;
    }

    /** State of the port: whether the next IN reads a character. */
    public record State(boolean armed) {}
}
