package dev.kvmguest.maven.assemble;

import java.util.Comparator;
import java.util.stream.Collectors;

/** The list of symbols beside a guest's image. */
final class SymbolList {

    private SymbolList() {}

    /**
     * Returns the defined symbols of what nm prints, a line {@code address type name} each, in the order of address,
     * name and type. nm's own orders leave ties to chance.
     */
    static String of(String nmOutput) {
        return nmOutput.lines()
                .map(line -> line.split(" ", 3))
                // An undefined symbol has blanks for its address.
                .filter(parts -> parts.length == 3 && !parts[0].isEmpty())
                .sorted(Comparator.<String[], String>comparing(parts -> parts[0])
                        .thenComparing(parts -> parts[2])
                        .thenComparing(parts -> parts[1]))
                .map(parts -> String.join(" ", parts) + "\n")
                .collect(Collectors.joining());
    }
}
