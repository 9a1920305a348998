package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.diagnosis.Timeline.Kind;
import dev.kvmguest.vmm.internal.engine.ExecutionPoint;

/**
 * Looks through the numbers of a log that comes from a file, so that nothing which a replay does with them can go
 * wrong: each is an exchange, the place of an interrupt, or a repetition of exchanges that are there.
 */
final class LogCheck {

    /** More than a year's guest time, so that a clock never comes near its end. */
    private static final long MOST_NANOS = 1L << 55;

    private static final int KINDS = Kind.values().length;

    private final long[] numbers;
    private int at;
    /** Where exchanges of one number each begin that may be repeated. */
    private int plain;

    private long events;
    private long nanos;

    private LogCheck(long[] numbers) {
        this.numbers = numbers;
    }

    /**
     * Returns how many exchanges the numbers stand for.
     *
     * @throws IllegalArgumentException if they are not what a log can have; the message says which one
     */
    static long events(long[] numbers) {
        LogCheck check = new LogCheck(numbers);
        try {
            check.all();
        } catch (ArithmeticException e) {
            throw check.error("makes more exchanges, or more time, than can be counted");
        }
        return check.events;
    }

    private void all() {
        while (at < numbers.length) {
            long number = numbers[at];
            if (EventLog.isRepeat(number)) {
                repeat(number);
            } else {
                exchange(number);
            }
        }
    }

    private void repeat(long number) {
        int period = EventLog.period(number);
        long times = EventLog.times(number);
        if (period < 1 || period > EventLog.LONGEST_PERIOD || period > at - plain || times < 2) {
            throw error("repeats what isn't there");
        }
        events = Math.addExact(events, times);
        for (int i = 1; i <= period; i++) {
            passes(numbers[at - i], times);
        }
        at++;
        plain = at;
    }

    private void exchange(long number) {
        if (number >>> 60 >= KINDS || !isExchange(number)) {
            throw error("is no exchange");
        }
        events = Math.addExact(events, 1);
        passes(number, 1);
        at++;
        if (IoEvent.hasPoint(number)) {
            if (at + EventLog.PLACE_LENGTH > numbers.length) {
                at--;
                throw error("is an interrupt whose place is missing");
            }
            requirePlace(numbers, at);
            at += EventLog.PLACE_LENGTH;
            plain = at;
        }
    }

    private void passes(long number, long times) {
        if (IoEvent.kind(number) == Kind.HALT) {
            nanos = Math.addExact(nanos, Math.multiplyExact(IoEvent.nanos(number), times));
            if (nanos > MOST_NANOS) {
                throw error("halts for longer than a guest can");
            }
        }
    }

    private static boolean isExchange(long number) {
        int width = IoEvent.width(number);
        return switch (IoEvent.kind(number)) {
            case IN, OUT ->
                (width == 1 || width == 2 || width == 4)
                        && IoEvent.value(number) >>> 8 * width == 0
                        && number
                                == IoEvent.port(
                                        IoEvent.kind(number), IoEvent.port(number), width, IoEvent.value(number));
            case READ, WRITE -> width >= 1 && width <= Long.BYTES;
            case HALT -> width == 0;
            case INTERRUPT -> number == IoEvent.interrupt(IoEvent.vector(number), !IoEvent.hasPoint(number));
        };
    }

    /**
     * Makes sure that numbers are a place as {@link Recording} writes it. Registers of long mode may hold any number.
     *
     * @param from the index of the first
     * @throws IllegalArgumentException if they are not
     */
    static void requirePlace(long[] numbers, int from) {
        if (numbers[from] >> 1 < ExecutionPoint.NOT_COUNTED) {
            throw new IllegalArgumentException("number " + from + " begins a place where no guest can be");
        }
    }

    private IllegalArgumentException error(String what) {
        return new IllegalArgumentException("number " + at + ", " + hex(numbers[at]) + ", " + what);
    }
}
