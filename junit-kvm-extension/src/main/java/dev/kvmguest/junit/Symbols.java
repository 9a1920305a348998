package dev.kvmguest.junit;

import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.text.NearNames;
import java.util.Set;

/** What is said of a function that an assertion names and the image doesn't have. */
final class Symbols {

    private Symbols() {}

    /**
     * Returns that the image has no such symbol, with those that may be meant, to follow it in a sentence; empty if it
     * has it, or has no symbols at all.
     *
     * @param place a symbol, or a place such as {@code panic+0x4}
     */
    static String ifUnknown(String place, Outcome outcome) {
        Set<String> known = outcome.run().symbols();
        String symbol = place.replaceFirst("\\+0x[0-9a-f]+$", "");
        return known.isEmpty() || known.contains(symbol)
                ? ""
                : " (the image " + outcome.run().guest() + " has no symbol " + symbol
                        + "; the compiler may have inlined it" + NearNames.question(symbol, known) + ")";
    }
}
