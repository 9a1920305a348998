package dev.kvmguest.vmm.compare;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.text.ConsoleText;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * In what runs of one guest differ.
 *
 * @param runs the runs; those that were not made don't count
 */
record Differences(List<ComparedRun> runs) {

    /** QEMU's isa-debug-exit has no more of a value. */
    private static final int EXIT_BITS = 0x7f;

    /** How much of a console is shown before and from where it differs. */
    private static final int SHOWN = 24;

    /** Returns what differs, and where the engines part if that was found out. */
    List<Parting> found() {
        List<ComparedRun> made =
                runs.stream().filter(run -> run.outcome().isPresent()).toList();
        List<String> sentences = new ArrayList<>();
        compare("the guest ended otherwise", made, run -> outcome(run).kind().id(), sentences);
        compare("the exit code differs", made, run -> exitCode(made, run), sentences);
        consoles(made, sentences);
        Stream<Parting> partings = made.stream().flatMap(run -> outcome(run).run().diagnosis().parting().stream());
        // By the sentence: what is the same for a reader is said once.
        Map<String, Parting> found = new LinkedHashMap<>();
        Stream.concat(sentences.stream().map(Parting::of), partings)
                .forEach(parting -> found.putIfAbsent(parting.sentence(), parting));
        return List.copyOf(found.values());
    }

    private static Outcome outcome(ComparedRun run) {
        return run.outcome().orElseThrow();
    }

    private static String exitCode(List<ComparedRun> made, ComparedRun run) {
        OptionalInt code = outcome(run).exitCode();
        boolean narrow = outcome(run).kind() == Outcome.Kind.DEBUG_EXIT
                && made.stream().anyMatch(one -> one.engine() == EngineChoice.QEMU);
        return code.isEmpty() ? "none" : String.valueOf(narrow ? code.getAsInt() & EXIT_BITS : code.getAsInt());
    }

    private static void compare(
            String what, List<ComparedRun> made, Function<ComparedRun, String> value, List<String> sentences) {
        Map<String, List<ComparedRun>> groups =
                made.stream().collect(Collectors.groupingBy(value, LinkedHashMap::new, Collectors.toList()));
        if (groups.size() > 1) {
            sentences.add(what + ": "
                    + groups.entrySet().stream()
                            .map(group -> names(group.getValue()) + ": " + group.getKey())
                            .collect(Collectors.joining("; ")));
        }
    }

    private static String names(List<ComparedRun> group) {
        return group.stream().map(ComparedRun::name).collect(Collectors.joining(", "));
    }

    /** Says of each console that isn't like the first one where it begins to differ. */
    private static void consoles(List<ComparedRun> made, List<String> sentences) {
        for (ComparedRun run : made) {
            byte[] first = outcome(made.get(0)).run().consoleBytes();
            byte[] other = outcome(run).run().consoleBytes();
            int at = Arrays.mismatch(first, other);
            // Guests that are both at their time limit have come as far as their engines are fast.
            boolean onlyFurther = outcome(made.get(0)).kind() == Outcome.Kind.TIMED_OUT
                    && outcome(run).kind() == Outcome.Kind.TIMED_OUT
                    && at == Math.min(first.length, other.length);
            if (at >= 0 && !onlyFurther) {
                sentences.add("the console differs from byte " + at + " on" + before(first, at) + ": "
                        + made.get(0).name() + ": " + shown(first, at) + "; " + run.name() + ": " + shown(other, at));
            }
        }
    }

    /** What both have written before: the end of it. */
    private static String before(byte[] console, int at) {
        if (at == 0) {
            return "";
        }
        byte[] part = Arrays.copyOfRange(console, Math.max(0, at - SHOWN), at);
        return ", after " + (at > SHOWN ? "..." : "")
                + ConsoleText.quoted(new String(part, StandardCharsets.ISO_8859_1));
    }

    private static String shown(byte[] console, int at) {
        if (at >= console.length) {
            return "nothing more";
        }
        byte[] part = Arrays.copyOfRange(console, at, Math.min(console.length, at + SHOWN));
        return ConsoleText.quoted(new String(part, StandardCharsets.ISO_8859_1))
                + (at + SHOWN < console.length ? "..." : "");
    }
}
