package dev.kvmguest.vmm.outcome;

import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Standstill;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Recognizes a halt that counts as a normal end and is a failure of the kernel all the same. */
final class PanicHalt {

    /** Words by which functions are called that end a kernel that can't go on. */
    private static final Set<String> PANIC =
            Set.of("panic", "kpanic", "abort", "fatal", "die", "oops", "bug", "bugcheck", "assert", "unreachable");
    /** What a function with such a word does if it has one of these too: it tests that end, or prepares for it. */
    private static final Set<String> OTHERWISE = Set.of(
            "test", "tests", "check", "no", "not", "without", "init", "install", "register", "set", "setup", "after");

    private PanicHalt() {}

    /** Returns why a normal end looks like a panic, as a sentence without a full stop; empty if it doesn't. */
    static Optional<String> of(Outcome outcome) {
        if (!(outcome instanceof Outcome.Halted) || !outcome.endedNormally()) {
            return Optional.empty();
        }
        Diagnosis diagnosis = outcome.run().diagnosis();
        return diagnosis
                .origin()
                .map(PanicHalt::inHandler)
                .or(() -> functions(diagnosis)
                        .filter(PanicHalt::isNamedSo)
                        .findFirst()
                        .map(name -> "in " + name))
                .map(where -> "the guest halted " + where
                        + ", which counts as a normal end and looks like a panic; a kernel that has failed can say so by"
                        + " writing a status other than 0 to the debug-exit port 0xf4");
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
