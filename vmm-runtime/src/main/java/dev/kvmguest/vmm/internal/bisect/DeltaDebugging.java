package dev.kvmguest.vmm.internal.bisect;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.function.Predicate;

/**
 * The algorithm ddmin (Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, IEEE Transactions on
 * Software Engineering 28(2), 2002): halves, quarters and so on, until nothing can be left out any more.
 */
public final class DeltaDebugging {

    private DeltaDebugging() {}

    /**
     * Returns a part of {@code all}, in the same order, that flips the result and does not without any one of its
     * elements. Other parts may do too, with more or fewer elements.
     *
     * @param all what flips the result together; no two elements equal
     * @param flips whether some of the elements do; asked once for each part at most. None of them must not
     * @param left told how many elements are left, at the start and whenever there are fewer
     */
    public static <T> List<T> minimize(List<T> all, Predicate<List<T>> flips, IntConsumer left) {
        Predicate<List<T>> known = remembering(flips);
        List<T> current = List.copyOf(all);
        int parts = 2;
        left.accept(current.size());
        while (current.size() > 1) {
            List<List<T>> chunks = split(current, parts);
            Optional<List<T>> one = chunks.stream().filter(known).findFirst();
            Optional<List<T>> without =
                    one.isPresent() || parts == 2 ? Optional.empty() : firstWithout(current, chunks, known);
            if (one.isPresent()) {
                current = one.get();
                parts = 2;
                left.accept(current.size());
            } else if (without.isPresent()) {
                current = without.get();
                parts--;
                left.accept(current.size());
            } else if (parts == current.size()) {
                return current;
            } else {
                parts = Math.min(current.size(), 2 * parts);
            }
        }
        return current;
    }

    private static <T> Optional<List<T>> firstWithout(List<T> all, List<List<T>> chunks, Predicate<List<T>> flips) {
        return chunks.stream().map(chunk -> without(all, chunk)).filter(flips).findFirst();
    }

    private static <T> List<T> without(List<T> all, List<T> chunk) {
        Set<T> left = new HashSet<>(chunk);
        return all.stream().filter(element -> !left.contains(element)).toList();
    }

    private static <T> List<List<T>> split(List<T> all, int parts) {
        List<List<T>> chunks = new ArrayList<>();
        for (int i = 0; i < parts; i++) {
            int from = (int) ((long) all.size() * i / parts);
            int to = (int) ((long) all.size() * (i + 1) / parts);
            chunks.add(all.subList(from, to));
        }
        return chunks;
    }

    private static <T> Predicate<List<T>> remembering(Predicate<List<T>> flips) {
        Map<List<T>, Boolean> known = new HashMap<>();
        return part -> known.computeIfAbsent(part, flips::test);
    }
}
