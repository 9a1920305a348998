package dev.kvmguest.vmm.internal.trial;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.EmulatedVirtualCpu;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine.EmulatedMachine;
import dev.kvmguest.vmm.internal.inspection.Constructors;
import dev.kvmguest.vmm.internal.inspection.Constructors.Uncalled;
import dev.kvmguest.vmm.internal.inspection.Departure;
import dev.kvmguest.vmm.internal.inspection.PlacedImage;
import dev.kvmguest.vmm.internal.replay.Origin;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.replay.Replay;
import dev.kvmguest.vmm.internal.trial.Course.Point;
import dev.kvmguest.vmm.internal.trial.GuestEnd.Kind;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Ending;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Replays a guest to see whether it ever came to one of its constructors. If it didn't, the last part of its run is
 * gone through again, with all of them called at the beginning of that part: does the guest come to the same end?
 *
 * <p>What the constructors do to memory counts, and only where they set what was 0 at each look during the run.
 */
public final class ConstructorTrial implements Constructors.Trial {

    private static final int INTERVAL = 16_384;
    /** How many instructions before the end constructors are called: as few as suffice, so that little else changes. */
    private static final List<Integer> PARTS = List.of(64, 1024, INTERVAL);

    /** What goes on for so long without an exception goes on. */
    private static final long GOES_ON = 1_000_000;
    /** So many instructions are some rounds of a loop. */
    private static final int LOOP = 4096;

    /** What is larger takes too long to copy. */
    private static final long LARGEST_MEMORY = 256 << 20;

    private final MachineConfig machine;
    private final Recording recording;
    private final Origin origin;
    private final Duration limit;
    private final PlacedImage image;
    private final GuestMemory memory;
    private final Departure.Finder departures;
    private final GuestEnd end;

    private long deadline;
    private List<Long> constructors;
    private UnsetObjects unset;
    /** Where the guest was every {@value #INTERVAL} instructions. */
    private final List<Point> looks = new ArrayList<>();

    /**
     * Prepares a trial, which runs nothing before it is asked.
     *
     * @param machine the machine
     * @param recording of a run that has ended
     * @param origin where to start
     * @param limit how long a replay of the run may take; all of the trial takes no more than twice as long
     * @param image the guest's image
     * @param memory the RAM as the end left it
     * @param departures tells where the guest left its image
     * @param end how it ended
     */
    public ConstructorTrial(
            MachineConfig machine,
            Recording recording,
            Origin origin,
            Duration limit,
            PlacedImage image,
            GuestMemory memory,
            Departure.Finder departures,
            GuestEnd end) {
        this.machine = machine;
        this.recording = recording;
        this.origin = origin;
        this.limit = limit;
        this.image = image;
        this.memory = memory;
        this.departures = departures;
        this.end = end;
    }

    @Override
    public Optional<Uncalled> uncalled(Constructors all) {
        constructors = all.entries();
        if (constructors.isEmpty() || recording.isTooLong() || memory.usedBytes() > LARGEST_MEMORY) {
            return Optional.empty();
        }
        deadline = System.nanoTime() + 2 * limit.toNanos();
        unset = unsetAtTheEnd();
        return !unset.isEmpty() && wereNeverCalled() ? tried() : Optional.empty();
    }

    private UnsetObjects unsetAtTheEnd() {
        try (EmulatedMachine copy = EmulatorEngine.instance().createMachine(memory.size(), 1)) {
            memory.copyTo(copy.memory());
            copy.vcpu(0).setState(end.registers());
            return UnsetObjects.setBy(() -> call(copy.vcpu(0), copy.memory(), constructors), copy.memory(), image);
        }
    }

