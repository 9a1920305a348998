package dev.kvmguest.vmm.emulator.differential;

import java.util.List;
import java.util.Optional;

/** Executes programs of one mode on two engines and compares how they end. */
final class Differential implements AutoCloseable {

    private final Executor here;
    private final Executor there;

    Differential(Executor here, Executor there) {
        this.here = here;
        this.there = there;
    }

    /** Returns a report on the shortest program found that ends differently, if this one does. */
    Optional<String> divergence(Program program) {
        if (!differs(program)) {
            return Optional.empty();
        }
        return Optional.of(report(Shrinker.shrink(program, this::differs)));
    }

    /** Says whether a program ends differently, or not at its end. */
    boolean differs(Program program) {
        EndState endHere = here.run(program);
        boolean differs =
                !endHere.isHalt() || !endHere.differences(there.run(program)).isEmpty();
        if (differs) {
            // One of them may have run wild and overwritten what the next program needs.
            close();
        }
        return differs;
    }

    private String report(Program program) {
        EndState endHere = here.run(program);
        EndState endThere = there.run(program);
        List<String> differences = endHere.differences(endThere);
        return String.join(
                        "\n  ",
                        differences.isEmpty() ? List.of("no difference, or none when run once more") : differences)
                + "\n" + Listing.of(program)
                + "start " + program.start()
                + "\n" + here.name() + ": " + endHere
                + "\n" + there.name() + ": " + endThere;
    }

    @Override
    public void close() {
        here.close();
        there.close();
    }
}
