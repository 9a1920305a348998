package dev.kvmguest.vmm.internal.board;

import dev.kvmguest.vmm.internal.bus.InterruptController;
import dev.kvmguest.vmm.internal.bus.IoDevice;
import dev.kvmguest.vmm.internal.bus.IrqLine;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.internal.device.CmosClock;
import dev.kvmguest.vmm.internal.device.DebugConsole;
import dev.kvmguest.vmm.internal.device.DebugExit;
import dev.kvmguest.vmm.internal.device.FpuErrorLatch;
import dev.kvmguest.vmm.internal.device.HypercallPort;
import dev.kvmguest.vmm.internal.device.I8042;
import dev.kvmguest.vmm.internal.device.MouseQueue;
import dev.kvmguest.vmm.internal.device.PicPair;
import dev.kvmguest.vmm.internal.device.Pit8254;
import dev.kvmguest.vmm.internal.device.PostCode;
import dev.kvmguest.vmm.internal.device.ResetControl;
import dev.kvmguest.vmm.internal.device.SystemControlPortA;
import dev.kvmguest.vmm.internal.device.SystemControlPortB;
import dev.kvmguest.vmm.internal.device.TestPort;
import dev.kvmguest.vmm.internal.device.Uart16550;
import dev.kvmguest.vmm.internal.device.VgaCrtc;
import java.time.LocalDateTime;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;

/**
 * A PC's devices at a PC's ports and interrupt lines: the only place where a port number or an IRQ meets a device.
 *
 * <p>At entry the interrupt controllers are as a PC's firmware leaves them, at vectors 0x08 and 0x70, with all lines
 * masked; where firmware has booted the guest, with the timer and the keyboard open.
 */
public final class PcBoard extends Board {

    /** The debug console of Bochs and QEMU. */
    public static final int DEBUG_CONSOLE = 0xe9;
    /** The first port of the first serial line. */
    public static final int COM1 = 0x3f8;
    /** QEMU's isa-debug-exit at the address that most kernels give it. */
    public static final int DEBUG_EXIT = 0xf4;
    /** The first of the ports by which {@code kvmguest.h} learns which test to run, and reports on it. */
    public static final int TEST = 0xf5;
    /** The hypercall protocol's port. */
    public static final int HYPERCALL = 0x500;
    /** The POST diagnostic port. */
    public static final int POST_CODE = 0x80;

    /** The line status register of the first serial line. */
    public static final int COM1_LINE_STATUS = COM1 + 5;

    private static final int COM1_PORTS = 8;
    static final int I8042_DATA = 0x60;
    /** The status register of the keyboard controller where it is read, its command register where it is written. */
    public static final int I8042_COMMAND = I8042_DATA + I8042.COMMAND_OFFSET;

    /** Where a PC's guest answers IRQ 13. */
    public static final int FPU_ERROR = 0xf0;

    static final int SYSTEM_CONTROL_PORT_A = 0x92;
    static final int RESET_CONTROL = 0xcf9;
    static final int VGA_CRTC = 0x3d4;
    private static final int VGA_CRTC_PORTS = 2;
    static final int VGA_INPUT_STATUS = VGA_CRTC + VgaCrtc.INPUT_STATUS_OFFSET;

    static final int PIC_MASTER = 0x20;
    static final int PIC_SLAVE = 0xa0;

    /** The first of the timer's ports: the data of channel 0, which is IRQ 0. */
    public static final int PIT = 0x40;

    static final int CMOS = 0x70;
    static final int SYSTEM_CONTROL_PORT_B = 0x61;

    private static final int TIMER_IRQ = 0;
    private static final int KEYBOARD_IRQ = 1;
    private static final int CASCADE = 2;
    private static final int COM1_IRQ = 4;
    private static final int CLOCK_IRQ = 8;
    private static final int MOUSE_IRQ = 12;
    private static final int FPU_IRQ = 13;
    /** What the lines are called in reports; those of others have no device. */
    private static final Map<Integer, String> IRQ_NAMES = Map.of(
            TIMER_IRQ,
            "timer",
            KEYBOARD_IRQ,
            "keyboard",
            CASCADE,
            "slave 8259A",
            COM1_IRQ,
            "COM1",
            CLOCK_IRQ,
            "CMOS clock",
            MOUSE_IRQ,
            "mouse",
            FPU_IRQ,
            "x87 error");

