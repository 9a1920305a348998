package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.cpu.Register;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The loop with which steps end.
 *
 * @param steps those that belong to it, whole rounds and the one that has begun, the oldest first
 * @param period the number of steps in a round
 */
record SpinLoop(List<Step> steps, int period) {

    /** A loop that was not seen for as much of the steps, inverted, may be one that is left soon. */
    private static final int PART = 2;

    /**
     * Finds the loop: the round that, taken again and again, explains most of the last steps; of several the shortest.
     *
     * @return empty if there are not two rounds, or not enough of them to say that the guest stays there
     */
    static Optional<SpinLoop> at(List<Step> steps) {
        long[] places = steps.stream().mapToLong(Step::address).toArray();
        int best = 0;
        int explained = 0;
        for (int period = 1; period <= places.length / 2; period++) {
            int repeated = repeated(places, period);
            if (repeated >= period && repeated + period > explained) {
                best = period;
                explained = repeated + period;
            }
        }
        return best > 0 && explained >= steps.size() / PART
                ? Optional.of(new SpinLoop(steps.subList(steps.size() - explained, steps.size()), best))
                : Optional.empty();
    }

    /** Returns how many of the last places are the same as those a period before. */
    private static int repeated(long[] places, int period) {
        int repeated = 0;
        for (int i = places.length - 1; i >= period && places[i] == places[i - period]; i--) {
            repeated++;
        }
        return repeated;
    }

    /**
     * Returns the last round, from where a reader would begin: in the outermost function, as the stack pointer shows
     * it, and at the lowest address there.
     */
    List<Step> round() {
        List<Step> round = new ArrayList<>(steps.subList(steps.size() - period, steps.size()));
        Step head = Collections.min(
                round,
                Comparator.comparingLong((Step step) -> -step.before().get(Register.RSP))
                        .thenComparingLong(Step::address));
        Collections.rotate(round, -round.indexOf(head));
        return round;
    }
}
