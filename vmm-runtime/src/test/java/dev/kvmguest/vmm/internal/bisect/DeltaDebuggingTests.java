package dev.kvmguest.vmm.internal.bisect;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeltaDebuggingTests {

    private final List<List<Integer>> asked = new ArrayList<>();
    private final List<Integer> left = new ArrayList<>();

    @Test
    void oneCulpritAmongManyTakesFewQuestions() {
        assertThat(minimize(1000, some -> some.contains(700))).containsExactly(700);
        assertThat(asked).hasSizeLessThan(25);
        assertThat(left).startsWith(1000).endsWith(1).isSortedAccordingTo((a, b) -> Integer.compare(b, a));
    }

    @Test
    void twoThatOnlyFlipTogetherAreBothFound() {
        assertThat(minimize(100, some -> some.containsAll(List.of(3, 97)))).containsExactly(3, 97);
    }

    @Test
    void allAreLeftIfNoneCanBeLeftOut() {
        assertThat(minimize(13, some -> some.size() == 13)).hasSize(13);
    }

    @Test
    void aSingleOneNeedsNoQuestion() {
        assertThat(minimize(1, some -> true)).containsExactly(0);
        assertThat(asked).isEmpty();
    }

    @Test
    void noPartIsAskedForTwice() {
        minimize(64, some -> some.containsAll(List.of(1, 20, 40, 63)));

        assertThat(asked).doesNotHaveDuplicates();
    }

    /** Predicates that aren't monotonic: adding an element may turn the result back. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void withoutAnyOneElementTheResultIsTheOther(long seed) {
        Random random = new Random(seed);
        List<Integer> masks = random.ints(6, 1, 1 << 12).boxed().toList();
        Predicate<List<Integer>> flips = some -> some.size() == 12
                || masks.stream()
                        .anyMatch(mask ->
                                some.stream().mapToInt(i -> 1 << i & mask).sum() == mask && some.size() % 3 != 1);

        List<Integer> found = minimize(12, flips);

        assertThat(flips).accepts(found);
        for (Integer one : found) {
            List<Integer> without =
                    found.stream().filter(other -> !other.equals(one)).toList();
            assertThat(without.isEmpty() || !flips.test(without))
                    .as("%s without %s", found, one)
                    .isTrue();
        }
        assertThat(found).containsExactlyElementsOf(new TreeSet<>(found));
    }

    private List<Integer> minimize(int count, Predicate<List<Integer>> flips) {
        List<Integer> all = IntStream.range(0, count).boxed().toList();
        return DeltaDebugging.minimize(
                all,
                some -> {
                    asked.add(some);
                    return flips.test(some);
                },
                left::add);
    }
}
