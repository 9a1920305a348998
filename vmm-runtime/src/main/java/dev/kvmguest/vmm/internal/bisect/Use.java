package dev.kvmguest.vmm.internal.bisect;

import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.List;

/**
 * How code uses an address.
 *
 * @param kind as what
 * @param numbers all numbers that the same function has in its instructions; they tell which variables it knows
 */
record Use(Kind kind, List<Long> numbers) {

    /** As a pointer in a table: nothing is known of its use. */
    static final Use POINTER = new Use(Kind.VALUE, List.of());

    /** Larger ones are arrays or structures. */
    private static final long LARGEST_SCALAR = 8;

    enum Kind {
        /** As the whole address of an operand in memory. */
        DIRECT,
        /** As a part of such an address, with registers. */
        INDEXED,
        /** As a number. */
        VALUE
    }

    /**
     * Returns whether an address is surely that of the variable that it lies in, or ends at, though others are near.
     *
     * @param others variables that it might be computed from as well
     */
    boolean isOf(Symbol variable, long address, List<Symbol> others) {
        long offset = address - variable.address();
        boolean inside = offset == 0 || offset < variable.size();
        return switch (kind) {
            case DIRECT -> inside;
            // The first element of an array, or a field of that: element -1 of the next one lies at the end.
            case INDEXED -> inside && variable.size() > LARGEST_SCALAR && offset <= variable.size() / 2;
            // A loop begins before its array, or ends at the end, and knows the other end too.
            case VALUE -> inside && others.stream().noneMatch(one -> knows(one, address));
        };
    }

    private boolean knows(Symbol variable, long except) {
        return numbers.stream()
                .anyMatch(number -> number != except
                        && number >= variable.address()
                        && number <= variable.address() + variable.size());
    }
}
