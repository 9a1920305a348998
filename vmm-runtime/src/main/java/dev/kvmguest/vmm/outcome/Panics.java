package dev.kvmguest.vmm.outcome;

import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.text.ConsoleText;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Recognizes an end that counts as a normal one and is a failure of the kernel all the same: it halted in a function
 * that is called so, or in an exception's handler, or its console says so.
 */
final class Panics {

    /**
     * A line that begins with panic, but for what isn't a letter, as "Kernel panic - not syncing" and "[PANIC] x" do,
     * and is no sentence about panics such as "panic handler installed"; or what Rust prints.
     */
    static final Pattern ON_CONSOLE =
            Pattern.compile("(?im)^[^a-z\n]*(?:kernel )?panic(?:ked)?(?=\\s*(?:$|[-:!*,.;\\])])|\\s+(?:at|in)\\b).*$"
                    + "|\\bpanicked at\\b.*$");

    private static final int SHOWN = 100;

    /** Words by which functions are called that end a kernel that can't go on. */
    private static final Set<String> PANIC =
            Set.of("panic", "kpanic", "abort", "fatal", "die", "oops", "bug", "bugcheck", "assert", "unreachable");
    /** What a function with such a word does if it has one of these too: it tests that end, or prepares for it. */
    private static final Set<String> OTHERWISE = Set.of(
            "test", "tests", "check", "no", "not", "without", "init", "install", "register", "set", "setup", "after");

    private Panics() {}

    /** Returns why a normal end looks like a panic, as a sentence without a full stop; empty if it doesn't. */
    static Optional<String> of(Outcome outcome) {
        return of(outcome, ON_CONSOLE, List.of())
                .map(what -> "the guest " + what
                        + ", which counts as a normal end and looks like a panic; a kernel that has failed can say so by"
                        + " writing a status other than 0 to the debug-exit port 0xf4");
    }

    /**
     * Returns what a guest that ended normally did that looks like a panic, in words that go with "the guest".
     *
     * @param onConsole finds where a console says so
     * @param expected what is expected on the console; a panic that is part of that is meant
     * @return empty if it did nothing of the kind, or what it did is expected
     * @throws PatternSearch.GivenUpException if a search takes too long
     */
    static Optional<String> of(Outcome outcome, Pattern onConsole, List<Pattern> expected) {
        if (!outcome.endedNormally()) {
            return Optional.empty();
        }
        String console = ConsoleText.withoutCarriageReturns(outcome.console());
        Optional<String> wrote = Optional.empty();
        for (PatternSearch said = new PatternSearch(onConsole, console); said.find(); ) {
            if (isExpected(console, said.start(), said.end(), expected)) {
                return Optional.empty();
            }
            wrote = wrote.isPresent() ? wrote : Optional.of(wrote(said.group()));
        }
        Optional<String> halted =
                outcome instanceof Outcome.Halted ? halted(outcome.run().diagnosis()) : Optional.empty();
        return halted.isPresent() ? halted : wrote;
    }

    private static boolean isExpected(String console, int start, int end, List<Pattern> expected) {
        for (Pattern pattern : expected) {
            for (PatternSearch search = new PatternSearch(pattern, console); search.find(); ) {
                if (search.start() < end && search.end() > start) {
                    return true;
                }
            }
        }
        return false;
    }

    private static String wrote(String said) {
        return "wrote "
                + ConsoleText.quoted(
                        said.strip().length() > SHOWN ? said.strip().substring(0, SHOWN) : said.strip())
                + " to its console";
    }

    private static Optional<String> halted(Diagnosis diagnosis) {
        return diagnosis
                .origin()
                .map(Panics::inHandler)
                .or(() -> functions(diagnosis)
                        .filter(Panics::isNamedSo)
                        .findFirst()
                        .map(name -> "in " + name))
                .map(where -> "halted " + where);
    }

    private static String inHandler(Fault origin) {
        return "in the handler of " + origin.first() + ", raised by "
                + origin.at().inWords();
    }

    /** Returns the function that halted and, as far as it is certain, those that called it. */
    private static Stream<String> functions(Diagnosis diagnosis) {
        Stream<String> own = diagnosis.standstill().map(Standstill::at).flatMap(at -> at.symbol()).stream();
        Stream<String> callers = diagnosis.inspection().map(Inspection::callChain).orElse(List.of()).stream()
                .filter(frame -> frame.certain() && !frame.interrupted())
                .flatMap(frame -> frame.symbol().stream());
        return Stream.concat(own, callers).map(symbol -> symbol.replaceFirst("\\+0x[0-9a-f]+$", ""));
    }

    /** Returns whether one of the words of a name, as C, C++ and Rust have them, is of a panic. */
    private static boolean isNamedSo(String function) {
        List<String> words = Arrays.stream(function.split("[^A-Za-z]+|(?<=[a-z])(?=[A-Z])"))
                .map(word -> word.toLowerCase(Locale.ROOT))
                .toList();
        return words.stream().anyMatch(PANIC::contains) && words.stream().noneMatch(OTHERWISE::contains);
    }
}
