package dev.kvmguest.junit;

import dev.kvmguest.vmm.outcome.Outcome;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The kinds of parameter for a test's guest, or for the tests inside one. */
enum GuestParameter {
    /** A {@link Guest}. */
    GUEST,
    /** An {@link Outcome}. */
    OUTCOME,
    /** A {@code List<Outcome>}. */
    OUTCOMES,
    /** The {@link GuestTests} of a test factory. */
    TESTS;

    static Optional<GuestParameter> of(Parameter parameter) {
        Type type = parameter.getParameterizedType();
        if (type == Guest.class) {
            return Optional.of(GUEST);
        }
        if (type == Outcome.class) {
            return Optional.of(OUTCOME);
        }
        if (type == GuestTests.class) {
            return Optional.of(TESTS);
        }
        boolean outcomes = type instanceof ParameterizedType list
                && list.getRawType() == List.class
                && list.getActualTypeArguments()[0] == Outcome.class;
        return outcomes ? Optional.of(OUTCOMES) : Optional.empty();
    }

    static Set<GuestParameter> of(Method method) {
        Set<GuestParameter> kinds = EnumSet.noneOf(GuestParameter.class);
        Arrays.stream(method.getParameters()).forEach(parameter -> of(parameter).ifPresent(kinds::add));
        return kinds;
    }
}
