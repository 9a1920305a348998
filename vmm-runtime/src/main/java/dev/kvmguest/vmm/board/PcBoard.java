package dev.kvmguest.vmm.board;

import dev.kvmguest.vmm.bus.IoDevice;
import dev.kvmguest.vmm.bus.PortBus;
import dev.kvmguest.vmm.device.DebugConsole;
import dev.kvmguest.vmm.device.DebugExit;
import dev.kvmguest.vmm.device.HypercallPort;
import dev.kvmguest.vmm.device.I8042;
import dev.kvmguest.vmm.device.InputQueue;
import dev.kvmguest.vmm.device.PostCode;
import dev.kvmguest.vmm.device.ResetControl;
import dev.kvmguest.vmm.device.SystemControlPortA;
import dev.kvmguest.vmm.device.Uart16550;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.function.IntSupplier;

/** A PC's devices at a PC's ports: the only place where a port number meets a device. */
public final class PcBoard {

    /** The debug console of Bochs and QEMU. */
    public static final int DEBUG_CONSOLE = 0xe9;
    /** The first port of the first serial line. */
    public static final int COM1 = 0x3f8;
    /** QEMU's isa-debug-exit at the address that most kernels give it. */
    public static final int DEBUG_EXIT = 0xf4;
    /** The hypercall protocol's port. */
    public static final int HYPERCALL = 0x500;
    /** The POST diagnostic port. */
    public static final int POST_CODE = 0x80;

    private static final int COM1_PORTS = 8;
    private static final int I8042_DATA = 0x60;
    private static final int I8042_COMMAND = I8042_DATA + I8042.COMMAND_OFFSET;
    private static final int SYSTEM_CONTROL_PORT_A = 0x92;
    private static final int RESET_CONTROL = 0xcf9;

    private final PortBus ports = new PortBus();
    private final InputQueue input = new InputQueue();
    private Ending ending;

    /**
     * Builds the board of one vCPU.
     *
     * @param consoleOutput takes each byte that the guest writes to one of its consoles
     * @param registerBl reads BL of the vCPU, for the hypercall port
     */
    public PcBoard(IntConsumer consoleOutput, IntSupplier registerBl) {
        I8042 keyboardController = new I8042(this::reset);
        ports.map(DEBUG_CONSOLE, 1, new DebugConsole(consoleOutput));
        ports.map(COM1, COM1_PORTS, new Uart16550(consoleOutput, input));
        ports.map(DEBUG_EXIT, 1, new DebugExit(value -> end(new Ending.DebugExit(value))));
        ports.map(
                HYPERCALL,
                1,
                new HypercallPort(registerBl, consoleOutput, input, () -> end(new Ending.HypercallExit())));
        ports.map(POST_CODE, 1, new PostCode());
        ports.map(I8042_DATA, 1, keyboardController);
        ports.map(I8042_COMMAND, 1, new AtOffset(keyboardController, I8042.COMMAND_OFFSET));
        ports.map(SYSTEM_CONTROL_PORT_A, 1, new SystemControlPortA(this::reset));
        ports.map(RESET_CONTROL, 1, new ResetControl(this::reset));
    }

    /** Returns the bus that the vCPU's IN and OUT go to. */
    public PortBus ports() {
        return ports;
    }

    /** Returns the queue of what was typed for the guest. */
    public InputQueue input() {
        return input;
    }

    /** Returns how the guest ended its run through a device, once it has. */
    public Optional<Ending> ending() {
        return Optional.ofNullable(ending);
    }

    private void reset(String cause) {
        end(new Ending.Reset(cause));
    }

    private void end(Ending how) {
        if (ending == null) {
            ending = how;
        }
    }

    /** A part of a device whose registers are not at successive ports. */
    private record AtOffset(IoDevice device, int start) implements IoDevice {

        @Override
        public int readByte(int offset) {
            return device.readByte(start + offset);
        }

        @Override
        public void writeByte(int offset, int value) {
            device.writeByte(start + offset, value);
        }
    }
}
