package dev.kvmguest.vmm.internal.replay;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Timeline;
import dev.kvmguest.vmm.diagnosis.Timeline.Kind;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.engine.ExecutionPoint;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import java.util.function.IntToLongFunction;

/**
 * What a guest got from its machine and gave it, as it runs: all that another engine needs to be in the machine's
 * place, and what came last, for people. To be used by the thread that runs the vCPU.
 */
public final class Recording {

    /** Numbers kept, 12 MiB: what polls in between is few, so that only an endless conversation is longer. */
    static final int LIMIT = 3 << 19;

    private static final long OPEN_BUS = -1;
    /** Bit 0 of a point's first number; the instructions retired are above it. */
    private static final long INTERRUPTIBLE = 1;

    /** A question for the pin IGNNE# is recorded as a read of the port that belongs to it. */
    static final int FPU_ERROR = PcBoard.FPU_ERROR;

    /** How a recording ends. */
    enum End {
        /** With its last exchange. */
        EXCHANGE,
        /** The guest shut down. */
        SHUTDOWN,
        /** The host ended it at a place, or the engine could not go on there. */
        PLACE
    }

    private final VirtualCpu cpu;
    private final EventLog log;
    private final RecentEvents recent;
    private boolean atEvent = true;
    private End end = End.EXCHANGE;
    private ExecutionPoint point;

    private Recording(EventLog log, End end, ExecutionPoint point) {
        this.cpu = null;
        this.log = log;
        this.recent = new RecentEvents(this::eip);
        this.end = end;
        this.point = point;
    }

    private Recording(VirtualCpu cpu, Recording before) {
        this.cpu = cpu;
        this.log = before.log.copy();
        this.recent = before.recent.copy(this::eip);
        this.atEvent = before.atEvent;
    }

    /** Creates an empty recording of what a vCPU does. */
    public Recording(VirtualCpu cpu) {
        this(cpu, LIMIT);
    }

    Recording(VirtualCpu cpu, int limit) {
        this.cpu = cpu;
        this.log = new EventLog(limit);
        this.recent = new RecentEvents(this::eip);
    }

    /**
     * Returns one that goes on from what is in this one now, whose run has not ended.
     *
     * @param other the vCPU that goes on; null if none does yet
     */
    public Recording copy(VirtualCpu other) {
        return new Recording(other, this);
    }

    /** Notes that the guest read a port, and what. */
    public void in(int port, int width, long value) {
        add(IoEvent.port(Kind.IN, port, width, value), value);
    }

    /** Notes that the guest wrote a port. */
    public void out(int port, int width, long value) {
        add(IoEvent.port(Kind.OUT, port, width, value), value);
    }

    /** Notes that the guest's x87 unit reported an error, and whether it was to be ignored. */
    public void fpuError(boolean ignored) {
        in(FPU_ERROR, 1, ignored ? 1 : 0);
    }

    /** Notes that the firmware's code wrote a port, which is no exchange of the guest's. */
    public void firmware(int port, int width, long value) {
        log.add(IoEvent.port(Kind.OUT, port, width, value));
        atEvent = true;
    }

    /** Notes that the guest read memory where no RAM is, which reads as all ones. */
    public void read(long address, int width) {
        add(IoEvent.memory(Kind.READ, address, width), OPEN_BUS);
    }

    /** Notes that the guest wrote memory where no RAM is. */
    public void write(long address, int width, long value) {
        add(IoEvent.memory(Kind.WRITE, address, width), value);
    }

    /**
     * Notes that the guest executed HLT.
     *
     * @param nanos the guest time that the host let pass meanwhile
     */
    public void halt(long nanos) {
        add(IoEvent.halt(nanos), 0);
    }

    private void add(long event, long value) {
        log.add(event);
        recent.add(event, value);
        atEvent = true;
    }

    /** Notes an interrupt that the guest is about to be given. */
    public void interrupt(int vector) {
        long event = IoEvent.interrupt(vector, atEvent);
        if (atEvent) {
            log.add(event);
        } else {
            log.add(event, numbers(ExecutionPoint.of(cpu)));
        }
        recent.add(event, 0);
    }

