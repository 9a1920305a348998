package dev.kvmguest.vmm.internal.board;

import dev.kvmguest.vmm.internal.bus.IoDevice;
import dev.kvmguest.vmm.internal.bus.PortBus;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import dev.kvmguest.vmm.internal.device.CmosClock;
import dev.kvmguest.vmm.internal.device.DebugConsole;
import dev.kvmguest.vmm.internal.device.DebugExit;
import dev.kvmguest.vmm.internal.device.HypercallPort;
import dev.kvmguest.vmm.internal.device.I8042;
import dev.kvmguest.vmm.internal.device.InputQueue;
import dev.kvmguest.vmm.internal.device.PicPair;
import dev.kvmguest.vmm.internal.device.Pit8254;
import dev.kvmguest.vmm.internal.device.PostCode;
import dev.kvmguest.vmm.internal.device.ResetControl;
import dev.kvmguest.vmm.internal.device.SystemControlPortA;
import dev.kvmguest.vmm.internal.device.SystemControlPortB;
import dev.kvmguest.vmm.internal.device.TestPort;
import dev.kvmguest.vmm.internal.device.Uart16550;
import dev.kvmguest.vmm.internal.device.VgaCrtc;
import dev.kvmguest.vmm.outcome.Ending;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A PC's devices at a PC's ports and interrupt lines: the only place where a port number or an IRQ meets a device.
 *
 * <p>At entry the interrupt controllers are as a PC's firmware leaves them, at vectors 0x08 and 0x70, with all lines
 * masked; where firmware has booted the guest, with the timer and the keyboard open.
 */
public final class PcBoard {

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

    static final int SYSTEM_CONTROL_PORT_A = 0x92;
    static final int RESET_CONTROL = 0xcf9;
    static final int VGA_CRTC = 0x3d4;
    private static final int VGA_CRTC_PORTS = 2;
    static final int VGA_INPUT_STATUS = VGA_CRTC + VgaCrtc.INPUT_STATUS_OFFSET;

    static final int PIC_MASTER = 0x20;
    static final int PIC_SLAVE = 0xa0;

    static final int PIT = 0x40;
    static final int CMOS = 0x70;
    static final int SYSTEM_CONTROL_PORT_B = 0x61;

