package dev.kvmguest.vmm.internal.trial;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.EmulatedVirtualCpu;
import dev.kvmguest.vmm.internal.replay.Replay;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * What a guest came through, instruction by instruction.
 *
 * @param points where it was, the earliest first, each before an instruction or the delivery of an exception
 */
record Course(List<Point> points) {

    /**
     * A moment between two instructions.
     *
     * @param place EIP
     * @param stack ESP
     * @param instructions how many had been retired
     */
    record Point(long place, long stack, long instructions) {

        static Point of(EmulatedVirtualCpu cpu) {
            return new Point(cpu.register(Register.RIP), cpu.register(Register.RSP), cpu.instructions());
        }
    }

    /** Has a replay go on until so many instructions are retired, or to its end. The last point is where it is then. */
    static Course of(Replay replay, long instructions) {
        List<Point> points = new ArrayList<>();
        boolean goesOn = true;
        while (goesOn && replay.instructions() < instructions) {
            points.add(Point.of(replay.cpu()));
            goesOn = replay.step();
        }
        points.add(Point.of(replay.cpu()));
        return new Course(points);
    }

    /** Has a guest go on for so many instructions, or to its end. */
    static Course of(FreeRun run, int instructions) {
        List<Point> points = new ArrayList<>();
        boolean goesOn = run.ended().isEmpty();
        while (goesOn && points.size() < instructions) {
            points.add(Point.of(run.cpu()));
            goesOn = run.step();
        }
        return new Course(points);
    }

    /** Returns it up to the last of the points that are asked for; without points if there is none. */
    Course upTo(Predicate<Point> wanted) {
        int end = points.size();
        while (end > 0 && !wanted.test(points.get(end - 1))) {
            end--;
        }
        return new Course(points.subList(0, end));
    }

    /** Returns as many of the last points, or all. */
    Course last(int count) {
        return new Course(points.subList(Math.max(0, points.size() - count), points.size()));
    }

    Point first() {
        return points.get(0);
    }

    Set<Long> places() {
        return points.stream().map(Point::place).collect(Collectors.toSet());
    }

    /** Returns the places of the outermost function that it came through, as the stack shows. */
    Set<Long> outermost() {
        long stack = points.stream().mapToLong(Point::stack).max().orElse(0);
        return points.stream()
                .filter(point -> point.stack == stack)
                .map(Point::place)
                .collect(Collectors.toSet());
    }
}