    private static final int ALL_MASKED = 0xff;
    /** Timer, keyboard and cascade are open. */
    private static final int FIRMWARE_MASK = 0xf8;

    /**
     * What a guest finds at its start.
     *
     * @param memorySize RAM in bytes
     * @param date what the CMOS clock shows, in years 0 to 9999
     * @param firmware whether the timer's and the keyboard's interrupts are open, as firmware leaves them
     */
    public record Setup(long memorySize, LocalDateTime date, boolean firmware) {}

    private final PicPair interrupts;
    private final Setup setup;
    private final I8042 keyboard;
    private final MouseQueue mouse = add("mouse moves", new MouseQueue());
    private final VgaCrtc crtc = add("VGA CRTC", new VgaCrtc(this::time));
    private final FpuErrorLatch fpuErrors;
    private final TestPort testPort = add("test port", new TestPort());

    /**
     * Builds a board.
     *
     * @param consoleOutput takes each byte that the guest writes to one of its consoles
     * @param setup what the guest finds
     */
    public PcBoard(IntConsumer consoleOutput, Setup setup) {
        this(new PicPair(setup.firmware ? FIRMWARE_MASK : ALL_MASKED, ALL_MASKED), consoleOutput, setup);
    }

    private PcBoard(PicPair interrupts, IntConsumer consoleOutput, Setup setup) {
        super(interrupts, IRQ_NAMES);
        this.interrupts = interrupts;
        this.setup = setup;
        add("8259A", interrupts);
        ports().map(PIC_MASTER, PicPair.PORTS, interrupts.master());
        ports().map(PIC_SLAVE, PicPair.PORTS, interrupts.slave());
        keyboard = addKeyboard();
        addTimer(interrupts);
        addSerialLine(interrupts, consoleOutput);
        addClock(interrupts, setup);
        ports().map(VGA_CRTC, VGA_CRTC_PORTS, crtc);
        ports().map(VGA_INPUT_STATUS, 1, new AtOffset(crtc, VgaCrtc.INPUT_STATUS_OFFSET));
        ports().map(DEBUG_CONSOLE, 1, new DebugConsole(consoleOutput));
        addTimeless(Optional.empty(), DEBUG_CONSOLE, 1, () -> true);
        ports().map(DEBUG_EXIT, 1, new DebugExit(this::end));
        ports().map(TEST, TestPort.PORTS, testPort);
        fpuErrors = new FpuErrorLatch(interrupts.line(FPU_IRQ));
        map("x87 error", FPU_ERROR, fpuErrors);
        map("hypercall port", HYPERCALL, new HypercallPort(this::registerBl, consoleOutput, input(), this::end));
        addTimeless(Optional.of("hypercall port"), HYPERCALL, 1, () -> true);
        map("POST code", POST_CODE, new PostCode());
        addTimeless(Optional.of("POST code"), POST_CODE, 1, () -> true);
        map("system control port A", SYSTEM_CONTROL_PORT_A, new SystemControlPortA(this::end));
        map("reset control", RESET_CONTROL, new ResetControl(this::end));
    }

    private <D extends IoDevice & Persistent<?>> void map(String name, int port, D device) {
        ports().map(port, 1, add(name, device));
    }

    private void addTimer(InterruptController interrupts) {
        Pit8254 timer = add("8254", new Pit8254(this::time, interrupts.line(TIMER_IRQ)));
        addTimed(TIMER_IRQ, timer);
        ports().map(PIT, Pit8254.PORTS, timer);
        map("system control port B", SYSTEM_CONTROL_PORT_B, new SystemControlPortB(timer, this::time));
    }

