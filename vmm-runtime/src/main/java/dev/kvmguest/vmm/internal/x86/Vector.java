package dev.kvmguest.vmm.internal.x86;

import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Stream;

/** The exceptions (Intel SDM volume 3A, 6.3.1, table 6-1). */
public enum Vector {
    DE(0, Kind.FAULT, Combination.CONTRIBUTORY, false),
    DB(1, Kind.FAULT, Combination.BENIGN, false),
    BP(3, Kind.TRAP, Combination.BENIGN, false),
    OF(4, Kind.TRAP, Combination.BENIGN, false),
    BR(5, Kind.FAULT, Combination.BENIGN, false),
    UD(6, Kind.FAULT, Combination.BENIGN, false),
    NM(7, Kind.FAULT, Combination.BENIGN, false),
    DF(8, Kind.ABORT, Combination.DOUBLE_FAULT, true),
    TS(10, Kind.FAULT, Combination.CONTRIBUTORY, true),
    NP(11, Kind.FAULT, Combination.CONTRIBUTORY, true),
    SS(12, Kind.FAULT, Combination.CONTRIBUTORY, true),
    GP(13, Kind.FAULT, Combination.CONTRIBUTORY, true),
    PF(14, Kind.FAULT, Combination.PAGE_FAULT, true),
    MF(16, Kind.FAULT, Combination.BENIGN, false),
    AC(17, Kind.FAULT, Combination.BENIGN, true),
    XM(19, Kind.FAULT, Combination.BENIGN, false),
    /** Control protection, which came long after the P6. */
    CP(21, Kind.FAULT, Combination.CONTRIBUTORY, true);

    /** Where the pushed return address points: at the instruction, after it, or nowhere of use. */
    public enum Kind {
        FAULT,
        TRAP,
        ABORT
    }

    /** What becomes of a second exception while the first is delivered (volume 3A, table 6-5). */
    public enum Combination {
        BENIGN,
        CONTRIBUTORY,
        PAGE_FAULT,
        DOUBLE_FAULT
    }

    private static final Set<Vector> OF_SELECTORS = EnumSet.of(TS, NP, SS, GP);

    private final int number;
    private final Kind kind;
    private final Combination combination;
    private final boolean errorCode;

    Vector(int number, Kind kind, Combination combination, boolean errorCode) {
        this.number = number;
        this.kind = kind;
        this.combination = combination;
        this.errorCode = errorCode;
    }

    /**
     * Returns the exception with this vector.
     *
     * @throws IllegalArgumentException if there is no such exception
     */
    public static Vector of(int number) {
        for (Vector vector : values()) {
            if (vector.number == number) {
                return vector;
            }
        }
        throw new IllegalArgumentException("vector " + number + " is no exception");
    }

    /** Returns the vector, 0 to 21. */
    public int number() {
        return number;
    }

    /** Returns whether an exception with this vector is this one. */
    public boolean is(int vector) {
        return vector == number;
    }

    /** Returns whether the exception with a vector, if there is one, pushes an error code outside real mode. */
    public static boolean hasErrorCode(int vector) {
        return Stream.of(values()).anyMatch(one -> one.errorCode && one.is(vector));
    }

    /** Returns whether the exception with a vector has an error code that may be a selector: #TS, #NP, #SS and #GP. */
    public static boolean hasSelector(int vector) {
        return OF_SELECTORS.stream().anyMatch(one -> one.is(vector));
    }

    /** Returns what its return address points at; #DB can be a trap too. */
    public Kind kind() {
        return kind;
    }

    /** Returns how it combines with another one. */
    public Combination combination() {
        return combination;
    }

    /** Returns whether an error code is pushed outside real mode. */
    public boolean hasErrorCode() {
        return errorCode;
    }

    /** Returns the exception as the manual writes it, such as {@code #GP}. */
    public String text() {
        return "#" + name();
    }
}
