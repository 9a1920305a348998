package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Saves something at every point of random histories, restores it into a fresh one, and has both go on alike. A part of
 * the state that is forgotten must show, or the histories would prove nothing: each is left out in turn.
 */
public final class RoundTrip {

    private static final int STEPS = 150;
    private static final int STEPS_COMPARED = 60;
    private static final int HISTORIES = 8;
    private static final int MOST_HISTORIES = 150;

    private RoundTrip() {}

    /**
     * Something with all that it is connected to.
     *
     * @param <S> its state
     */
    public interface Subject<S> {

        /** Does something to it, or has something happen, and returns all that can be seen of it then. */
        String act(Random random);

        /** Returns its state. */
        S save();

        /** Returns what makes a fresh one that has a state, with the same around it as this one has now. */
        Function<S, Subject<S>> restorer();
    }

    /** What happened from the start, and how it was at each point. */
    private record History<S>(long seed, List<S> states, List<Function<S, Subject<S>>> restorers, List<String> seen) {

        static <S> History<S> of(Subject<S> subject, long seed) {
            History<S> history = new History<>(seed, new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
            for (int step = 0; step < STEPS; step++) {
                history.states.add(subject.save());
                history.restorers.add(subject.restorer());
                history.seen.add(subject.act(history.random(step)));
            }
            return history;
        }

        private Random random(int step) {
            // The first numbers of generators whose seeds follow each other are alike.
            return new Random((seed * STEPS + step) * 0x9e37_79b9_7f4a_7c15L);
        }

        /** Returns the first step from a point on in which something else is seen of one with that state, or -1. */
        int difference(int point, S state) {
            Subject<S> other = restorers.get(point).apply(state);
            for (int step = point; step < Math.min(STEPS, point + STEPS_COMPARED); step++) {
                if (!other.act(random(step)).equals(seen.get(step))) {
                    return step;
                }
            }
            return -1;
        }

        /** Returns whether it shows that a part of the state is from elsewhere. */
        boolean shows(int point, S state) {
            try {
                return difference(point, state) >= 0;
            } catch (RuntimeException e) {
                // It can't even go on.
                return true;
            }
        }
    }

    /** Checks that what is restored goes on alike, whenever it was saved. */
    public static <S> void goesOnAlike(Supplier<Subject<S>> fresh) {
        for (int seed = 0; seed < HISTORIES; seed++) {
            History<S> history = History.of(fresh.get(), seed);
            for (int point = 0; point < STEPS; point++) {
                assertThat(history.difference(point, history.states.get(point)))
                        .as("history %d, saved at step %d: the step that differs", seed, point)
                        .isEqualTo(-1);
            }
        }
    }

    /**
     * Checks that whatever part of the state isn't restored, of those that ever change, it is noticed.
     *
     * @param withoutEffect the parts that change and decide nothing
     */
    public static <S> void noPartCanBeForgotten(Supplier<Subject<S>> fresh, Set<String> withoutEffect) {
        S initial = fresh.get().save();
        Set<String> missed = new HashSet<>();
        Set<String> forgotten = new TreeSet<>();
        for (int seed = 0; seed < HISTORIES || seed < MOST_HISTORIES && !forgotten.isEmpty(); seed++) {
            History<S> history = History.of(fresh.get(), seed);
            for (int point = 0; point < STEPS; point++) {
                for (Map.Entry<String, S> mutant :
                        without(history.states.get(point), initial).entrySet()) {
                    String part = mutant.getKey();
                    if (!missed.contains(part) && history.shows(point, mutant.getValue())) {
                        missed.add(part);
                    }
                    forgotten.add(part);
                }
            }
            forgotten.removeAll(missed);
            forgotten.removeAll(withoutEffect);
        }
        assertThat(forgotten).as("parts of the state that nobody misses").isEmpty();
    }

    /** Returns copies of a state that each have one part of another state, but for parts that are the same. */
    @SuppressWarnings("unchecked") // A copy is of the same class.
    private static <S> Map<String, S> without(S state, S initial) {
        Map<String, S> copies = new LinkedHashMap<>();
        if (state instanceof Record) {
            RecordComponent[] components = state.getClass().getRecordComponents();
            Object[] values = values(state, components);
            Object[] others = values(initial, components);
            for (int i = 0; i < components.length; i++) {
                for (Map.Entry<String, Object> part :
                        without(values[i], others[i]).entrySet()) {
                    Object[] changed = values.clone();
                    changed[i] = part.getValue();
                    copies.put((components[i].getName() + " " + part.getKey()).trim(), (S)
                            make(state.getClass(), components, changed));
                }
            }
        } else if (state instanceof List<?> list
                && !list.isEmpty()
                && list.get(0) instanceof Record
                && isAsLong(list, initial)) {
            List<Object> others = (List<Object>) initial;
            for (int i = 0; i < list.size(); i++) {
                for (Map.Entry<String, Object> part :
                        without((Object) list.get(i), others.get(i)).entrySet()) {
                    List<Object> changed = new ArrayList<>(list);
                    changed.set(i, part.getValue());
                    copies.put((i + " " + part.getKey()).trim(), (S) changed);
                }
            }
        } else if (state instanceof Map<?, ?> map && map.keySet().equals(((Map<?, ?>) initial).keySet())) {
            for (Object key : map.keySet()) {
                Map<Object, Object> changed = new TreeMap<>(map);
                changed.put(key, ((Map<?, ?>) initial).get(key));
                copies.put(key.toString(), (S) changed);
            }
        } else if (!Objects.deepEquals(state, initial)) {
            copies.put("", initial);
        }
        return copies;
    }

    private static boolean isAsLong(List<?> list, Object other) {
        return other instanceof List<?> others && others.size() == list.size();
    }

    private static Object[] values(Object from, RecordComponent... components) {
        return Arrays.stream(components)
                .map(component -> {
                    try {
                        component.getAccessor().setAccessible(true);
                        return component.getAccessor().invoke(from);
                    } catch (ReflectiveOperationException e) {
                        throw new IllegalStateException(e);
                    }
                })
                .toArray();
    }

    private static Object make(Class<?> type, RecordComponent[] components, Object... values) {
        try {
            Constructor<?> constructor = type.getDeclaredConstructor(
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            constructor.setAccessible(true);
            return constructor.newInstance(values);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}