    private I8042 addKeyboard() {
        I8042 controller = new I8042(
                this::end,
                input(),
                mouse,
                new I8042.Interrupt(interrupts.line(KEYBOARD_IRQ), () -> interrupts.state(KEYBOARD_IRQ)),
                new I8042.Interrupt(interrupts.line(MOUSE_IRQ), () -> interrupts.state(MOUSE_IRQ)),
                this::time);
        add("8042", controller);
        addTimed(KEYBOARD_IRQ, controller.firstPort());
        controller.onSecondPort(() -> addTimed(MOUSE_IRQ, controller.secondPort()));
        ports().map(I8042_DATA, 1, controller);
        ports().map(I8042_COMMAND, 1, new AtOffset(controller, I8042.COMMAND_OFFSET));
        BooleanSupplier settled = () -> controller.isSettled() && input().isEmpty();
        addTimeless(Optional.of("8042"), I8042_DATA, 1, settled);
        addTimeless(Optional.of("8042"), I8042_COMMAND, 1, settled);
        return controller;
    }

    private void addSerialLine(InterruptController interrupts, IntConsumer consoleOutput) {
        IrqLine line = interrupts.line(COM1_IRQ);
        Uart16550 com1 = new Uart16550(consoleOutput, input(), line, () -> interrupts.state(COM1_IRQ));
        add("COM1", com1);
        addTimed(COM1_IRQ, com1);
        ports().map(COM1, COM1_PORTS, com1);
        addTimeless(Optional.of("COM1"), COM1, COM1_PORTS, () -> true);
    }

    private void addClock(InterruptController interrupts, Setup setup) {
        CmosClock clock = new CmosClock(this::time, interrupts.line(CLOCK_IRQ), setup.date, setup.memorySize);
        add("CMOS clock", clock);
        addTimed(CLOCK_IRQ, clock);
        ports().map(CMOS, CmosClock.PORTS, clock);
    }

    /**
     * Has the processor take an interrupt that another run of this machine had at this moment.
     *
     * @param vector its vector, 0 to 255
     */
    public void takeInterrupt(int vector) {
        interrupts.take(vector);
    }

    @Override
    public boolean fpuError() {
        return fpuErrors.asserted();
    }

    @Override
    public void fpuErrorCleared() {
        fpuErrors.negated();
    }

    /** Returns the device that asks the guest for a test and takes its report. */
    public TestPort testPort() {
        return testPort;
    }

    /** Returns a board in the same state, whose console output goes nowhere. */
    public PcBoard copy() {
        PcBoard copy = new PcBoard(octet -> {}, setup);
        copy.restore(save());
        return copy;
    }

    /** Returns the keyboard controller. */
    public I8042 keyboard() {
        return keyboard;
    }

    /**
     * Returns whether a scan code waits in port 0x60 whose interrupt, IRQ 1, was taken and has had its EOI without a
     * read of that port. No other IRQ 1 comes until it is read: the request line has no edge.
     */
    public boolean hasUnreadKey() {
        return keyboard.hasUnreadKey()
                && !interrupts.isRequested(KEYBOARD_IRQ)
                && !interrupts.isInService(KEYBOARD_IRQ);
    }

    /** Returns whether that interrupt would be taken if it came again now. */
    public boolean couldInterruptForUnreadKey() {
        return hasUnreadKey() && interrupts.accepts(KEYBOARD_IRQ);
    }

    /** Returns the queue of how the mouse was moved. */
    public MouseQueue mouse() {
        return mouse;
    }

    /** Returns the CRT controller, for what it shows of text memory. */
    public VgaCrtc crtc() {
        return crtc;
    }

    /** A part of a device whose registers are not at successive ports. */
    private record AtOffset(IoDevice device, int start) implements IoDevice {

        @Override
        public long read(int offset, int width) {
            return device.read(start + offset, width);
        }

        @Override
        public void write(int offset, int width, long value) {
            device.write(start + offset, width, value);
        }
    }
}
