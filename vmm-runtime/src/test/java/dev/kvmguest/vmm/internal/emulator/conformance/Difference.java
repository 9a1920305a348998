package dev.kvmguest.vmm.internal.emulator.conformance;

import dev.kvmguest.vmm.internal.emulator.conformance.ConformanceMachine.Result;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A line of the list of differences: which cases end otherwise than on the 80286, how, and why. It counts only where they
 * do.
 */
final class Difference {

    /** Which cases of its forms a line is about. */
    private static final Map<String, Predicate<ConformanceCase>> CONDITIONS = Map.of(
            "always", test -> true,
            "count not 1", test -> test.shiftCount() != 1,
            "lock in vain", ConformanceCase::isLockedInVain,
            "stack segment", test -> test.vector() == 13 && test.usesStackSegment(),
            "vector 13", test -> test.vector() == 13,
            "fs or gs", ConformanceCase::namesFsOrGs,
            "over 10 bytes", test -> test.length() > 10);

    /** What the emulator does instead, by the vector of the exception. */
    private static final Map<String, Integer> FAULTS = Map.of("#UD", 6, "#SS", 12, "#GP", 13);

    private static final String COMPLETES = "completes";
    private static final String ANY_FORM = "*";

    private final String line;
    private final String outcome;
    private final int flags;
    private final Set<String> forms;
    private final Predicate<ConformanceCase> condition;
    private final String reason;
    private final Set<String> used = new HashSet<>();
    private int cases;

    private Difference(String line) {
        String[] columns = line.split("\\s*\\|\\s*", 4);
        if (columns.length != 4) {
            throw new IllegalArgumentException("four columns are expected: " + line);
        }
        this.line = line;
        this.outcome = columns[0];
        this.flags = isOfFlags() ? FlagNames.masks(columns[0]) : 0;
        this.forms = Set.of(columns[1].split(" "));
        this.condition = CONDITIONS.get(columns[2]);
        if (condition == null) {
            throw new IllegalArgumentException("no such condition: " + line);
        }
        this.reason = columns[3];
    }

    /** Reads the list: a line each, empty lines and comments left out. */
    static List<Difference> parse(List<String> lines) {
        List<Difference> differences = new ArrayList<>();
        for (String line : lines) {
            if (!line.isBlank() && !line.startsWith(";")) {
                differences.add(new Difference(line.strip()));
            }
        }
        return differences;
    }

    /** Returns whether the line is about flags that need not agree; the other lines are about what happens instead. */
    boolean isOfFlags() {
        return !isCompletion() && !FAULTS.containsKey(outcome);
    }

    /** Returns whether the instruction was executed to its end, where the 80286 raised an exception. */
    boolean isCompletion() {
        return outcome.equals(COMPLETES);
    }

    boolean covers(ConformanceCase test) {
        return (forms.contains(ANY_FORM) || forms.contains(test.form())) && condition.test(test);
    }

    /** Returns the flags that need not agree. */
    int flags() {
        return flags;
    }

    /** Returns whether the emulator did what the line says instead. */
    boolean isWhatHappened(ConformanceCase test, Result result) {
        return isCompletion()
                ? Comparison.isCompleted(test, result)
                : Comparison.isFault(test, result, FAULTS.get(outcome));
    }

    /** Notes that a case differs as the line says. */
    void use(ConformanceCase test) {
        used.add(forms.contains(ANY_FORM) ? ANY_FORM : test.form());
        cases++;
    }

    /** Returns the forms for which the line isn't needed. */
    Set<String> unusedForms() {
        Set<String> unused = new HashSet<>(forms);
        unused.removeAll(used);
        return unused;
    }

    int cases() {
        return cases;
    }

    String reason() {
        return reason;
    }

    @Override
    public String toString() {
        return line;
    }
}