    /** Notes that the guest has executed something without an exchange. */
    public void ranOn() {
        atEvent = false;
    }

    /** Notes that the guest shut down. */
    public void shutDown() {
        end = End.SHUTDOWN;
    }

    /** Notes that the guest ends here, wherever it is, and not with the last exchange. */
    public void stopHere() {
        end = End.PLACE;
        point = ExecutionPoint.of(cpu);
    }

    private long eip() {
        return cpu.hasRegistersAtHand() ? cpu.register(Register.RIP) : RecentEvents.NO_EIP;
    }

    /**
     * Returns what was recorded by another.
     *
     * @param numbers what {@link #numbers()} gave
     * @param end how it ends
     * @param place the numbers of where it ends; empty unless {@code end} is {@link End#PLACE}
     * @throws IllegalArgumentException if they are not what a recording can have
     */
    static Recording of(long[] numbers, End end, long[] place) {
        if (place.length > 0) {
            LogCheck.requirePlace(place, 0);
        }
        return new Recording(EventLog.of(numbers), end, place.length == 0 ? null : placeOf(i -> place[i]));
    }

    /** Returns all of it in numbers, once the run has ended; it must not be {@link #isTooLong}. */
    long[] numbers() {
        return log.numbers();
    }

    static long[] numbers(ExecutionPoint point) {
        long[] numbers = new long[EventLog.PLACE_LENGTH];
        numbers[0] = point.retired() << 1 | (point.interruptible() ? INTERRUPTIBLE : 0);
        numbers[1] = point.eip();
        System.arraycopy(point.general(), 0, numbers, EventLog.GENERAL, ExecutionPoint.REGISTERS);
        return numbers;
    }

    /** Returns the place of the interrupt that is next. */
    static ExecutionPoint placeOf(EventLog.Cursor cursor) {
        return placeOf(cursor::point);
    }

    private static ExecutionPoint placeOf(IntToLongFunction numbers) {
        long[] general = new long[ExecutionPoint.REGISTERS];
        for (int i = 0; i < general.length; i++) {
            general[i] = numbers.applyAsLong(EventLog.GENERAL + i);
        }
        long first = numbers.applyAsLong(0);
        return new ExecutionPoint(general, numbers.applyAsLong(1), (first & INTERRUPTIBLE) != 0, first >> 1);
    }

    /** Returns the last of it. */
    public Timeline timeline() {
        return recent.timeline();
    }

    /** Returns the number of exchanges, those included that are not kept. */
    long events() {
        return log.events();
    }

    /** Returns whether there were more exchanges than can be kept, so that there is nothing to replay. */
    public boolean isTooLong() {
        return log.isFull();
    }

    /** Shows all of it to a visitor, once the run has ended; it must not be {@link #isTooLong}. */
    public void tell(ExchangeVisitor visitor) {
        boolean afterMemory = false;
        for (EventLog.Cursor next = cursor(); !next.isAtEnd(); next.advance()) {
            long event = next.event();
            switch (IoEvent.kind(event)) {
                case IN -> visitor.in(IoEvent.port(event), IoEvent.width(event), IoEvent.value(event));
                case OUT -> visitor.out();
                case HALT -> visitor.halt();
                case INTERRUPT -> visitor.interrupt(IoEvent.vector(event), !IoEvent.hasPoint(event) && !afterMemory);
                case READ, WRITE -> {
                    // Engines differ in how many accesses they make of one.
                }
            }
            afterMemory = IoEvent.isMemory(event);
        }
    }

    /** Returns a reader from the beginning on. */
    EventLog.Cursor cursor() {
        return log.cursor();
    }

    End end() {
        return end;
    }

    /** Returns whether the host ended the run wherever the guest was, or the engine could not go on there. */
    public boolean endsAtAPlace() {
        return end == End.PLACE;
    }

    /** Returns where it ends, if that is known better than by what came before. */
    ExecutionPoint point() {
        return point;
    }
}