    /**
     * Replays all of the run; of one that hung as much as there is time for, since it was in its loop by then. What was
     * set at some time by something else is no longer unset.
     */
    private boolean wereNeverCalled() {
        try (Replay replay = replay(origin)) {
            replay.cpu().watch(new HashSet<>(constructors));
            long enough = System.nanoTime() + limit.toNanos() / 2;
            boolean goesOn = true;
            while (goesOn && (end.kind() != Kind.HANG || System.nanoTime() - enough < 0)) {
                goesOn = replay.runTo(replay.instructions() + INTERVAL);
                unset = unset.unsetIn(replay.memory());
                looks.add(Point.of(replay.cpu()));
            }
            boolean asRecorded = goesOn || replay.run().isEmpty();
            return asRecorded && !unset.isEmpty() && replay.cpu().unreached().containsAll(constructors);
        }
    }

    private Optional<Uncalled> tried() {
        long time = end.instructions().orElse(looks.get(looks.size() - 1).instructions());
        return switch (end.kind()) {
            case HALT -> halted(time);
            case HANG -> isInImage(end.registers().eip()) ? hung(time) : departed();
            case EXCEPTION -> {
                LastPart last = lastPart(time).upTo(point -> isInImage(point.place()));
                yield last.isEmpty() ? departed() : inParts(last, this::goesThrough);
            }
        };
    }

    private Optional<Uncalled> halted(long time) {
        long hlt = end.registers().eip() - 1;
        return inParts(lastPart(time).upTo(point -> point.place() == hlt), this::haltsElsewhere);
    }

    /** What the loop looks at may be read in it or before it. */
    private Optional<Uncalled> hung(long time) {
        LastPart loop = lastPart(time);
        Set<Long> places;
        Set<Long> later;
        try (Replay replay = replay(loop.from())) {
            replay.runTo(time);
            FreeRun run = new FreeRun(replay.cpu(), machine);
            places = Course.of(run, LOOP).places();
            run.run(GOES_ON);
            later = Course.of(run, LOOP).outermost();
        }
        if (later.isEmpty()) {
            // It leaves its loop by itself if something is typed, say.
            return Optional.empty();
        }
        int entered = looks.size() - 1;
        while (entered > 0 && places.contains(looks.get(entered - 1).place())) {
            entered--;
        }
        LastPart entry = lastPart(looks.get(entered).instructions());
        Escape leaves = (cpu, alike) -> !alike && leavesLoop(cpu, later);
        return within(loop.last(PARTS.get(0)), leaves).or(() -> within(entry, leaves));
    }

    private Optional<Uncalled> departed() {
        return departures
                .intoZeros()
                .flatMap(departure -> inParts(
                        lastPart(departure.instructions())
                                .upTo(point -> point.place() == departure.by().eip()),
                        this::goesThrough));
    }

    /** What takes too long diverges. */
    private Replay replay(Origin from) {
        Duration left = Duration.ofNanos(deadline - System.nanoTime());
        return Replay.of(recording, from, left.compareTo(limit) < 0 ? left : limit);
    }

    private LastPart lastPart(long instructions) {
        try (Replay replay = replay(origin)) {
            long start = Math.max(replay.instructions(), instructions - INTERVAL);
            replay.runTo(start);
            return new LastPart(replay.here(origin.image()), Course.of(replay, instructions));
        }
    }

    private Optional<Uncalled> inParts(LastPart last, Escape escape) {
        return last.isEmpty()
                ? Optional.empty()
                : PARTS.stream()
                        .map(last::last)
                        .map(part -> within(part, escape))
                        .flatMap(Optional::stream)
                        .findFirst();
    }

    /** Looks for the first object that, with those before it set, too, keeps the guest from its end. */
    private Optional<Uncalled> within(LastPart part, Escape escape) {
        int without = 0;
        int with = unset.count();
        if (!escapes(part, with, escape) || escapes(part, without, escape)) {
            return Optional.empty();
        }
        while (with - without > 1) {
            int between = (without + with) / 2;
            if (escapes(part, between, escape)) {
                with = between;
            } else {
                without = between;
            }
        }
        long word = unset.words().get(with - 1).get(0);
        return image.linear(word).stream()
                .mapToObj(place -> new Uncalled(place, whatSets(word, part)))
                .findFirst();
    }

