package dev.kvmguest.vmm.internal.replay;

import dev.kvmguest.vmm.internal.engine.ExecutionPoint;
import java.util.Arrays;

/**
 * All that a guest exchanged with its machine, in order, in numbers. A guest that polls does the same few exchanges
 * over and over: those are kept once, with how often.
 */
final class EventLog {

    /** Where a guest is when it gets an interrupt: so many numbers after that of the interrupt. */
    static final int PLACE_LENGTH = 2 + ExecutionPoint.REGISTERS;

    /** Where in those the general registers begin. */
    static final int GENERAL = 2;

    /** Polling is seldom more than to write, to read, and to look at something else. */
    static final int LONGEST_PERIOD = 4;

    /** Marks numbers that are no exchange: so many exchanges, the last of those before over and over. */
    private static final long REPEAT = 0xfL << 60;

    private static final int PERIOD_SHIFT = 56;
    private static final long TIMES = (1L << PERIOD_SHIFT) - 1;

    private final int limit;
    private long[] words = new long[32];
    private int size;
    /** Where exchanges of one number each begin that may be repeated. */
    private int plain;

    private int period;
    private int phase;
    private long repeated;
    private boolean full;
    private long events;

    /**
     * Creates an empty log.
     *
     * @param limit how many numbers may be kept
     */
    EventLog(int limit) {
        this.limit = limit;
    }

    /**
     * Returns a log of numbers that {@link #numbers} gave.
     *
     * @throws IllegalArgumentException if they are not what a log can have
     */
    static EventLog of(long[] numbers) {
        EventLog log = new EventLog(numbers.length);
        log.events = LogCheck.events(numbers);
        log.words = numbers.clone();
        log.size = numbers.length;
        log.plain = numbers.length;
        return log;
    }

    /** Returns a log that goes on from what is here now. */
    EventLog copy() {
        EventLog copy = new EventLog(limit);
        copy.words = words.clone();
        copy.size = size;
        copy.plain = plain;
        copy.period = period;
        copy.phase = phase;
        copy.repeated = repeated;
        copy.full = full;
        copy.events = events;
        return copy;
    }

    /** Returns the numbers that are kept. Nothing may be added any more. */
    long[] numbers() {
        settle();
        return Arrays.copyOf(words, size);
    }

    /** Returns how many exchanges there were, those included that are not kept. */
    long events() {
        return events;
    }

    /** Returns whether a number stands for exchanges over and over. */
    static boolean isRepeat(long word) {
        return (word & REPEAT) == REPEAT;
    }

    /** Returns how many exchanges before a repetition it repeats in turn, 0 to 15. */
    static int period(long repeat) {
        return (int) (repeat >>> PERIOD_SHIFT) & 0xf;
    }

    /** Returns how many exchanges a repetition stands for. */
    static long times(long repeat) {
        return repeat & TIMES;
    }

    /** Returns whether there was more than is kept. Nothing is kept then. */
    boolean isFull() {
        return full;
    }

    /** Adds an exchange of one number. */
    void add(long event) {
        events++;
        if (period != 0) {
            if (words[size - period + phase] == event) {
                repeated++;
                phase = phase + 1 == period ? 0 : phase + 1;
                return;
            }
            settle();
        }
        for (int candidate = 1; candidate <= LONGEST_PERIOD && size - candidate >= plain; candidate++) {
            if (words[size - candidate] == event) {
                period = candidate;
                phase = candidate == 1 ? 0 : 1;
                repeated = 1;
                return;
            }
        }
        append(event);
    }

    /** Adds an interrupt with the {@link #PLACE_LENGTH} numbers of its place. */
    void add(long interrupt, long[] point) {
        events++;
        settle();
        append(interrupt);
        for (long part : point) {
            append(part);
        }
        plain = size;
    }

    /** Ends a repetition. */
    private void settle() {
        if (period == 0) {
            return;
        }
        if (repeated == 1) {
            append(words[size - period]);
        } else {
            append(REPEAT | (long) period << PERIOD_SHIFT | repeated & TIMES);
            plain = size;
        }
        period = 0;
    }

    private void append(long word) {
        if (size == limit || full) {
            // Without its beginning a recording is of no use: what it took is given back.
            full = true;
            words = new long[LONGEST_PERIOD];
            size = 0;
            plain = 0;
            return;
        }
        if (size == words.length) {
            words = Arrays.copyOf(words, Math.min(limit, size * 2));
        }
        words[size++] = word;
    }

    /** Returns a reader from the first exchange on. Nothing may be added any more. */
    Cursor cursor() {
        settle();
        return new Cursor();
    }

    /** Reads the log. */
    final class Cursor {

        private int at;
        private int source;
        private int length;
        private int step;
        private long left;

        /** Returns whether there is no exchange any more. */
        boolean isAtEnd() {
            return at == size;
        }

        /** Returns the exchange that is next. */
        long event() {
            return left > 0 ? words[source + step] : words[at];
        }

        /** Returns a number of the place of the interrupt that is next. */
        long point(int index) {
            return words[at + 1 + index];
        }

        /** Goes past the event that is next. */
        void advance() {
            if (left > 0) {
                step = step + 1 == length ? 0 : step + 1;
                left--;
                at += left == 0 ? 1 : 0;
            } else {
                long event = words[at];
                at += IoEvent.hasPoint(event) ? 1 + PLACE_LENGTH : 1;
            }
            if (left == 0 && at < size && isRepeat(words[at])) {
                length = period(words[at]);
                left = times(words[at]);
                source = at - length;
                step = 0;
            }
        }
    }
}
