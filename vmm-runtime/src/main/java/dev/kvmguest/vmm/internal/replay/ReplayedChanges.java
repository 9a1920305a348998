package dev.kvmguest.vmm.internal.replay;

import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.inspection.LastChange;
import dev.kvmguest.vmm.internal.x86.PageEntry;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import dev.kvmguest.vmm.memory.RamMap;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Finds who changed memory last, by replaying a run twice: once to see when, by looking every now and then, and once
 * more to go through that time step by step.
 */
public final class ReplayedChanges implements LastChange {

    private static final int INTERVAL = 16_384;
    /** No table of a processor of 32 bits is larger, but for all of its page tables. */
    private static final int LONGEST = 64 << 10;

    private static final int MOST_BYTES = 16;
    /** Accessed and dirty, in the first byte of an entry (Intel SDM volume 3A, table 4-4 ff.). */
    private static final int SET_BY_THE_PROCESSOR = (int) (PageEntry.ACCESSED | PageEntry.DIRTY);

    private final Recording recording;
    private final Origin origin;
    private final long end;
    private Duration left;
    private final Map<Range, Optional<Change>> found = new HashMap<>();

    /**
     * Creates a searcher, which replays nothing before it is asked.
     *
     * @param recording of a run that has ended
     * @param origin where to start
     * @param limit how long all replays may take
     */
    public ReplayedChanges(Recording recording, Origin origin, Duration limit) {
        this(recording, origin, limit, Long.MAX_VALUE);
    }

    /**
     * Creates a searcher that doesn't look at a run to its end.
     *
     * @param instructions after how many retired instructions what it looks at ends; see there for the others
     */
    public ReplayedChanges(Recording recording, Origin origin, Duration limit, long instructions) {
        this.recording = recording;
        this.origin = origin;
        this.left = limit;
        this.end = instructions;
    }

    @Override
    public String end() {
        return end == Long.MAX_VALUE ? LastChange.super.end() : "the exception";
    }

    @Override
    public Optional<Change> in(Range range) {
        return found.computeIfAbsent(range, this::findInTime);
    }

    private Optional<Change> findInTime(Range range) {
        long start = System.nanoTime();
        Optional<Change> change = find(range);
        left = left.minusNanos(System.nanoTime() - start);
        return change;
    }

    private Optional<Change> find(Range range) {
        RamMap ram = new RamMap(origin.memorySize());
        long end = range.start() < RamMap.DEVICES ? ram.lowEnd() : ram.end();
        long length = Math.min(range.end(), end) - range.start();
        if (recording.isTooLong() || !ram.contains(range.start()) || length <= 0 || length > LONGEST) {
            return Optional.empty();
        }
        Watch watch = new Watch(range, (int) length);
        // What is changed and changed back between two looks is seen by neither. That happens where a guest makes its
        // tables, which is at the start, and where it dies of their loss.
        SortedSet<Long> times = new TreeSet<>(Comparator.reverseOrder());
        long last;
        try (Replay replay = Replay.of(recording, origin, left)) {
            watch.look(replay.memory());
            long start = replay.instructions();
            times.add(start);
            long from = start;
            boolean goesOn = start < end;
            for (long at = start + INTERVAL; goesOn; at += INTERVAL) {
                goesOn = replay.runTo(Math.min(at, end)) && at < end;
                from = watch.look(replay.memory()) ? at - INTERVAL : from;
            }
            last = replay.instructions();
            if (last < end && replay.run().isPresent()) {
                return Optional.empty();
            }
            times.add(from);
            times.add(start + (last - start) / INTERVAL * INTERVAL);
        }
        return times.stream()
                .map(from -> stepThrough(watch, from, last))
                .flatMap(Optional::stream)
                .findFirst();
    }

    private Optional<Change> stepThrough(Watch watch, long from, long last) {
        try (Replay replay = Replay.of(recording, origin, left)) {
            replay.runTo(from);
            return stepThrough(replay, watch, Math.min(from + INTERVAL, end), last);
        }
    }

    private Optional<Change> stepThrough(Replay replay, Watch watch, long to, long end) {
        GuestImage image = origin.image();
        Optional<Change> last = Optional.empty();
        watch.look(replay.memory());
        boolean goesOn = true;
        while (goesOn && replay.instructions() < to) {
            GuestInstruction by = replay.cpu().nextInstruction();
            goesOn = replay.step();
            if (watch.look(replay.memory())) {
                last = Optional.of(watch.change(by.namedBy(image), end - replay.instructions()));
            }
        }
        return last;
    }

    /** A range of memory, as it was at the last look. */
    private static final class Watch {

        private final long start;
        private final int length;
        private final int ignored;
        private byte[] before = {};
        private byte[] now = {};

        Watch(Range range, int length) {
            this.start = range.start();
            this.length = length;
            this.ignored =
                    range.kind() == Kind.PAGE_DIRECTORY || range.kind() == Kind.PAGE_TABLES ? SET_BY_THE_PROCESSOR : 0;
        }

        /** Returns whether something has changed since the last time. */
        boolean look(GuestMemory memory) {
            byte[] found = memory.read(start, length);
            if (ignored != 0) {
                // Entries are of four or eight bytes, and eight of them have zeros there above.
                for (int i = (int) -start & 3; i < length; i += 4) {
                    found[i] &= ~ignored;
                }
            }
            if (Arrays.equals(found, now)) {
                return false;
            }
            before = now;
            now = found;
            return true;
        }

        Change change(GuestInstruction by, long instructionsBeforeTheEnd) {
            int first = Arrays.mismatch(before, now);
            int end = length;
            while (before[end - 1] == now[end - 1]) {
                end--;
            }
            end = Math.min(end, first + MOST_BYTES);
            return new Change(
                    by,
                    start + first,
                    Arrays.copyOfRange(before, first, end),
                    Arrays.copyOfRange(now, first, end),
                    instructionsBeforeTheEnd);
        }
    }
}