    private long whatSets(long word, LastPart part) {
        try (Replay replay = replay(part.from())) {
            replay.runTo(part.course().first().instructions());
            return constructors.stream()
                    .filter(constructor -> {
                        call(replay.cpu(), replay.memory(), List.of(constructor));
                        return replay.memory().readInt(word) != 0;
                    })
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** Goes through a part with constructors called before it, which may set the first few objects. */
    private boolean escapes(LastPart part, int objects, Escape escape) {
        try (Replay replay = replay(part.from())) {
            List<Point> points = part.course().points();
            replay.runTo(points.get(0).instructions());
            boolean isThere = Point.of(replay.cpu()).equals(points.get(0))
                    && unset.unsetIn(replay.memory()).count() == unset.count();
            if (!isThere) {
                return false;
            }
            call(replay.cpu(), replay.memory(), constructors);
            unset.unset(replay.memory(), objects);
            for (Point point : points.subList(1, points.size())) {
                replay.step();
                if (replay.cpu().register(Register.RIP) != point.place()) {
                    return escape.from(replay.cpu(), false);
                }
            }
            return escape.from(replay.cpu(), true);
        }
    }

    private void call(EmulatedVirtualCpu cpu, GuestMemory ram, List<Long> functions) {
        new ConstructorCalls(cpu, ram, machine).make(functions, end.registers().get(Register.RSP));
    }

    /** What was the last instruction before the end has to be one of many now, if the guest comes to it at all. */
    private boolean goesThrough(EmulatedVirtualCpu cpu, boolean alike) {
        FreeRun run = new FreeRun(cpu, machine);
        run.run(alike ? 1 : GOES_ON);
        return !run.tookExceptions() && (run.ended().isPresent() || isInImage(cpu.register(Register.RIP)));
    }

    private boolean haltsElsewhere(EmulatedVirtualCpu cpu, boolean alike) {
        if (alike) {
            return false;
        }
        FreeRun run = goOn(cpu);
        boolean there = run.ended().filter(Ending.Halted.class::isInstance).isPresent()
                && cpu.register(Register.RIP) == end.registers().eip()
                && cpu.register(Register.RSP) == end.registers().get(Register.RSP);
        return !there && !run.tookExceptions();
    }

    private boolean leavesLoop(EmulatedVirtualCpu cpu, Set<Long> loop) {
        FreeRun run = goOn(cpu);
        boolean back = Course.of(run, LOOP).places().stream().anyMatch(loop::contains);
        return !back && !run.tookExceptions();
    }

    private FreeRun goOn(EmulatedVirtualCpu cpu) {
        FreeRun run = new FreeRun(cpu, machine);
        run.run(GOES_ON);
        return run;
    }

    private boolean isInImage(long address) {
        return image.segments().stream()
                .anyMatch(segment -> isIn(address, image.linear(segment), segment.data().length)
                        || isIn(address, segment.physicalAddress(), segment.data().length));
    }

    private static boolean isIn(long address, long start, long length) {
        return address >= start && address < start + length;
    }

    /** Says whether a guest does not come to the end that it came to before. */
    @FunctionalInterface
    private interface Escape {

        /**
         * Says so of a guest at some place.
         *
         * @param cpu its vCPU, which is used up
         * @param alike whether it has come to the last instruction of the part, as before; else it has gone elsewhere
         */
        boolean from(EmulatedVirtualCpu cpu, boolean alike);
    }

    /** What a guest came through last, and where to start to see it again. */
    private record LastPart(Origin from, Course course) {

        boolean isEmpty() {
            return course.points().isEmpty();
        }

        LastPart upTo(Predicate<Point> wanted) {
            return new LastPart(from, course.upTo(wanted));
        }

        LastPart last(int instructions) {
            return new LastPart(from, course.last(instructions));
        }
    }
}
