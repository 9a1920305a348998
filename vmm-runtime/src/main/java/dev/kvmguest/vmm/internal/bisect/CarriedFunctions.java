package dev.kvmguest.vmm.internal.bisect;

import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The functions of an image that go along with those that call them: what the other image doesn't have, and static
 * functions that are called directly. How a static function takes its arguments is between it and its callers;
 * compilers choose it anew in each build.
 */
final class CarriedFunctions {

    private final Set<String> called = new HashSet<>();
    private final LinkedImage source;
    private final LinkedImage target;

    CarriedFunctions(LinkedImage source, LinkedImage target) {
        this.source = source;
        this.target = target;
        Stream.of(source, target).forEach(this::addCalled);
    }

    private void addCalled(LinkedImage image) {
        for (MovableFunction caller : image.functions()) {
            caller.targets()
                    .flatMap(target -> image.functionAt(target).stream())
                    .filter(callee -> callee.local() && !callee.equals(caller))
                    .map(MovableFunction::name)
                    .forEach(called::add);
        }
    }

    /** Returns whether it goes along with its callers. */
    boolean contains(MovableFunction function) {
        return isCalledStatic(function)
                || source.function(function.name()).isEmpty()
                || target.function(function.name()).isEmpty();
    }

    /** Returns whether it is a static function that is called directly, in either image. */
    boolean isCalledStatic(MovableFunction function) {
        return function.local() && called.contains(function.name());
    }
}