    private static final int TIMER_IRQ = 0;
    private static final int KEYBOARD_IRQ = 1;
    private static final int CASCADE = 2;
    private static final int COM1_IRQ = 4;
    private static final int CLOCK_IRQ = 8;
    private static final int IRQS = 16;
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
            "CMOS clock");

    private static final int ALL_MASKED = 0xff;
    /** Timer, keyboard and cascade are open. */
    private static final int FIRMWARE_MASK = 0xf8;

    /** A device that acts in time, and the interrupt that it raises then. */
    private record Timed(int irq, TimedDevice device) {}

    /**
     * What a guest finds at its start.
     *
     * @param memorySize RAM in bytes
     * @param date what the CMOS clock shows, in years 0 to 9999
     * @param firmware whether the timer's and the keyboard's interrupts are open, as firmware leaves them
     */
    public record Setup(long memorySize, LocalDateTime date, boolean firmware) {}

    private final PortBus ports = new PortBus();
    private final InputQueue input = new InputQueue();
    private final VgaCrtc crtc;
    private final PicPair interruptControllers;
    private final I8042 keyboardController;
    private final Uart16550 com1;
    private final List<Timed> timed = new ArrayList<>();
    private final TestPort testPort = new TestPort();
    private Ending ending;

    /**
     * Builds the board of one vCPU.
     *
     * @param consoleOutput takes each byte that the guest writes to one of its consoles
     * @param registerBl reads BL of the vCPU, for the hypercall port
     * @param time tells the guest's time in nanoseconds
     * @param setup what the guest finds
     */
    public PcBoard(IntConsumer consoleOutput, IntSupplier registerBl, LongSupplier time, Setup setup) {
        interruptControllers = new PicPair(setup.firmware ? FIRMWARE_MASK : ALL_MASKED, ALL_MASKED);
        ports.map(PIC_MASTER, PicPair.PORTS, interruptControllers.master());
        ports.map(PIC_SLAVE, PicPair.PORTS, interruptControllers.slave());
        Pit8254 timer = new Pit8254(time, interruptControllers.line(TIMER_IRQ));
        timed.add(new Timed(TIMER_IRQ, timer));
        ports.map(PIT, Pit8254.PORTS, timer);
        ports.map(SYSTEM_CONTROL_PORT_B, 1, new SystemControlPortB(timer, time));
        keyboardController = new I8042(
                this::end,
                input,
                interruptControllers.line(KEYBOARD_IRQ),
                () -> interruptControllers.state(KEYBOARD_IRQ),
                time);
        timed.add(new Timed(KEYBOARD_IRQ, keyboardController));
        com1 = new Uart16550(
                consoleOutput, input, interruptControllers.line(COM1_IRQ), () -> interruptControllers.state(COM1_IRQ));
        timed.add(new Timed(COM1_IRQ, com1));
        ports.map(DEBUG_CONSOLE, 1, new DebugConsole(consoleOutput));
        ports.map(COM1, COM1_PORTS, com1);
        ports.map(DEBUG_EXIT, 1, new DebugExit(this::end));
        ports.map(HYPERCALL, 1, new HypercallPort(registerBl, consoleOutput, input, this::end));
        ports.map(TEST, TestPort.PORTS, testPort);
        ports.map(POST_CODE, 1, new PostCode());
        ports.map(I8042_DATA, 1, keyboardController);
        ports.map(I8042_COMMAND, 1, new AtOffset(keyboardController, I8042.COMMAND_OFFSET));
        ports.map(SYSTEM_CONTROL_PORT_A, 1, new SystemControlPortA(this::end));
        ports.map(RESET_CONTROL, 1, new ResetControl(this::end));
        CmosClock clock = new CmosClock(time, interruptControllers.line(CLOCK_IRQ), setup.date, setup.memorySize);
        timed.add(new Timed(CLOCK_IRQ, clock));
        ports.map(CMOS, CmosClock.PORTS, clock);
        crtc = new VgaCrtc(time);
        ports.map(VGA_CRTC, VGA_CRTC_PORTS, crtc);
        ports.map(VGA_INPUT_STATUS, 1, new AtOffset(crtc, VgaCrtc.INPUT_STATUS_OFFSET));
    }

    /** Returns the bus that the vCPU's IN and OUT go to. */
    public PortBus ports() {
        return ports;
    }

    /** Returns the queue of what was typed for the guest. */
    public InputQueue input() {
        return input;
    }

    /** Returns the device that asks the guest for a test and takes its report. */
    public TestPort testPort() {
        return testPort;
    }

    /** Returns the CRT controller, for what it shows of text memory. */
    public VgaCrtc crtc() {
        return crtc;
    }

    /** Returns how the guest ended its run through a device, once it has. */
    public Optional<Ending> ending() {
        return Optional.ofNullable(ending);
    }

    /** Lets the devices do what is due at a time, in nanoseconds of the guest's time; never before an earlier one. */
    public void advanceTo(long now) {
        for (int i = 0; i < timed.size(); i++) {
            TimedDevice device = timed.get(i).device;
            if (device.nextEvent() <= now) {
                device.advanceTo(now);
            }
        }
    }

    /** Returns whether an interrupt waits for the processor. */
    public boolean interruptRequested() {
        return interruptControllers.interruptRequested();
    }

    /** Has the processor take the interrupt that waits, and returns its vector, 0 to 255. */
    public int acknowledgeInterrupt() {
        return interruptControllers.acknowledge();
    }

    /**
     * Returns when a device next does something that may become an interrupt, as the interrupt controllers are set now;
     * {@link TimedDevice#NEVER} if none will.
     */
    public long nextInterrupt() {
        long next = TimedDevice.NEVER;
        for (int i = 0; i < timed.size(); i++) {
            Timed candidate = timed.get(i);
            long event = candidate.device.nextEvent();
            if (event < next && interruptControllers.accepts(candidate.irq)) {
                next = event;
            }
        }
        return next;
    }

    /** Returns what the interrupt controllers have of each interrupt request line, IRQ 0 first. */
    public List<InterruptLine> interruptLines() {
        return IntStream.range(0, IRQS)
                .mapToObj(irq -> new InterruptLine(
                        irq,
                        Optional.ofNullable(IRQ_NAMES.get(irq)),
                        interruptControllers.isRequested(irq),
                        interruptControllers.isInService(irq),
                        interruptControllers.state(irq),
                        interruptControllers.accepts(irq)))
                .toList();
    }

    /** Returns whether an interrupt waits for the processor, or has been taken and has had no EOI. */
    public boolean hasInterrupts() {
        boolean inService = false;
        for (int irq = 0; irq < IRQS; irq++) {
            inService |= interruptControllers.isInService(irq);
        }
        return inService || interruptRequested();
    }

    /** Returns the interrupt request lines, 0 to 15, that have had no EOI since their interrupt was taken. */
    public Set<Integer> interruptsInService() {
        return interruptLines().stream()
                .filter(InterruptLine::inService)
                .map(InterruptLine::irq)
                .collect(Collectors.toSet());
    }

    /** Returns whether the guest has written to an interrupt controller. */
    public boolean interruptsWereSetUp() {
        return IntStream.of(PIC_MASTER, PIC_SLAVE)
                .flatMap(first -> IntStream.range(first, first + PicPair.PORTS))
                .anyMatch(ports::wasWritten);
    }

    /** Returns whether typing something could become an interrupt, as the guest has set its devices now. */
    public boolean takesInput() {
        return keyboardController.mayReceive() && interruptControllers.accepts(KEYBOARD_IRQ)
                || com1.mayReceive() && interruptControllers.accepts(COM1_IRQ);
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
