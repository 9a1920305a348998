package dev.kvmguest.vmm.internal.board;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What reports call the ports of a {@link PcBoard}. */
public final class PortNames {

    private static final Map<Integer, String> NAMES = new TreeMap<>();

    static {
        put(PcBoard.PIC_MASTER, "master 8259A command", "master 8259A data");
        put(PcBoard.PIC_SLAVE, "slave 8259A command", "slave 8259A data");
        put(PcBoard.PIT, "timer channel 0", "timer channel 1", "timer channel 2", "timer control");
        put(PcBoard.I8042_DATA, "keyboard data");
        put(PcBoard.SYSTEM_CONTROL_PORT_B, "system control port B");
        put(PcBoard.I8042_COMMAND, "keyboard status and command");
        put(PcBoard.CMOS, "CMOS index", "CMOS data");
        put(PcBoard.POST_CODE, "POST code");
        put(PcBoard.SYSTEM_CONTROL_PORT_A, "system control port A");
        put(PcBoard.DEBUG_CONSOLE, "debug console");
        put(PcBoard.FPU_ERROR, "x87 error");
        put(PcBoard.DEBUG_EXIT, "debug exit");
        put(PcBoard.TEST, "test report", "test number, low byte", "test number, high byte");
        put(PcBoard.VGA_CRTC, "VGA CRTC index", "VGA CRTC data");
        put(PcBoard.VGA_INPUT_STATUS, "VGA input status");
        put(
                PcBoard.COM1,
                "COM1 data",
                "COM1 interrupt enable",
                "COM1 interrupt identification and FIFO control",
                "COM1 line control",
                "COM1 modem control",
                "COM1 line status",
                "COM1 modem status",
                "COM1 scratch");
        put(PcBoard.HYPERCALL, "hypercall");
        put(PcBoard.RESET_CONTROL, "reset control");
    }

    private PortNames() {}

    private static void put(int first, String... names) {
        for (int i = 0; i < names.length; i++) {
            NAMES.put(first + i, names[i]);
        }
    }

    /** Returns what a port is, such as {@code COM1 line status}; empty if no device is there. */
    public static Optional<String> of(int port) {
        return Optional.ofNullable(NAMES.get(port));
    }
}
