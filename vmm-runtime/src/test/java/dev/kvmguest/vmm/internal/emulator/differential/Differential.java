package dev.kvmguest.vmm.internal.emulator.differential;

import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Executes programs of one mode on two engines and compares how they end. */
final class Differential implements AutoCloseable {

    private final Executor here;
    private final Executor there;
    private final UnaryOperator<EndState> comparable;
    private long instructions;

    Differential(Executor here, Executor there) {
        this(here, there, UnaryOperator.identity());
    }

    /**
     * Creates one that compares less.
     *
     * @param comparable leaves out of an end what is not to be compared
     */
    Differential(Executor here, Executor there, UnaryOperator<EndState> comparable) {
        this.here = here;
        this.there = there;
        this.comparable = comparable;
    }

    /** Returns a report on the shortest program found that ends differently, if this one does. */
    Optional<String> divergence(Program program) {
        if (!differs(program)) {
            return Optional.empty();
        }
        return Optional.of(report(Shrinker.shrink(program, this::differs)));
    }

    /** Returns whether a program ends differently, or not at its end. */
    boolean differs(Program program) {
        EndState endHere = here.run(program);
        instructions += endHere.instructions().orElse(0);
        boolean differs =
                !endHere.isHalt() || !differences(endHere, there.run(program)).isEmpty();
        if (differs) {
            // One of them may have run wild and overwritten what the next program needs.
            close();
        }
        return differs;
    }

    /** Returns how many instructions the programs executed so far, as counted by the engine that counts. */
    long instructions() {
        return instructions;
    }

    private List<String> differences(EndState endHere, EndState endThere) {
        return comparable.apply(endHere).differences(comparable.apply(endThere));
    }

    private String report(Program program) {
        EndState endHere = here.run(program);
        EndState endThere = there.run(program);
        List<String> differences = differences(endHere, endThere);
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
