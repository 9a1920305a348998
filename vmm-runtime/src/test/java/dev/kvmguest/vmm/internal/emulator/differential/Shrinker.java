package dev.kvmguest.vmm.internal.emulator.differential;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Makes programs shorter, by delta debugging: steps are left out, many at first, as long as the program still fails. */
final class Shrinker {

    private Shrinker() {}

    /** Returns a program of which no single step can be left out. */
    static Program shrink(Program program, Predicate<Program> fails) {
        Program smallest = program;
        for (int size = Math.max(1, program.steps().size() / 2); size >= 1; ) {
            Program smaller = without(smallest, size, fails);
            if (smaller == smallest) {
                size /= 2;
            }
            smallest = smaller;
        }
        return smallest;
    }

    /** Returns the program without some steps that stand together, or the program if all are needed. */
    private static Program without(Program program, int size, Predicate<Program> fails) {
        for (int from = 0; from + size <= program.steps().size(); from++) {
            List<Step> rest = new ArrayList<>(program.steps());
            rest.subList(from, from + size).clear();
            Program candidate = program.with(rest);
            if (fails.test(candidate)) {
                return candidate;
            }
        }
        return program;
    }
}
