package dev.kvmguest.vmm.internal.board;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.bus.InterruptController;
import dev.kvmguest.vmm.internal.bus.MemoryBus;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.internal.bus.PortBus;
import dev.kvmguest.vmm.internal.bus.Requester;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import dev.kvmguest.vmm.internal.device.InputQueue;
import dev.kvmguest.vmm.outcome.Ending;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What is around the vCPUs of one guest: the buses and the devices on them, the interrupt controller, what is typed,
 * and how the guest ended its run through a device.
 *
 * <p>A board doesn't know its vCPUs. Each access says which vCPU makes it, and until the next access the devices see
 * the time and the registers of that one. To be used by one thread at a time.
 */
public abstract class Board implements Persistent<Board.State> {

    /**
     * State of a board.
     *
     * @param parts the states of its buses and devices, by name
     * @param ending how the guest ended its run through a device, if it has
     */
    public record State(Map<String, Object> parts, Optional<Ending> ending) {

        public State {
            parts = Map.copyOf(parts);
        }
    }

    /** A device that acts in time, and the interrupt that it raises then. */
    private record Timed(int irq, TimedDevice device) {}

    private final PortBus ports = new PortBus();
    private final MemoryBus memory = new MemoryBus();
    private final InputQueue input = new InputQueue();
    private final InterruptController interrupts;
    private final Map<Integer, String> lineNames;
    private final List<Timed> timed = new ArrayList<>();
    private final Map<String, Persistent<?>> parts = new LinkedHashMap<>();
    private final Set<String> timelessParts = new TreeSet<>(Set.of("input"));
    private final Map<Integer, BooleanSupplier> timelessPorts = new HashMap<>();
    private Requester requester = Requester.NONE;
    private Ending ending;

    /**
     * Creates a board without devices.
     *
     * @param interrupts what the devices' interrupt requests go to
     * @param lineNames what reports call the devices at the request lines, by the line's number
     */
    protected Board(InterruptController interrupts, Map<Integer, String> lineNames) {
        this.interrupts = interrupts;
        this.lineNames = lineNames;
        add("ports", ports);
        add("memory", memory);
        add("input", input);
    }

    /** Has a device's state be part of the board's, under a name of its own; returns the device. */
    protected final <D extends Persistent<?>> D add(String name, D device) {
        parts.put(name, device);
        return device;
    }

    /**
     * Says that ports answer by the state of a part alone, and not by the time.
     *
     * @param part its name; empty for ports whose device has no state
     * @param first the first of the ports
     * @param count how many ports
     * @param settled says whether that is so now
     */
    protected final void addTimeless(Optional<String> part, int first, int count, BooleanSupplier settled) {
        part.ifPresent(timelessParts::add);
        for (int port = first; port < first + count; port++) {
            timelessPorts.put(port, settled);
        }
    }

    /** Has a device act in time, and with it the interrupt that it raises. */
    protected final void addTimed(int irq, TimedDevice device) {
        timed.add(new Timed(irq, device));
    }

    /** Returns the guest's time in nanoseconds, for devices, as the vCPU has it that made the last access. */
    protected final long time() {
        return requester.time();
    }

    /** Returns BL of the vCPU that made the last access, for devices. */
    protected final int registerBl() {
        return (int) requester.register(Register.RBX) & 0xff;
    }

    /** Ends the run, for devices. The first end stays. */
    protected final void end(Ending how) {
        if (ending == null) {
            ending = how;
        }
    }

    /**
     * Carries out a vCPU's OUT.
     *
     * @param width 1, 2 or 4 bytes
     * @param value the value, zero-extended
     */
    public final void out(Requester by, int port, int width, long value) {
        requester = by;
        ports.write(port, width, value);
    }

    /**
     * Carries out a vCPU's IN.
     *
     * @param width 1, 2 or 4 bytes
     * @return the value, zero-extended
     */
    public final long in(Requester by, int port, int width) {
        requester = by;
        return ports.read(port, width);
    }

    /**
     * Carries out a vCPU's write to memory where no RAM is.
     *
     * @param width 1 to 8 bytes
     * @param value the value, zero-extended
     */
    public final void write(Requester by, long address, int width, long value) {
        requester = by;
        memory.write(address, width, value);
    }

    /**
     * Carries out a vCPU's read of memory where no RAM is.
     *
     * @param width 1 to 8 bytes
     * @return the value, zero-extended
     */
    public final long read(Requester by, long address, int width) {
        requester = by;
        return memory.read(address, width);
    }

    /**
     * Takes a vCPU's report of an x87 error, its pin FERR#.
     *
     * @return whether it is to ignore the error, its pin IGNNE#; never on a board that connects neither
     */
    public boolean fpuError() {
        return false;
    }

    /** Takes a vCPU's report that the error is no more. */
    public void fpuErrorCleared() {}

    /** Returns the bus of IN and OUT. */
    public final PortBus ports() {
        return ports;
    }

    /** Returns the bus of accesses to memory where no RAM is. */
    public final MemoryBus memory() {
        return memory;
    }

    /** Returns the queue of what was typed for the guest. */
    public final InputQueue input() {
        return input;
    }

    /** Returns how the guest ended its run through a device, once it has. */
    public final Optional<Ending> ending() {
        return Optional.ofNullable(ending);
    }

    /** Lets the devices do what is due at a time, in nanoseconds of the guest's time; never before an earlier one. */
    public final void advanceTo(long now) {
        for (int i = 0; i < timed.size(); i++) {
            TimedDevice device = timed.get(i).device;
            if (device.nextEvent() <= now) {
                device.advanceTo(now);
            }
        }
    }

    /** Returns whether an interrupt waits for the processor. */
    public final boolean interruptRequested() {
        return interrupts.interruptRequested();
    }

    /** Has the processor take the interrupt that waits, and returns its vector, 0 to 255. */
    public final int acknowledgeInterrupt() {
        return interrupts.acknowledge();
    }

    /** Returns whether an interrupt waits, or will come by itself. */
    public final boolean interruptIsToCome() {
        return interruptRequested() || nextInterrupt() != TimedDevice.NEVER;
    }

    /**
     * Returns when a device next does something that may become an interrupt, as the interrupt controller is set now;
     * {@link TimedDevice#NEVER} if none will.
     */
    public final long nextInterrupt() {
        long next = TimedDevice.NEVER;
        for (int i = 0; i < timed.size(); i++) {
            Timed candidate = timed.get(i);
            long event = candidate.device.nextEvent();
            if (event < next && interrupts.accepts(candidate.irq)) {
                next = event;
            }
        }
        return next;
    }

    /** Returns whether typing something could become an interrupt, as the guest has set its devices now. */
    public final boolean takesInput() {
        return timed.stream().anyMatch(device -> device.device.mayReceive() && interrupts.accepts(device.irq));
    }

    /** Returns what the interrupt controller has of each interrupt request line, IRQ 0 first. */
    public final List<InterruptLine> interruptLines() {
        return IntStream.range(0, interrupts.lines())
                .mapToObj(irq -> new InterruptLine(
                        irq,
                        Optional.ofNullable(lineNames.get(irq)),
                        interrupts.isRequested(irq),
                        interrupts.isInService(irq),
                        interrupts.state(irq),
                        interrupts.accepts(irq),
                        interrupts.vector(irq),
                        interrupts.isMasked(irq),
                        interrupts.isHigh(irq),
                        mayInterrupt(irq)))
                .toList();
    }

    private boolean mayInterrupt(int irq) {
        return timed.stream()
                .filter(candidate -> candidate.irq == irq)
                .anyMatch(candidate ->
                        candidate.device.nextEvent() != TimedDevice.NEVER || candidate.device.mayReceive());
    }

    /** Returns whether the interrupt controllers, where there are several, know of each other what they must. */
    public final boolean interruptsAreCascaded() {
        return interrupts.isCascaded();
    }

    /** Returns whether an interrupt waits for the processor, or has been taken and has had no EOI. */
    public final boolean hasInterrupts() {
        return interruptRequested() || !interruptsInService().isEmpty();
    }

    /** Returns the interrupt request lines that have had no EOI since their interrupt was taken. */
    public final Set<Integer> interruptsInService() {
        return IntStream.range(0, interrupts.lines())
                .filter(interrupts::isInService)
                .boxed()
                .collect(Collectors.toSet());
    }

    /** Returns whether the guest has written to an interrupt controller. */
    public final boolean interruptsWereSetUp() {
        return interrupts.wasProgrammed();
    }

    /**
     * Returns whether what the guest reads at a port, and what comes of its writes there, is decided by
     * {@link #timelessState} alone. So it is where no device is.
     */
    public final boolean isTimeless(int port) {
        BooleanSupplier settled = timelessPorts.get(port);
        return settled == null ? !ports.hasDevice(port) : settled.getAsBoolean();
    }

    /** Returns the state of all devices whose answers don't depend on the time, by name. */
    public final Map<String, Object> timelessState() {
        Map<String, Object> states = new LinkedHashMap<>();
        timelessParts.forEach(name -> states.put(name, parts.get(name).save()));
        return states;
    }

    @Override
    public final State save() {
        Map<String, Object> states = new LinkedHashMap<>();
        parts.forEach((name, part) -> states.put(name, part.save()));
        return new State(states, ending());
    }

    /**
     * Takes a saved state over in place of its own.
     *
     * @throws IllegalArgumentException if it is the state of a board with other devices
     */
    @Override
    public final void restore(State state) {
        if (!state.parts.keySet().equals(parts.keySet())) {
            throw new IllegalArgumentException("a board with " + parts.keySet() + " can't have the state of one with "
                    + new TreeSet<>(state.parts.keySet()));
        }
        parts.forEach((name, part) -> restore(part, state.parts.get(name)));
        ending = state.ending.orElse(null);
    }

    @SuppressWarnings("unchecked") // A part of this name has saved it.
    private static <S> void restore(Persistent<S> part, Object state) {
        part.restore((S) state);
    }
}
